// What a depthwise_i8 kernel variant is given: plain data only, included by per-ISA files.
#ifndef ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_BLOCK_H_
#define ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_BLOCK_H_

#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {

// A rectangle of output pixels, all channels. Strides are in bytes. The u8 window of output pixel
// (r, c) starts at a + r * a_row_stride + c * a_pixel_stride; its tap (i, j) at + i *
// tap_row_stride + j * tap_col_stride.
struct DepthwiseI8Block {
  const ConvI8Args* args;
  const uint8_t* a;
  int64_t a_row_stride, a_pixel_stride;
  int64_t tap_row_stride, tap_col_stride;
  int32_t rows, cols;
  const void* weights;
  const int32_t* offset;
  const float* multiplier;
  void* y;
  const uint8_t* residual;  // strides of y
  int64_t y_row_stride, y_pixel_stride;
};

using DepthwiseI8Kernel = void (*)(const DepthwiseI8Block& block);

}  // namespace adze

#endif  // ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_BLOCK_H_
