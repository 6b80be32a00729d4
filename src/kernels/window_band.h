// The input rows that a chunk of output pixels reads, as one strided rectangle: straight from a
// channels-last u8 activation where no window touches the padding, else a copy in scratch with the
// padding filled in.
#ifndef ADZE_KERNELS_WINDOW_BAND_H_
#define ADZE_KERNELS_WINDOW_BAND_H_

#include <cstdint>

#include "kernels/conv_args.h"

namespace adze {

// Output pixels [row0, row0 + rows) x [col0, col0 + cols) of image n.
struct OutputRect {
  int32_t n = 0, row0 = 0, rows = 0, col0 = 0, cols = 0;
};

// The first input pixel of the window of output pixel (row0, col0); strides between input pixels in
// bytes.
struct WindowBand {
  const void* base = nullptr;
  int64_t row_stride = 0;    // one input row
  int64_t pixel_stride = 0;  // one input column: in_channels elements
};

// Widens n codes of a row to s16.
using WidenRow = void (*)(const uint8_t* src, int64_t n, int16_t* dst);

// Scratch bytes MakeWindowBand needs for `rows` x `cols` output pixels, with slack for the
// permitted over-read. `element_bytes` is 1 (u8) or 2 (widened to s16). Saturates at INT64_MAX / 2.
int64_t WindowBandBytes(const ConvWindow& window, int32_t rows, int32_t cols, int element_bytes);

// The band for `rect`: copied to `scratch` when a window touches the padding (filled with
// `pad_value`) or when `widen` is not null, which makes the elements s16.
WindowBand MakeWindowBand(const ConvWindow& window, const ConvSizes& sizes, const uint8_t* x,
                          const OutputRect& rect, uint8_t pad_value, WidenRow widen, void* scratch);

// Multiply-accumulates of one chunk of a layer: an eighth of the layer, so that few threads end
// together, within [min, max]. No product overflows.
int64_t ChunkMacs(int64_t pixels, int64_t macs_per_pixel, int64_t min, int64_t max);

}  // namespace adze

#endif  // ADZE_KERNELS_WINDOW_BAND_H_
