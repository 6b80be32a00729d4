#include "numerics/quant_type.h"

#include <cmath>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

constexpr DType kStorage[] = {DType::kInt8, DType::kUInt8, DType::kInt16, DType::kUInt16};

float Decode(int64_t code, AffineParams p) {
  return DequantizeOne(static_cast<int32_t>(code), p.scale, p.zero_point);
}

// What must hold for every range, sane or not.
void ExpectUsable(float min, float max, DType storage, bool symmetric) {
  const AffineParams p = ChooseAffineParams(min, max, storage, symmetric);
  const IntRange range = RangeOf(storage);
  SCOPED_TRACE(testing::Message() << DTypeName(storage) << " [" << min << ", " << max << "] "
                                  << (symmetric ? "symmetric" : "asymmetric"));
  EXPECT_TRUE(std::isnormal(p.scale));
  EXPECT_GT(p.scale, 0);
  EXPECT_GE(p.zero_point, range.min);
  EXPECT_LE(p.zero_point, range.max);
  EXPECT_EQ(Decode(p.zero_point, p), 0) << "zero must be exactly representable";
  QuantType q{.storage = storage, .scale = {p.scale}, .zero_point = {p.zero_point}};
  EXPECT_TRUE(VerifyQuantType(q, 1).ok());
  EXPECT_EQ(ChooseAffineParams(min, max, storage, symmetric).scale, p.scale);
}

// The ends of the range are at most one step beyond the codes.
void ExpectCovered(float min, float max, DType storage, bool symmetric) {
  const AffineParams p = ChooseAffineParams(min, max, storage, symmetric);
  const IntRange range = RangeOf(storage);
  const double lowest = static_cast<double>(range.min - p.zero_point) * p.scale;
  const double highest = static_cast<double>(range.max - p.zero_point) * p.scale;
  EXPECT_LE(lowest, std::min(min, 0.0f) + p.scale) << min << " " << max;
  EXPECT_GE(highest, std::max(max, 0.0f) - p.scale) << min << " " << max;
  // And the step is no larger than the range demands.
  const double width = symmetric
                           ? 2.0 * std::max({std::fabs(min), std::fabs(max), 5e-7f})
                           : std::max<double>(std::max(max, 0.0f) - std::min(min, 0.0f), 1e-6);
  EXPECT_LE(p.scale * static_cast<double>(range.max - range.min), width * 1.02);
}

TEST(ChooseAffineParamsTest, KnownValues) {
  AffineParams p = ChooseAffineParams(-1, 1.55f, DType::kUInt8, false);
  EXPECT_FLOAT_EQ(p.scale, 0.01f);
  EXPECT_EQ(p.zero_point, 100);
  p = ChooseAffineParams(0, 6, DType::kUInt8, false);
  EXPECT_EQ(p.scale, 6.0f / 255);
  EXPECT_EQ(p.zero_point, 0);
  p = ChooseAffineParams(2, 5.1f, DType::kInt8, false);  // widened to zero
  EXPECT_FLOAT_EQ(p.scale, 0.02f);
  EXPECT_EQ(p.zero_point, -128);
  p = ChooseAffineParams(-5.1f, -2, DType::kInt8, false);
  EXPECT_EQ(p.zero_point, 127);
  p = ChooseAffineParams(-2, 1, DType::kInt8, true);
  EXPECT_EQ(p.scale, 2.0f / 127);
  EXPECT_EQ(p.zero_point, 0);
  p = ChooseAffineParams(-2, 1, DType::kUInt8, true);
  EXPECT_EQ(p.scale, 2.0f / 127);
  EXPECT_EQ(p.zero_point, 128);
}

TEST(ChooseAffineParamsTest, RandomRanges) {
  std::mt19937 rng(3);
  std::uniform_real_distribution<float> unit(-1, 1);
  for (int i = 0; i < 20000; ++i) {
    const float size = std::ldexp(1.0f, i % 120 - 60);
    const float a = unit(rng) * size;
    const float b = unit(rng) * (i % 5 == 0 ? 1e-3f * size : size);
    for (const DType storage : kStorage) {
      for (const bool symmetric : {false, true}) {
        ExpectUsable(std::min(a, b), std::max(a, b), storage, symmetric);
        ExpectCovered(std::min(a, b), std::max(a, b), storage, symmetric);
      }
    }
    if (HasFailure()) return;
  }
}

TEST(ChooseAffineParamsTest, HostileRanges) {
  using L = std::numeric_limits<float>;
  const float values[] = {0.0f,          -0.0f,          L::denorm_min(), -L::denorm_min(),
                          L::min(),      -L::min(),      1e-30f,          -1e-30f,
                          1.0f,          -1.0f,          L::max(),        -L::max(),
                          L::infinity(), -L::infinity(), L::quiet_NaN()};
  for (const float min : values) {
    for (const float max : values) {
      for (const DType storage : kStorage) {
        ExpectUsable(min, max, storage, false);
        ExpectUsable(min, max, storage, true);
      }
      ExpectUsable(min, max, DType::kInt32, true);
    }
  }
  for (const float min_range : {0.0f, -1.0f, L::denorm_min(), L::min(), L::quiet_NaN()}) {
    for (const bool symmetric : {false, true}) {
      const AffineParams p = ChooseAffineParams(0, 0, DType::kUInt16, symmetric, min_range);
      EXPECT_TRUE(std::isnormal(p.scale)) << min_range;
    }
  }
}

TEST(VerifyQuantTypeTest, Refusals) {
  const auto message = [](const QuantType& q, int64_t channels) {
    return VerifyQuantType(q, channels).message();
  };
  const QuantType good{.storage = DType::kInt8, .scale = {0.5f}, .zero_point = {0}};
  EXPECT_EQ(message(good, 7), "");
  QuantType q = good;
  q.storage = DType::kInt64;
  EXPECT_EQ(message(q, 1),
            "quantized storage type is int64, must be an integer of 2 to 8 or 16 bits, or int32");
  q = good;
  q.zero_point = {0, 0};
  EXPECT_EQ(message(q, 1), "quantization has 1 scales and 2 zero points");
  q = good;
  q.scale = {0.5f, 1};
  q.zero_point = {0, 0};
  EXPECT_EQ(message(q, 2), "per-tensor quantization needs exactly one scale and no block size");
  q.axis = 0;
  EXPECT_EQ(message(q, 2), "");
  EXPECT_EQ(message(q, 3), "per-channel quantization has 2 scales for 3 channels");
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    q = good;
    q.scale = {bad};
    EXPECT_EQ(message(q, 1), "scale 0 is not a positive finite number");
  }
  q = good;
  q.zero_point = {128};
  EXPECT_EQ(message(q, 1), "zero point 128 does not fit int8");
  q.storage = DType::kUInt8;
  EXPECT_EQ(message(q, 1), "");
}

TEST(VerifyQuantTypeTest, SymmetryAndSummary) {
  QuantType q{.storage = DType::kUInt8, .scale = {0.0235f}, .zero_point = {128}};
  EXPECT_FALSE(q.symmetric());
  EXPECT_EQ(QuantTypeSummary(q), "uint8<0.0234999992:128>");
  q = {.storage = DType::kInt8, .scale = {1, 2}, .zero_point = {0, 0}, .axis = 1};
  EXPECT_TRUE(q.symmetric());
  EXPECT_EQ(QuantTypeSummary(q), "int8<axis=1,2 scales>");
}

TEST(DTypeTest, NamesAndSizes) {
  for (const DType t : kAllDTypes) {
    EXPECT_EQ(ParseDType(DTypeName(t)), t);
    EXPECT_GT(SizeOf(t), 0u);
    EXPECT_FALSE(IsFloat(t) && IsInteger(t));
  }
  EXPECT_EQ(ParseDType("float8"), std::nullopt);
  EXPECT_EQ(ParseDType("undefined"), std::nullopt);
  EXPECT_EQ(SizeOf(DType::kUndefined), 0u);
  EXPECT_FALSE(IsInteger(DType::kBool));
}

}  // namespace
}  // namespace adze
