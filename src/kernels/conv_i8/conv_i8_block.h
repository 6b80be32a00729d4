// What a conv_i8 kernel variant is given: plain data only, included by per-ISA files.
#ifndef ADZE_KERNELS_CONV_I8_CONV_I8_BLOCK_H_
#define ADZE_KERNELS_CONV_I8_CONV_I8_BLOCK_H_

#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {

// A rectangle of output pixels times a run of channel panels of one group. Strides are in bytes.
struct ConvI8Block {
  const ConvI8Args* args;
  // Activations: the window of output pixel (r, c) starts at a + r * a_row_stride + c *
  // a_pixel_stride, its tap (i, j) at + i * tap_row_stride + j * tap_col_stride, 4 * tap_quads
  // elements each. Elements are u8, or s16 for kK2N16.
  const void* a;
  int64_t a_row_stride, a_pixel_stride;
  int32_t rows, cols;
  int32_t tap_rows, tap_cols;
  int64_t tap_row_stride, tap_col_stride;
  int32_t tap_quads;
  // Weights and constants of the first panel; `channels` counts the real ones from there on.
  const void* weights;
  const int32_t* offset;
  const float* multiplier;
  int32_t channels;
  // Output element (r, c, first channel); the residual has the strides of y.
  void* y;
  const uint8_t* residual;
  int64_t y_row_stride, y_pixel_stride;
};

// Panels outermost, so that a panel's weights stay in cache while the pixels pass.
using ConvI8Kernel = void (*)(const ConvI8Block& block);

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_I8_CONV_I8_BLOCK_H_
