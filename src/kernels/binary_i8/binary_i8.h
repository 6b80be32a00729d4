// Quantized element-wise addition and multiplication with broadcasting of one operand. The
// equations are beside BinaryI8Args; every kernel gives their bits.
#ifndef ADZE_KERNELS_BINARY_I8_BINARY_I8_H_
#define ADZE_KERNELS_BINARY_I8_BINARY_I8_H_

#include <span>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/binary_i8/binary_i8_args.h"

namespace adze {

// One kernel variant; binary_i8_list.inc holds the rows.
struct BinaryI8Row {
  Isa isa;
  const char* name;
  BinaryI8Kernel add;
  BinaryI8Kernel mul;
};
std::span<const BinaryI8Row> BinaryI8Rows();  // oldest first
const BinaryI8Row& FindBinaryI8(Isa isa);     // the newest that runs on `isa`

// Refuses zero points, bounds or multipliers outside the ranges stated beside BinaryI8Args.
Status CheckBinaryI8Args(const BinaryI8Args& args);

// The definitions for one pair of elements.
uint8_t AddI8Ref(const BinaryI8Args& args, uint8_t a, uint8_t b);
uint8_t MulI8Ref(const BinaryI8Args& args, uint8_t a, uint8_t b);

}  // namespace adze

#endif  // ADZE_KERNELS_BINARY_I8_BINARY_I8_H_
