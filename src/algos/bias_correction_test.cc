#include "algos/bias_correction.h"

#include <gtest/gtest.h>

#include <random>

#include "numerics/rounding.h"

namespace adze {
namespace {

// The mean of the output error over random inputs, computed the long way, is what OutputShift
// predicts.
TEST(BiasCorrection, ShiftIsTheMeanOutputError) {
  std::mt19937 rng(3);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  constexpr int64_t kOut = 6, kInPerGroup = 2, kTaps = 3, kGroups = 3;
  std::vector<float> w(kOut * kInPerGroup * kTaps);
  for (float& v : w) v = normal(rng);
  const std::vector<float> scale = {0.02f, 0.05f, 0.1f, 0.2f, 0.03f, 0.3f};
  constexpr int kSamples = 400;
  std::vector<double> mean(kInPerGroup * kGroups, 0.0);
  std::vector<double> error(kOut, 0.0);
  for (int s = 0; s < kSamples; ++s) {
    std::vector<float> x(mean.size());
    for (size_t c = 0; c < x.size(); ++c) {
      x[c] = normal(rng) + static_cast<float>(c);
      mean[c] += x[c] / kSamples;
    }
    for (int64_t o = 0; o < kOut; ++o) {
      for (int64_t c = 0; c < kInPerGroup; ++c) {
        for (int64_t k = 0; k < kTaps; ++k) {
          const size_t i = static_cast<size_t>((o * kInPerGroup + c) * kTaps + k);
          const float s_o = scale[static_cast<size_t>(o)];
          const double q = DequantizeOne(QuantizeOne(w[i], s_o, 0, -127, 127), s_o, 0);
          error[static_cast<size_t>(o)] +=
              (q - w[i]) * x[static_cast<size_t>(o / 2 * kInPerGroup + c)] / kSamples;
        }
      }
    }
  }
  const std::vector<double> shift =
      OutputShift(w, kOut, kInPerGroup, kGroups, scale, mean, std::vector<double>(kTaps, 1.0));
  for (size_t o = 0; o < error.size(); ++o) EXPECT_NEAR(shift[o], error[o], 1e-6);
}

TEST(BiasCorrection, WeightsOnTheGridNeedNone) {
  const std::vector<float> w = {0.5f, -1.0f, 0.25f, 1.0f};
  const std::vector<double> mean = {3.0, -7.0};
  for (double s :
       OutputShift(w, 2, 2, 1, std::vector<float>{0.25f, 0.25f}, mean, std::vector<double>{1.0})) {
    EXPECT_EQ(s, 0.0);
  }
}

}  // namespace
}  // namespace adze
