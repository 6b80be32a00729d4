// All codes of binary16 and bfloat16 against an independent codec: decoding from the definition in
// double, encoding by searching the nearest of all finite values.
#include "numerics/half.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace adze {
namespace {

struct Format {
  const char* name;
  int exponent_bits;
  int mantissa_bits;
  float (*decode)(uint16_t);
  uint16_t (*encode)(float);

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  uint16_t infinity() const {
    return static_cast<uint16_t>(((1 << exponent_bits) - 1) << mantissa_bits);
  }
  // The value of a code without sign below infinity; the code of infinity gives the next power of
  // two, where numbers would continue.
  double Magnitude(uint16_t code) const {
    const int exponent = code >> mantissa_bits;
    const int mantissa = code & ((1 << mantissa_bits) - 1);
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias() - mantissa_bits);
    return std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias() - mantissa_bits);
  }
  // Nearest code, ties to the even one.
  uint16_t Nearest(float v) const {
    const uint16_t sign = std::signbit(v) ? 0x8000 : 0;
    const double m = std::fabs(static_cast<double>(v));
    uint16_t low = 0;
    uint16_t high = infinity();
    if (m >= Magnitude(high)) return static_cast<uint16_t>(sign | high);
    while (high - low > 1) {  // Magnitude(low) <= m < Magnitude(high)
      const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
      (Magnitude(middle) <= m ? low : high) = middle;
    }
    const double below = m - Magnitude(low);
    const double above = Magnitude(high) - m;
    const bool up = above < below || (above == below && (low & 1) != 0);
    return static_cast<uint16_t>(sign | (up ? high : low));
  }
};

constexpr Format kFormats[] = {
    {"float16", 5, 10, DecodeFloat16, EncodeFloat16},
    {"bfloat16", 8, 7, DecodeBFloat16, EncodeBFloat16},
};

class HalfTest : public testing::TestWithParam<Format> {};

TEST_P(HalfTest, DecodesEveryCode) {
  const Format& f = GetParam();
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const float v = f.decode(static_cast<uint16_t>(code));
    const uint16_t magnitude = code & 0x7fff;
    EXPECT_EQ(std::signbit(v), (code & 0x8000) != 0) << code;
    if (magnitude > f.infinity()) {
      EXPECT_TRUE(std::isnan(v)) << code;
    } else if (magnitude == f.infinity()) {
      EXPECT_TRUE(std::isinf(v)) << code;
    } else {
      EXPECT_EQ(std::fabs(v), f.Magnitude(magnitude)) << code;
    }
  }
}

TEST_P(HalfTest, EveryCodeRoundTrips) {
  const Format& f = GetParam();
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const uint16_t back = f.encode(f.decode(static_cast<uint16_t>(code)));
    if ((code & 0x7fff) > f.infinity()) {
      const uint16_t quiet = static_cast<uint16_t>(1 << (f.mantissa_bits - 1));
      EXPECT_EQ(back, code | quiet) << "NaN stays NaN, quiet, with its payload";
    } else {
      EXPECT_EQ(back, code);
    }
  }
}

TEST_P(HalfTest, RoundsNeighboursAndTies) {
  const Format& f = GetParam();
  constexpr float kFar = std::numeric_limits<float>::infinity();
  for (uint16_t code = 0; code < f.infinity(); ++code) {
    // Exact in float32: one bit more than the format has.
    const double middle = (f.Magnitude(code) + f.Magnitude(static_cast<uint16_t>(code + 1))) / 2;
    const float tie = static_cast<float>(middle);
    ASSERT_EQ(tie, middle);
    const uint16_t even = static_cast<uint16_t>((code & 1) == 0 ? code : code + 1);
    EXPECT_EQ(f.encode(tie), even);
    EXPECT_EQ(f.encode(-tie), even | 0x8000);
    EXPECT_EQ(f.encode(std::nextafterf(tie, 0)), code);
    EXPECT_EQ(f.encode(std::nextafterf(tie, kFar)), code + 1);
  }
}

TEST_P(HalfTest, EncodesFloatsLikeTheSearch) {
  const Format& f = GetParam();
  uint32_t state = 12345;
  for (int i = 0; i < 200000; ++i) {
    state = state * 1664525u + 1013904223u;
    // Upper bits of the generator are the good ones; every exponent occurs.
    const float v = std::bit_cast<float>((state >> 8) ^ (state << 13));
    if (std::isnan(v)) continue;
    EXPECT_EQ(f.encode(v), f.Nearest(v)) << v;
  }
  for (const float v : {0.0f, -0.0f, std::numeric_limits<float>::max(),
                        -std::numeric_limits<float>::max(), std::numeric_limits<float>::min(),
                        std::numeric_limits<float>::denorm_min(), 65519.996f, 65520.0f}) {
    EXPECT_EQ(f.encode(v), f.Nearest(v)) << v;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, HalfTest, testing::ValuesIn(kFormats),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace adze
