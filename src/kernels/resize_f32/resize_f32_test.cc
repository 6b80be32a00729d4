#include "kernels/resize_f32/resize_f32.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

std::vector<int> Lows(const ResizeArgs& args, float scale, int in, int out) {
  std::vector<ResizeTap> taps(static_cast<size_t>(out));
  ResizeTaps(args, scale, in, out, taps.data());
  std::vector<int> lows;
  for (const ResizeTap& t : taps) lows.push_back(t.low);
  return lows;
}

TEST(ResizeF32, NearestCoordinates) {
  ResizeArgs a{.coordinates = ResizeCoordinates::kAsymmetric, .nearest = ResizeNearest::kFloor};
  EXPECT_EQ(Lows(a, 2, 3, 6), (std::vector<int>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(Lows(a, 0.5f, 4, 2), (std::vector<int>{0, 2}));
  a.nearest = ResizeNearest::kCeil;
  EXPECT_EQ(Lows(a, 2, 3, 6), (std::vector<int>{0, 1, 1, 2, 2, 2}));
  a.coordinates = ResizeCoordinates::kHalfPixel;  // x = 0.5, 2.5
  a.nearest = ResizeNearest::kRoundPreferFloor;
  EXPECT_EQ(Lows(a, 0, 4, 2), (std::vector<int>{0, 2}));
  a.nearest = ResizeNearest::kRoundPreferCeil;
  EXPECT_EQ(Lows(a, 0, 4, 2), (std::vector<int>{1, 3}));
  a.coordinates = ResizeCoordinates::kAlignCorners;  // x = 0, 1.5, 3
  EXPECT_EQ(Lows(a, 0, 4, 3), (std::vector<int>{0, 2, 3}));
  a.coordinates = ResizeCoordinates::kPytorchHalfPixel;
  EXPECT_EQ(Lows(a, 0, 4, 1), (std::vector<int>{0}));
  a.coordinates = ResizeCoordinates::kAsymmetric;  // a hostile scale stays inside
  EXPECT_EQ(Lows(a, 1e-38f, 4, 3), (std::vector<int>{0, 3, 3}));
}

TEST(ResizeF32, LinearInterpolates) {
  for (int channels : {1, 16, 19}) {
    for (Isa isa : SupportedIsas()) {
      Random random(3);
      Buffer x(int64_t{2} * 4 * 5 * channels, 1, &random);
      const ResizeArgs args{.mode = ResizeMode::kLinear};
      std::vector<ResizeTap> h(7);
      std::vector<ResizeTap> w(3);
      ResizeTaps(args, 0, 4, 7, h.data());
      ResizeTaps(args, 0, 5, 3, w.data());
      Buffer y(int64_t{2} * 7 * 3 * channels, 2);
      const ResizeF32Call call{4,        5,        7,         3,        channels,
                               h.data(), w.data(), args.mode, x.data(), y.data()};
      ResizeF32Rows(isa, call, 0, 14);
      for (int n = 0; n < 2; ++n)
        for (int i = 0; i < 7; ++i)
          for (int j = 0; j < 3; ++j)
            for (int c = 0; c < channels; ++c) {
              // Half pixel, borders repeated.
              const double row = std::fmin(std::fmax((i + 0.5) * 4 / 7 - 0.5, 0), 3);
              const double col = std::fmin(std::fmax((j + 0.5) * 5 / 3 - 0.5, 0), 4);
              const int r = static_cast<int>(row);
              const int k = static_cast<int>(col);
              const auto at = [&](int a, int b) {
                return double{x[((n * 4 + std::min(a, 3)) * 5 + std::min(b, 4)) * channels + c]};
              };
              const double top = at(r, k) * (1 - (col - k)) + at(r, k + 1) * (col - k);
              const double bottom = at(r + 1, k) * (1 - (col - k)) + at(r + 1, k + 1) * (col - k);
              ASSERT_NEAR(y[((n * 7 + i) * 3 + j) * channels + c],
                          top * (1 - (row - r)) + bottom * (row - r), 1e-6)
                  << IsaName(isa);
            }
    }
  }
}

}  // namespace
}  // namespace adze
