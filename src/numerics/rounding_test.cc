// Quantize, dequantize and requantize against a reference in long double and 64-bit integers.
#include "numerics/rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "gtest/gtest.h"

namespace adze {
namespace {

constexpr DType kStorage[] = {DType::kInt8, DType::kUInt8, DType::kInt16, DType::kUInt16};

// Nearest integer, ties to even, by comparing fractions.
long double NearestEven(long double v) {
  const long double below = std::floor(v);
  const long double fraction = v - below;
  if (fraction < 0.5L) return below;
  if (fraction > 0.5L) return below + 1;
  return std::fmod(below, 2.0L) == 0 ? below : below + 1;
}

int64_t Saturate(long double rounded, int64_t zero_point, IntRange range) {
  const long double sum = rounded + static_cast<long double>(zero_point);
  if (sum <= static_cast<long double>(range.min)) return range.min;
  if (sum >= static_cast<long double>(range.max)) return range.max;
  return static_cast<int64_t>(sum);
}

// The quotient of floats, rounded once: 64 bits of mantissa make the second rounding harmless.
int64_t QuantizeReference(float x, float scale, int64_t zero_point, IntRange range) {
  const float quotient = static_cast<float>(static_cast<long double>(x) / scale);
  return Saturate(NearestEven(quotient), zero_point, range);
}

// The product of two floats is exact in 64 bits of mantissa.
int64_t RequantizeReference(int32_t acc, float multiplier, int64_t zero_point, IntRange range) {
  const float a = static_cast<float>(static_cast<long double>(acc));
  const float product = static_cast<float>(static_cast<long double>(a) * multiplier);
  return Saturate(NearestEven(product), zero_point, range);
}

TEST(RoundingTest, RoundNearestEven) {
  EXPECT_EQ(RoundNearestEven(0.5f), 0);
  EXPECT_EQ(RoundNearestEven(1.5f), 2);
  EXPECT_EQ(RoundNearestEven(2.5f), 2);
  EXPECT_EQ(RoundNearestEven(-0.5f), 0);
  EXPECT_EQ(RoundNearestEven(-1.5f), -2);
  EXPECT_EQ(RoundNearestEven(2.4999998f), 2);
  EXPECT_EQ(RoundNearestEven(8388609.0f), 8388609.0f);
}

TEST(RoundingTest, RoundSaturateAtTheEnds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RoundSaturate(kInfinity, -128, 127), 127);
  EXPECT_EQ(RoundSaturate(-kInfinity, -128, 127), -128);
  EXPECT_EQ(RoundSaturate(3e38f, 0, 65535), 65535);
  EXPECT_EQ(RoundSaturate(127.5f, -128, 127), 127);
  EXPECT_EQ(RoundSaturate(-128.5f, -128, 127), -128);
  EXPECT_EQ(RoundSaturate(126.5f, -128, 127), 126);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(RoundSaturate(nan, -128, 127), 0);
  EXPECT_EQ(RoundSaturate(nan, 3, 9), 3);
  EXPECT_EQ(RoundSaturate(nan, -9, -3), -3);
}

TEST(RoundingTest, QuantizeAgreesWithTheReference) {
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> spread(-1.2f, 1.2f);
  for (const DType storage : kStorage) {
    const IntRange range = RangeOf(storage);
    const int32_t lo = static_cast<int32_t>(range.min);
    const int32_t hi = static_cast<int32_t>(range.max);
    std::uniform_int_distribution<int32_t> zero(lo, hi);
    for (int i = 0; i < 50000; ++i) {
      const int32_t zp = i % 3 == 0 ? lo : i % 3 == 1 ? hi : zero(rng);
      // Every third scale is a power of two and x half a step off a code: exact ties.
      const float scale =
          std::ldexp(i % 3 == 2 ? 1.0f : 1.0f + std::fabs(spread(rng)), i % 40 - 20);
      float x = spread(rng) * scale * static_cast<float>(hi - lo);
      if (i % 3 == 2) x = (std::floor(x / scale) + 0.5f) * scale;
      ASSERT_EQ(QuantizeOne(x, scale, zp, lo, hi), QuantizeReference(x, scale, zp, range))
          << DTypeName(storage) << " " << x << " / " << scale << " + " << zp;
    }
    for (const float x : {3e38f, -3e38f, 1e-45f, 0.0f, -0.0f}) {
      for (const float scale : {1e-38f, 1.0f, 3e38f}) {
        EXPECT_EQ(QuantizeOne(x, scale, 0, lo, hi), QuantizeReference(x, scale, 0, range));
      }
    }
  }
}

TEST(RoundingTest, RequantizeAgreesWithTheReference) {
  std::mt19937 rng(2);
  std::uniform_int_distribution<int32_t> any(INT32_MIN, INT32_MAX);
  std::uniform_real_distribution<float> mantissa(0.5f, 1.0f);
  for (const DType storage : kStorage) {
    const IntRange range = RangeOf(storage);
    const int32_t lo = static_cast<int32_t>(range.min);
    const int32_t hi = static_cast<int32_t>(range.max);
    std::uniform_int_distribution<int32_t> zero(lo, hi);
    for (int i = 0; i < 50000; ++i) {
      const int32_t acc = any(rng) >> (i % 31);
      const float multiplier = std::ldexp(i % 2 == 0 ? 1.0f : mantissa(rng), -(i % 28));
      const int32_t zp = zero(rng);
      ASSERT_EQ(RequantizeOne(acc, multiplier, zp, lo, hi),
                RequantizeReference(acc, multiplier, zp, range))
          << DTypeName(storage) << " " << acc << " * " << multiplier << " + " << zp;
    }
    for (const int32_t acc : {INT32_MIN, INT32_MAX, 0, -1, 1, 16777217, -16777219}) {
      for (const float multiplier : {1e-9f, 0.5f, 1.0f, 2.0f, 1e30f}) {
        EXPECT_EQ(RequantizeOne(acc, multiplier, lo, lo, hi),
                  RequantizeReference(acc, multiplier, lo, range));
      }
    }
  }
}

TEST(RoundingTest, EveryCodeSurvivesDequantizeQuantize) {
  for (const DType storage : kStorage) {
    const IntRange range = RangeOf(storage);
    const int32_t lo = static_cast<int32_t>(range.min);
    const int32_t hi = static_cast<int32_t>(range.max);
    for (const int32_t zp : {lo, hi, (lo + hi) / 2}) {
      for (const float scale : {0.1f, 1.0f / 3, 7e-12f, 1e20f}) {
        for (int32_t q = lo; q <= hi; ++q) {
          ASSERT_EQ(QuantizeOne(DequantizeOne(q, scale, zp), scale, zp, lo, hi), q);
        }
      }
    }
  }
}

}  // namespace
}  // namespace adze
