#include "kernels/window_band.h"

#include <algorithm>
#include <cstring>

namespace adze {
namespace {

// The permitted over-read of every kernel, doubled for s16 elements, rounded up.
constexpr int64_t kSlackBytes = 128;

int64_t InputExtent(int64_t outputs, int64_t kernel, int64_t stride, int64_t dilation) {
  return outputs == 0 ? 0 : (outputs - 1) * stride + (kernel - 1) * dilation + 1;
}

void CopyRow(const uint8_t* src, int64_t n, WidenRow, uint8_t* dst) {
  if (n > 0) std::memcpy(dst, src, static_cast<size_t>(n));
}

void CopyRow(const uint8_t* src, int64_t n, WidenRow widen, int16_t* dst) { widen(src, n, dst); }

template <typename T>
void CopyBand(const ConvWindow& w, const ConvSizes& s, const uint8_t* x, const OutputRect& rect,
              T pad_value, WidenRow widen, T* dst) {
  const int64_t channels = w.in_channels;
  const int64_t height = InputExtent(rect.rows, w.kernel_h, w.stride_h, w.dilation_h);
  const int64_t width = InputExtent(rect.cols, w.kernel_w, w.stride_w, w.dilation_w);
  const int64_t top = int64_t{rect.row0} * w.stride_h - w.pad_top;
  const int64_t left = int64_t{rect.col0} * w.stride_w - w.pad_left;
  // Columns [first, last) of the band lie inside the image.
  const int64_t first = std::clamp<int64_t>(-left, 0, width);
  const int64_t last = std::clamp<int64_t>(s.in_w - left, first, width);
  for (int64_t r = 0; r < height; ++r, dst += width * channels) {
    const int64_t in_row = top + r;
    if (in_row < 0 || in_row >= s.in_h) {
      std::fill_n(dst, width * channels, pad_value);
      continue;
    }
    std::fill_n(dst, first * channels, pad_value);
    if (last > first) {
      const uint8_t* const src =
          x + ((int64_t{rect.n} * s.in_h + in_row) * s.in_w + left + first) * channels;
      CopyRow(src, (last - first) * channels, widen, dst + first * channels);
    }
    std::fill_n(dst + last * channels, (width - last) * channels, pad_value);
  }
  std::memset(dst, 0,
              kSlackBytes);  // over-read bytes are multiplied by zero weights, but stay defined
}

}  // namespace

int64_t WindowBandBytes(const ConvWindow& w, int32_t rows, int32_t cols, int element_bytes) {
  const int64_t height = InputExtent(rows, w.kernel_h, w.stride_h, w.dilation_h);
  const int64_t width = InputExtent(cols, w.kernel_w, w.stride_w, w.dilation_w);
  const int64_t row = width * w.in_channels * element_bytes;  // < 2^49 * 2^24 is not reached:
  constexpr int64_t kLimit = INT64_MAX / 2;                   // see the saturation here
  if (width > kLimit / (int64_t{w.in_channels} * element_bytes)) return kLimit;
  if (row != 0 && height > (kLimit - kSlackBytes) / row) return kLimit;
  return height * row + kSlackBytes;
}

WindowBand MakeWindowBand(const ConvWindow& w, const ConvSizes& s, const uint8_t* x,
                          const OutputRect& rect, uint8_t pad_value, WidenRow widen,
                          void* scratch) {
  const int64_t height = InputExtent(rect.rows, w.kernel_h, w.stride_h, w.dilation_h);
  const int64_t width = InputExtent(rect.cols, w.kernel_w, w.stride_w, w.dilation_w);
  const int64_t top = int64_t{rect.row0} * w.stride_h - w.pad_top;
  const int64_t left = int64_t{rect.col0} * w.stride_w - w.pad_left;
  const bool inside = top >= 0 && left >= 0 && top + height <= s.in_h && left + width <= s.in_w;
  if (inside && widen == nullptr) {
    const int64_t pixel = w.in_channels;
    return {x + ((int64_t{rect.n} * s.in_h + top) * s.in_w + left) * pixel, s.in_w * pixel, pixel};
  }
  const int64_t pixel = int64_t{w.in_channels} * (widen == nullptr ? 1 : 2);
  if (widen == nullptr) {
    CopyBand(w, s, x, rect, pad_value, widen, static_cast<uint8_t*>(scratch));
  } else {
    CopyBand<int16_t>(w, s, x, rect, pad_value, widen, static_cast<int16_t*>(scratch));
  }
  return {scratch, width * pixel, pixel};
}

int64_t ChunkMacs(int64_t pixels, int64_t macs_per_pixel, int64_t min, int64_t max) {
  constexpr int64_t kMinChunks = 8;
  if (pixels / kMinChunks >= max / macs_per_pixel + 1) return max;
  return std::clamp(pixels * macs_per_pixel / kMinChunks, min, max);
}

}  // namespace adze
