// Arguments of kPoolI8: plain data, stored in plan steps and included by per-ISA files.
#ifndef ADZE_KERNELS_POOL_I8_POOL_I8_ARGS_H_
#define ADZE_KERNELS_POOL_I8_POOL_I8_ARGS_H_

#include <stdint.h>

namespace adze {

enum class PoolI8Mode : int32_t { kMax = 0, kAverage = 1 };

// 2-D pooling over channels-last u8; 1-D pooling uses height 1. `global` takes the whole image as
// the window and ignores window, stride, dilation and padding.
//   max:     y = max of the window positions inside the image (0 when there are none); x and y
//   share scale and zero
//            point, act_* are not used.
//   average: y = clamp(rne(float(sum - n * x_zero_point) * (x_scale / (y_scale * float(count)))) +
//   y_zero_point,
//                      act_min, act_max)
//            sum over the n window positions inside the image; count = n, or with count_include_pad
//            the window positions inside the padded image (positions that ceil mode puts beyond the
//            padding never count); n = 0 gives clamp(y_zero_point). Two float products
//            and one division, each rounded, as in ONNX Runtime's QLinearAveragePool; x_scale /
//            y_scale is finite.
// Step inputs: [0] x; no weights.
struct PoolI8Args {
  PoolI8Mode mode = PoolI8Mode::kMax;
  int32_t global = 0;
  int32_t kernel_h = 1, kernel_w = 1;
  int32_t stride_h = 1, stride_w = 1;
  int32_t dilation_h = 1, dilation_w = 1;
  int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int32_t count_include_pad = 0;
  int32_t x_zero_point = 0, y_zero_point = 0;
  int32_t act_min = 0, act_max = 255;
  float x_scale = 1, y_scale = 1;
};

// One output pixel: `rows` x `cols` window positions, all inside the image, strides in bytes.
struct PoolI8Window {
  const PoolI8Args* args;
  const uint8_t* x;
  int64_t rows, cols, row_stride, col_stride;
  float multiplier;  // average: PoolI8Multiplier of the divisor
  int64_t channels;
  uint8_t* y;
};

using PoolI8Kernel = void (*)(const PoolI8Window& window);

}  // namespace adze

#endif  // ADZE_KERNELS_POOL_I8_POOL_I8_ARGS_H_
