#include "kernels/binary_i8/binary_i8_body.h"

namespace adze {

void AddI8Avx512Vnni(const BinaryI8Block& block) { RunBinary<AddOp>(block); }
void MulI8Avx512Vnni(const BinaryI8Block& block) { RunBinary<MulOp>(block); }

}  // namespace adze
