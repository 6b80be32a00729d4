#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/random.h"

namespace adze {
namespace {

Image Noise(int64_t height, int64_t width, int channels) {
  Image image{height, width, channels, {}};
  image.pixels.resize(static_cast<size_t>(height * width * channels));
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<uint8_t>(RandomBits(5, i));
  }
  return image;
}

// The formula of the header, one output pixel of one direction, in double precision.
double Reference(const std::vector<double>& in, int64_t out_size, int64_t x) {
  const double ratio = static_cast<double>(in.size()) / static_cast<double>(out_size);
  const double centre = (static_cast<double>(x) + 0.5) * ratio;
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const double distance = std::abs(static_cast<double>(i) + 0.5 - centre);
    const double w = std::max(0.0, 1.0 - distance / std::max(1.0, ratio));
    sum += w * in[i];
    weights += w;
  }
  return sum / weights;
}

TEST(Resize, OneDirectionIsTheRoundedFormula) {
  for (const int channels : {1, 3}) {
    for (const auto& [from, to] :
         {std::pair{9, 4}, {4, 9}, {100, 7}, {7, 100}, {13, 13}, {5, 1}, {1, 5}}) {
      const Image wide = Noise(2, from, channels);
      const Image wide_out = ResizeBilinear(wide, 2, to);
      const Image tall = Noise(from, 2, channels);
      const Image tall_out = ResizeBilinear(tall, to, 2);
      ASSERT_EQ(wide_out.width, to);
      ASSERT_EQ(tall_out.height, to);
      for (int line = 0; line < 2; ++line) {
        for (int c = 0; c < channels; ++c) {
          std::vector<double> row;
          std::vector<double> column;
          for (int i = 0; i < from; ++i) {
            row.push_back(wide.pixels[static_cast<size_t>((line * from + i) * channels + c)]);
            column.push_back(tall.pixels[static_cast<size_t>((i * 2 + line) * channels + c)]);
          }
          for (int x = 0; x < to; ++x) {
            const double r = Reference(row, to, x);
            const double k = Reference(column, to, x);
            // Within rounding; exactly the nearest unless the formula is near a tie.
            EXPECT_NEAR(wide_out.pixels[static_cast<size_t>((line * to + x) * channels + c)], r,
                        0.5001);
            EXPECT_NEAR(tall_out.pixels[static_cast<size_t>((x * 2 + line) * channels + c)], k,
                        0.5001);
          }
        }
      }
    }
  }
}

// Values of Pillow 13.0, Image.resize((w, h), BILINEAR).
TEST(Resize, PillowsPixels) {
  Image image{3, 4, 1, {}};
  for (int i = 0; i < 12; ++i) image.pixels.push_back(static_cast<uint8_t>(i * i * 2));
  EXPECT_EQ(ResizeBilinear(image, 2, 2).pixels, (std::vector<uint8_t>{18, 37, 113, 163}));
  EXPECT_EQ(ResizeBilinear(image, 5, 3).pixels,
            (std::vector<uint8_t>{1, 5, 15, 15, 27, 45, 37, 61, 90, 98, 133, 173, 138, 181, 229}));
}

TEST(Resize, BothDirectionsInPillowsOrder) {
  const Image image = Noise(40, 10, 3);
  // 40 - 20 > 2 * (10 - 5): height first.
  EXPECT_EQ(ResizeBilinear(image, 20, 5).pixels,
            ResizeBilinear(ResizeBilinear(image, 20, 10), 20, 5).pixels);
  // 40 - 30 = 2 * (10 - 5): width first.
  EXPECT_EQ(ResizeBilinear(image, 30, 5).pixels,
            ResizeBilinear(ResizeBilinear(image, 40, 5), 30, 5).pixels);
  // Growing both ways: width first.
  EXPECT_EQ(ResizeBilinear(image, 60, 200).pixels,
            ResizeBilinear(ResizeBilinear(image, 40, 200), 60, 200).pixels);
}

TEST(Resize, SameSizeAndConstantsAreUnchanged) {
  const Image image = Noise(7, 5, 3);
  EXPECT_EQ(ResizeBilinear(image, 7, 5).pixels, image.pixels);
  for (const int value : {0, 1, 128, 254, 255}) {
    Image flat{31, 17, 3, {}};
    flat.pixels.assign(31 * 17 * 3, static_cast<uint8_t>(value));
    const Image out = ResizeBilinear(flat, 11, 23);
    EXPECT_EQ(std::count(out.pixels.begin(), out.pixels.end(), value), 11 * 23 * 3);
  }
}

}  // namespace
}  // namespace adze
