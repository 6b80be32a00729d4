#include "kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/kernel_test_util.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

// Random floats with the awkward ones mixed in: ties of `scale`, infinities, NaN, huge and tiny
// values.
float Awkward(std::mt19937& rng, float scale) {
  switch (rng() % 12) {
    case 0:
      return std::numeric_limits<float>::quiet_NaN();
    case 1:
      return std::numeric_limits<float>::infinity();
    case 2:
      return -std::numeric_limits<float>::infinity();
    case 3:
      return (rng() % 2 == 0 ? 3e38f : -3e38f);
    case 4:
      return -0.0f;
    case 5:
      return 1e-40f;
    case 6:
    case 7:
      return (static_cast<float>(rng() % 300) - 150.5f) * scale;
    default:
      return (static_cast<float>(rng() % 100000) / 250.0f - 200.0f) * scale;
  }
}

TEST(Quantize, EveryRowGivesTheReferenceBits) {
  ForEachSupportedRow("quantize", QuantizeRows(), [](const QuantizeRow& row) {
    std::mt19937 rng(7);
    for (int64_t n = 0; n < 120; ++n) {
      const QuantizeArgs args = {0.25f + static_cast<float>(rng() % 100) / 300.0f,
                                 static_cast<int32_t>(rng() % 256)};
      OddBuffer<float> x(n);
      OddBuffer<uint8_t> q(n);
      OddBuffer<float> back(n);
      for (int64_t i = 0; i < n; ++i) x[i] = Awkward(rng, args.scale);
      row.quantize(args, x.data(), n, q.data());
      row.dequantize(args, q.data(), n, back.data());
      ASSERT_TRUE(q.GuardsIntact());
      ASSERT_TRUE(back.GuardsIntact());
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(q[i], QuantizeOne(x[i], args.scale, args.zero_point, 0, 255)) << x[i];
        ASSERT_EQ(back[i], DequantizeOne(q[i], args.scale, args.zero_point));
      }
    }
  });
}

TEST(Quantize, LayoutChangeOnTheWay) {
  ForEachSupportedRow("quantize", QuantizeRows(), [](const QuantizeRow& row) {
    std::mt19937 rng(8);
    const QuantizeArgs args = {0.1f, 100};
    for (int64_t channels : {1, 2, 3, 4, 15, 16, 17, 40}) {
      for (int64_t pixels : {1, 5, 127, 128, 129, 300}) {
        OddBuffer<float> x(channels * pixels);
        OddBuffer<uint8_t> q(channels * pixels);
        OddBuffer<float> back(channels * pixels);
        for (int64_t i = 0; i < x.size(); ++i) x[i] = Awkward(rng, args.scale);
        const int64_t middle = pixels / 3;
        QuantizeToChannelsLast(row, args, x.data(), channels, pixels, 0, middle, q.data());
        QuantizeToChannelsLast(row, args, x.data(), channels, pixels, middle, pixels, q.data());
        DequantizeToPlanes(row, args, q.data(), channels, pixels, 0, middle, back.data());
        DequantizeToPlanes(row, args, q.data(), channels, pixels, middle, pixels, back.data());
        ASSERT_TRUE(q.GuardsIntact());
        ASSERT_TRUE(back.GuardsIntact());
        for (int64_t c = 0; c < channels; ++c) {
          for (int64_t p = 0; p < pixels; ++p) {
            const uint8_t expected = static_cast<uint8_t>(
                QuantizeOne(x[c * pixels + p], args.scale, args.zero_point, 0, 255));
            ASSERT_EQ(q[p * channels + c], expected) << channels << " " << pixels;
            ASSERT_EQ(back[c * pixels + p], DequantizeOne(expected, args.scale, args.zero_point));
          }
        }
      }
    }
  });
}

TEST(Quantize, NanGivesTheZeroPoint) {
  ForEachSupportedRow("quantize", QuantizeRows(), [](const QuantizeRow& row) {
    const float x = std::numeric_limits<float>::quiet_NaN();
    uint8_t q = 0;
    row.quantize({1.0f, 42}, &x, 1, &q);
    EXPECT_EQ(q, 42);
  });
}

TEST(Quantize, RefusesArgumentsOutOfRange) {
  EXPECT_TRUE(CheckQuantizeArgs({0.5f, 255}).ok());
  for (const QuantizeArgs& args :
       {QuantizeArgs{0.0f, 0}, QuantizeArgs{-1.0f, 0}, QuantizeArgs{INFINITY, 0},
        QuantizeArgs{NAN, 0}, QuantizeArgs{1.0f, 256}, QuantizeArgs{1.0f, -1}}) {
    EXPECT_EQ(CheckQuantizeArgs(args).code(), StatusCode::kInvalidInput);
  }
}

}  // namespace
}  // namespace adze
