#include "kernels/finish_i8/finish_i8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/kernel_test_util.h"

namespace adze {
namespace {

double Exact(const ConvI8Args& a, double x) {
  const double gate = std::max(0.0, std::min(1.0, a.act_alpha * x + a.act_beta));
  switch (a.activation) {
    case FusedActivation::kNone:
      return x;
    case FusedActivation::kLeakyRelu:
      return x < 0 ? a.act_alpha * x : x;
    case FusedActivation::kHardSigmoid:
      return gate;
    case FusedActivation::kHardSwish:
      return x * gate;
    case FusedActivation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case FusedActivation::kSilu:
      return x / (1 + std::exp(-x));
  }
  return NAN;
}

constexpr FusedActivation kAll[] = {FusedActivation::kNone,        FusedActivation::kLeakyRelu,
                                    FusedActivation::kHardSigmoid, FusedActivation::kHardSwish,
                                    FusedActivation::kSigmoid,     FusedActivation::kSilu};

ConvI8Args Args(FusedActivation activation) {
  ConvI8Args args;
  args.activation = activation;
  args.act_alpha = 0.2f;
  args.act_beta = 0.45f;
  args.y_scale = 0.031f;
  args.y_zero_point = 37;
  return args;
}

// The code is that of the exact function, but for values within float's resolution of a boundary.
TEST(FinishI8, ComputesTheFunction) {
  std::mt19937 rng(4);
  std::vector<float> x;
  for (int i = -40000; i <= 40000; ++i) x.push_back(static_cast<float>(i) * 0.00051f);
  for (const float far : {0.0f, -0.0f, 90.0f, -90.0f, 1e30f, -1e30f, 1e-30f}) x.push_back(far);
  for (const FusedActivation activation : kAll) {
    const ConvI8Args args = Args(activation);
    std::vector<uint8_t> y(x.size());
    const auto n = static_cast<int64_t>(x.size());
    FindFinishI8(Isa::kGeneric).kernel({&args, x.data(), nullptr, y.data(), 1, n, n});
    for (size_t i = 0; i < x.size(); ++i) {
      const double code = Exact(args, x[i]) / args.y_scale;
      const double low = std::nearbyint(code - 1e-5 * (1 + std::abs(code))) + args.y_zero_point;
      const double high = std::nearbyint(code + 1e-5 * (1 + std::abs(code))) + args.y_zero_point;
      ASSERT_GE(y[i], std::clamp(low, 0.0, 255.0)) << x[i];
      ASSERT_LE(y[i], std::clamp(high, 0.0, 255.0)) << x[i];
    }
  }
}

TEST(FinishI8, EveryRowGivesTheSameBits) {
  ForEachSupportedRow("finish_i8", FinishI8Rows(), [](const FinishI8Row& row) {
    std::mt19937 rng(5);
    std::normal_distribution<float> normal(0, 3);
    for (const FusedActivation activation : kAll) {
      for (int64_t channels = 1; channels < 50; ++channels) {
        for (const bool factors : {false, true}) {
          SCOPED_TRACE(testing::Message() << static_cast<int>(activation) << " " << channels);
          ConvI8Args args = Args(activation);
          args.act_min = rng() % 30;
          args.act_max = 255 - rng() % 30;
          const int64_t rows = 4;
          const int64_t stride = channels + (rng() % 2) * 3;
          std::vector<float> x(rows * channels);
          std::vector<float> factor(channels);
          for (float& v : x) v = normal(rng);
          for (float& v : factor) v = std::exp(normal(rng));
          OddBuffer<uint8_t> y(rows * stride);
          std::vector<uint8_t> expected(rows * stride, 7);
          for (int64_t i = 0; i < y.size(); ++i) y[i] = 7;
          FinishI8Block block = {
              &args, x.data(), factors ? factor.data() : nullptr, y.data(), rows, channels, stride};
          row.kernel(block);
          ASSERT_TRUE(y.GuardsIntact());
          block.y = expected.data();
          FindFinishI8(Isa::kGeneric).kernel(block);
          for (int64_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], expected[i]) << i;
        }
      }
    }
  });
}

}  // namespace
}  // namespace adze
