#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace adze {
namespace {

// 8 bits of pixel and 2 of head room leave 22 bits of weight in an int32 sum.
constexpr int kWeightBits = 32 - 8 - 2;

// For each output position the first input position and the weights from there on.
struct Taps {
  int64_t max_count = 0;  // stride of `weights`
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<int32_t> weights;  // fixed point, kWeightBits fractional bits
};

Taps MakeTaps(int64_t in, int64_t out) {
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  const double half_width = std::max(ratio, 1.0);
  Taps taps;
  taps.max_count = static_cast<int64_t>(std::ceil(half_width)) * 2 + 1;
  taps.first.resize(static_cast<size_t>(out));
  taps.count.resize(static_cast<size_t>(out));
  taps.weights.resize(static_cast<size_t>(out * taps.max_count));
  std::vector<double> exact(static_cast<size_t>(taps.max_count));
  for (int64_t x = 0; x < out; ++x) {
    const double centre = (static_cast<double>(x) + 0.5) * ratio;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(centre - half_width + 0.5));
    const int64_t end = std::min(in, static_cast<int64_t>(centre + half_width + 0.5));
    double sum = 0;
    for (int64_t i = first; i < end; ++i) {
      const double distance = (static_cast<double>(i) - centre + 0.5) * (1.0 / half_width);
      const double w = std::max(0.0, 1.0 - std::abs(distance));
      exact[static_cast<size_t>(i - first)] = w;
      sum += w;
    }
    taps.first[static_cast<size_t>(x)] = first;
    taps.count[static_cast<size_t>(x)] = end - first;
    int32_t* const weights = taps.weights.data() + x * taps.max_count;
    for (int64_t i = 0; i < end - first; ++i) {
      const double w = exact[static_cast<size_t>(i)] / sum;
      weights[i] = static_cast<int32_t>(0.5 + w * (1 << kWeightBits));
    }
  }
  return taps;
}

uint8_t RoundToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

template <int kChannels>
Image ResizeRows(const Image& in, int64_t width) {
  const Taps taps = MakeTaps(in.width, width);
  Image out{in.height, width, kChannels, {}};
  out.pixels.resize(static_cast<size_t>(in.height * width * kChannels));
  for (int64_t y = 0; y < in.height; ++y) {
    const uint8_t* const row = in.pixels.data() + y * in.width * kChannels;
    uint8_t* to = out.pixels.data() + y * width * kChannels;
    for (int64_t x = 0; x < width; ++x, to += kChannels) {
      const uint8_t* from = row + taps.first[static_cast<size_t>(x)] * kChannels;
      const int32_t* const weights = taps.weights.data() + x * taps.max_count;
      int32_t sums[kChannels];
      std::fill_n(sums, kChannels, kHalf);
      for (int64_t i = 0; i < taps.count[static_cast<size_t>(x)]; ++i, from += kChannels) {
        for (int c = 0; c < kChannels; ++c) sums[c] += weights[i] * from[c];
      }
      for (int c = 0; c < kChannels; ++c) to[c] = RoundToByte(sums[c]);
    }
  }
  return out;
}

Image ResizeColumns(const Image& in, int64_t height) {
  const Taps taps = MakeTaps(in.height, height);
  const int64_t row_bytes = in.width * in.channels;
  Image out{height, in.width, in.channels, {}};
  out.pixels.resize(static_cast<size_t>(height * row_bytes));
  std::vector<int32_t> sums(static_cast<size_t>(row_bytes));
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const int32_t* const weights = taps.weights.data() + y * taps.max_count;
    for (int64_t i = 0; i < taps.count[static_cast<size_t>(y)]; ++i) {
      const uint8_t* const from =
          in.pixels.data() + (taps.first[static_cast<size_t>(y)] + i) * row_bytes;
      const int32_t w = weights[i];
      for (int64_t x = 0; x < row_bytes; ++x) sums[static_cast<size_t>(x)] += w * from[x];
    }
    uint8_t* const to = out.pixels.data() + y * row_bytes;
    for (int64_t x = 0; x < row_bytes; ++x) to[x] = RoundToByte(sums[static_cast<size_t>(x)]);
  }
  return out;
}

Image ResizeWidth(const Image& image, int64_t width) {
  if (width == image.width) return image;
  return image.channels == 1 ? ResizeRows<1>(image, width) : ResizeRows<3>(image, width);
}

Image ResizeHeight(const Image& image, int64_t height) {
  return height == image.height ? image : ResizeColumns(image, height);
}

}  // namespace

Image ResizeBilinear(const Image& image, int64_t height, int64_t width) {
  const bool height_first =
      image.height > height && image.height - height > 2 * (image.width - width);
  return height_first ? ResizeWidth(ResizeHeight(image, height), width)
                      : ResizeHeight(ResizeWidth(image, width), height);
}

}  // namespace adze
