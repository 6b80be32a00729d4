// Arguments of finish_i8: plain data, included by per-ISA files.
#ifndef ADZE_KERNELS_FINISH_I8_FINISH_I8_BLOCK_H_
#define ADZE_KERNELS_FINISH_I8_FINISH_I8_BLOCK_H_

#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {

// y[r][c] = clamp(rne(f(x[r][c]) * factor[c] / args->y_scale) + args->y_zero_point, args->act_min,
// args->act_max) for rows x channels elements; f is args->activation, each operation is rounded to
// float by itself, in the order of finish_i8_body.h. x is dense and finite, rows of y lie y_stride
// bytes apart. factor null: no product.
struct FinishI8Block {
  const ConvI8Args* args;
  const float* x;
  const float* factor;
  uint8_t* y;
  int64_t rows, channels, y_stride;
};

using FinishI8Kernel = void (*)(const FinishI8Block& block);

}  // namespace adze

#endif  // ADZE_KERNELS_FINISH_I8_FINISH_I8_BLOCK_H_
