// Arguments of kAddI8 and kMulI8: plain data, stored in plan steps and included by per-ISA files.
#ifndef ADZE_KERNELS_BINARY_I8_BINARY_I8_ARGS_H_
#define ADZE_KERNELS_BINARY_I8_BINARY_I8_ARGS_H_

#include <stdint.h>

namespace adze {

// u8 in, u8 out, each operation rounded to float by itself (no contraction):
//   add: y = clamp(rne(float(a - a_zero_point) * a_multiplier + float(b - b_zero_point) *
//   b_multiplier)
//                  + y_zero_point, act_min, act_max)
//   mul: y = clamp(rne(float((a - a_zero_point) * (b - b_zero_point)) * a_multiplier) +
//   y_zero_point, act_min, act_max)
// Multipliers are finite; zero points and bounds lie in [0, 255]. Both operations are symmetric in
// (a, b): swapping the operands with their parameters gives the same bits. Step inputs: [0] a, [1]
// b; no weights.
struct BinaryI8Args {
  int32_t a_zero_point = 0, b_zero_point = 0, y_zero_point = 0;
  int32_t act_min = 0, act_max = 255;
  float a_multiplier = 0;  // mul: scale_a * scale_b / scale_y
  float b_multiplier = 0;  // add only
};

// y[r][i] = a[r][i] op b[i] for rows x cols elements; operand rows lie a_stride and b_stride bytes
// apart (0: one row for all). y rows are dense. b_scalar: b has one element per row.
struct BinaryI8Block {
  const BinaryI8Args* args;
  const uint8_t* a;
  const uint8_t* b;
  uint8_t* y;
  int64_t rows, cols, a_stride, b_stride;
  bool b_scalar;
};

using BinaryI8Kernel = void (*)(const BinaryI8Block& block);

}  // namespace adze

#endif  // ADZE_KERNELS_BINARY_I8_BINARY_I8_ARGS_H_
