#include "algos/adaptive_rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace adze {
namespace {

// (q - t)^T H (q - t) in double.
double Loss(const std::vector<float>& t, const std::vector<float>& q, const std::vector<float>& h,
            int64_t stride) {
  double loss = 0;
  for (size_t i = 0; i < t.size(); ++i) {
    for (size_t j = 0; j < t.size(); ++j) {
      loss +=
          static_cast<double>(q[i] - t[i]) * h[i * static_cast<size_t>(stride) + j] * (q[j] - t[j]);
    }
  }
  return loss;
}

// Against all 2^k roundings up and down: never worse than the nearest codes, no single change
// helps, and most of the way to the best there is.
TEST(RoundChannelTest, IsALocalOptimumNearTheGlobalOne) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  constexpr int64_t kSize = 8;
  double nearest_total = 0;
  double ours_total = 0;
  double best_total = 0;
  for (int round = 0; round < 40; ++round) {
    // Correlated inputs, as neighbouring pixels are.
    std::vector<float> h(kSize * kMomentPad, 0.0f);
    for (int r = 0; r < 30; ++r) {
      const float common = normal(random);
      float x[kSize];
      for (float& v : x) v = common + 0.3f * normal(random);
      for (int64_t i = 0; i < kSize; ++i) {
        for (int64_t j = 0; j < kSize; ++j)
          h[static_cast<size_t>(i * kMomentPad + j)] += x[i] * x[j];
      }
    }
    std::vector<float> t(kSize);
    for (float& v : t) v = 40 * normal(random);
    std::vector<float> q(kSize);
    RoundChannel(t, h.data(), kMomentPad, 127, q);
    const double ours = Loss(t, q, h, kMomentPad);
    std::vector<float> nearest(kSize);
    for (size_t i = 0; i < t.size(); ++i) {
      EXPECT_LE(std::abs(q[i]), 127);
      EXPECT_EQ(q[i], std::nearbyint(q[i]));
      if (std::abs(t[i]) <= 127) {
        EXPECT_LT(std::abs(q[i] - t[i]), 1);
      }
      nearest[i] = std::clamp(std::nearbyint(t[i]), -127.0f, 127.0f);
    }
    double best = 1e30;
    for (int mask = 0; mask < 1 << kSize; ++mask) {
      std::vector<float> c(kSize);
      for (size_t i = 0; i < c.size(); ++i) {
        const float bound = (mask >> i & 1) != 0 ? std::ceil(t[i]) : std::floor(t[i]);
        c[i] = std::clamp(bound, -127.0f, 127.0f);
      }
      best = std::min(best, Loss(t, c, h, kMomentPad));
    }
    nearest_total += Loss(t, nearest, h, kMomentPad);
    ours_total += ours;
    best_total += best;
    EXPECT_LE(ours, Loss(t, nearest, h, kMomentPad) * 1.0001);
    EXPECT_GE(ours, best * 0.9999);
  }
  EXPECT_LT(ours_total - best_total, 0.3 * (nearest_total - best_total));
}

// With a linear term of its own, as inputs of another network give one: against all 2^k roundings.
TEST(DescendCodesTest, IsALocalOptimumNearTheGlobalOne) {
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  constexpr int64_t kSize = 8;
  const IntRange range = {-4, 3};
  double start_total = 0;
  double ours_total = 0;
  double best_total = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<float> h(kSize * kMomentPad, 0.0f);
    std::vector<float> u(kSize, 0.0f);
    std::vector<float> t(kSize);
    for (float& v : t) v = 2 * normal(random);
    for (int r = 0; r < 30; ++r) {
      const float common = normal(random);
      float x[kSize];
      float y = 0;  // of weights t on other inputs
      for (size_t i = 0; i < kSize; ++i) {
        x[i] = common + 0.3f * normal(random);
        y += t[i] * (x[i] + 0.2f * normal(random));
      }
      for (size_t i = 0; i < kSize; ++i) {
        u[i] += x[i] * y;
        for (size_t j = 0; j < kSize; ++j) h[i * kMomentPad + j] += x[i] * x[j];
      }
    }
    const auto loss = [&](const std::vector<float>& q) {
      double sum = 0;
      for (size_t i = 0; i < kSize; ++i) {
        sum -= 2.0 * q[i] * u[i];
        for (size_t j = 0; j < kSize; ++j) {
          sum += static_cast<double>(q[i]) * h[i * kMomentPad + j] * q[j];
        }
      }
      return sum;
    };
    const auto at = [&](int mask) {
      std::vector<float> q(kSize);
      for (size_t i = 0; i < q.size(); ++i) {
        q[i] = std::clamp((mask >> i & 1) != 0 ? std::ceil(t[i]) : std::floor(t[i]), -4.0f, 3.0f);
      }
      return q;
    };
    std::vector<float> q(kSize);
    for (size_t i = 0; i < q.size(); ++i) {
      q[i] = std::clamp(std::nearbyint(t[i]), -4.0f, 3.0f);
    }
    start_total += loss(q);
    DescendCodes(h.data(), kMomentPad, u, t, range, q);
    const double ours = loss(q);
    double best = 1e30;
    for (int mask = 0; mask < 1 << kSize; ++mask) best = std::min(best, loss(at(mask)));
    for (size_t i = 0; i < q.size(); ++i) {
      EXPECT_GE(q[i], range.min);
      EXPECT_LE(q[i], range.max);
      EXPECT_EQ(q[i], std::nearbyint(q[i]));
      std::vector<float> other = q;
      other[i] = std::clamp(q[i] > t[i] ? std::floor(t[i]) : std::ceil(t[i]), -4.0f, 3.0f);
      EXPECT_GE(loss(other), ours - 1e-3 * std::abs(ours));
    }
    EXPECT_GE(ours, best - 1e-4 * std::abs(best));
    ours_total += ours;
    best_total += best;
  }
  EXPECT_LT(ours_total - best_total, 0.4 * (start_total - best_total));
}

TEST(RoundChannelTest, WithoutCorrelationTheNearestCodesAreBest) {
  const std::vector<float> t = {0.4f, -1.6f, 126.8f, 300.0f, -127.2f};
  std::vector<float> h(5 * kMomentPad, 0.0f);
  for (size_t i = 0; i < 5; ++i) h[i * kMomentPad + i] = 1;
  std::vector<float> q(5);
  RoundChannel(t, h.data(), kMomentPad, 127, q);
  EXPECT_EQ(q, (std::vector<float>{0, -2, 127, 127, -127}));
  RoundChannel(t, h.data(), kMomentPad, 63, q);
  EXPECT_EQ(q, (std::vector<float>{0, -2, 63, 63, -63}));
}

}  // namespace
}  // namespace adze
