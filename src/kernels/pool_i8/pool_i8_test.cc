#include "kernels/pool_i8/pool_i8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/kernel_test_util.h"

namespace adze {
namespace {

// Output size as ONNX defines it.
int64_t OutSize(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads,
                bool ceil) {
  const int64_t room = in + pads - ((kernel - 1) * dilation + 1);
  return room < 0 ? 0 : (ceil ? (room + stride - 1) / stride : room / stride) + 1;
}

PoolI8Args Square(PoolI8Mode mode, int kernel, int stride, int dilation, int pad) {
  PoolI8Args a;
  a.mode = mode;
  a.kernel_h = a.kernel_w = kernel;
  a.stride_h = a.stride_w = stride;
  a.dilation_h = a.dilation_w = dilation;
  a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = pad;
  a.x_scale = 0.83f;
  return a;
}

void Compare(const PoolI8Row& row, const PoolI8Args& a, int64_t channels, int64_t h, int64_t w,
             bool ceil, std::mt19937& rng) {
  PoolI8Sizes s = {2, h, w, channels, 1, 1};
  if (a.global == 0) {
    s.out_h = OutSize(h, a.kernel_h, a.stride_h, a.dilation_h, a.pad_top + a.pad_bottom, ceil);
    s.out_w = OutSize(w, a.kernel_w, a.stride_w, a.dilation_w, a.pad_left + a.pad_right, ceil);
  }
  const Status status = CheckPoolI8(a, s);
  ASSERT_TRUE(status.ok()) << status.message();
  OddBuffer<uint8_t> x(s.batch * h * w * channels);
  FillRandom(rng, 0, 255, x.data(), x.size());
  OddBuffer<uint8_t> y(s.batch * s.out_h * s.out_w * channels);
  std::vector<uint8_t> expected(y.size());
  PoolI8Ref(a, s, x.data(), expected.data());
  for (int64_t r = 0; r < s.batch * s.out_h; ++r) PoolI8RunRow(row, a, s, x.data(), r, y.data());
  ASSERT_TRUE(y.GuardsIntact());
  for (int64_t i = 0; i < y.size(); ++i) {
    ASSERT_EQ(y[i], expected[i]) << "element " << i << ", channels " << channels << ", kernel "
                                 << a.kernel_h << ", ceil " << ceil;
  }
}

TEST(PoolI8, EveryRowGivesTheReferenceBits) {
  ForEachSupportedRow("pool_i8", PoolI8Rows(), [](const PoolI8Row& row) {
    std::mt19937 rng(5);
    for (PoolI8Mode mode : {PoolI8Mode::kMax, PoolI8Mode::kAverage}) {
      for (int64_t channels : {1, 3, 8, 15, 16, 17, 33, 64, 65, 130}) {
        for (bool ceil : {false, true}) {
          for (int include : {0, 1}) {
            for (PoolI8Args a : {Square(mode, 2, 2, 1, 0), Square(mode, 3, 2, 1, 1),
                                 Square(mode, 3, 1, 2, 2), Square(mode, 5, 3, 1, 2)}) {
              a.count_include_pad = include;
              a.x_zero_point = rng() % 256;
              a.y_zero_point = rng() % 256;
              a.act_min = rng() % 80;
              a.act_max = 255 - rng() % 80;
              Compare(row, a, channels, 7, 8, ceil, rng);
            }
          }
        }
        PoolI8Args global = Square(mode, 1, 1, 1, 0);
        global.global = 1;
        global.x_zero_point = 11;
        Compare(row, global, channels, 7, 7, false, rng);
      }
      // Windows that lie wholly in the padding.
      PoolI8Args a = Square(mode, 2, 1, 1, 0);
      a.pad_top = 4;
      a.pad_right = 3;
      a.y_zero_point = 9;
      Compare(row, a, 20, 3, 4, false, rng);
      a.count_include_pad = 1;
      Compare(row, a, 20, 3, 4, false, rng);
    }
  });
}

TEST(PoolI8, AverageLeavesInt32AsTheReference) {
  ForEachSupportedRow("pool_i8", PoolI8Rows(), [](const PoolI8Row& row) {
    std::mt19937 rng(6);
    for (float m : {3e38f, -3e38f, 1e9f, 0.0f}) {
      PoolI8Args a = Square(PoolI8Mode::kAverage, 2, 1, 1, 0);
      a.x_scale = m;
      a.x_zero_point = 128;
      a.y_zero_point = 77;
      Compare(row, a, 35, 4, 4, false, rng);
    }
  });
}

TEST(PoolI8, RefusesArgumentsOutOfRange) {
  const PoolI8Sizes sizes = {1, 4, 4, 3, 2, 2};
  EXPECT_TRUE(CheckPoolI8(Square(PoolI8Mode::kMax, 2, 2, 1, 0), sizes).ok());
  EXPECT_FALSE(CheckPoolI8(Square(PoolI8Mode::kMax, 0, 2, 1, 0), sizes).ok());
  EXPECT_FALSE(CheckPoolI8(Square(PoolI8Mode::kMax, 2, 0, 1, 0), sizes).ok());
  EXPECT_FALSE(CheckPoolI8(Square(PoolI8Mode::kMax, 2, 2, 1, -1), sizes).ok());
  EXPECT_EQ(CheckPoolI8(Square(PoolI8Mode::kMax, 2, 1, 1, 0), sizes).message(),
            "pooling output height = 2, but the window gives 3");
  PoolI8Args average = Square(PoolI8Mode::kAverage, 2, 2, 1, 0);
  average.y_scale = 0;
  EXPECT_FALSE(CheckPoolI8(average, sizes).ok());
  PoolI8Args global = Square(PoolI8Mode::kAverage, 1, 1, 1, 0);
  global.global = 1;
  EXPECT_EQ(CheckPoolI8(global, sizes).message(), "global pooling gives one pixel");
  EXPECT_EQ(CheckPoolI8(global, {1, 1 << 20, 1 << 10, 3, 1, 1}).code(), StatusCode::kUnsupported);
  EXPECT_FALSE(CheckPoolI8(global, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 1, 1}).ok());
}

}  // namespace
}  // namespace adze
