#include "kernels/binary_i8/binary_i8_body.h"

namespace adze {

void AddI8Avx2(const BinaryI8Block& block) { RunBinary<AddOp>(block); }
void MulI8Avx2(const BinaryI8Block& block) { RunBinary<MulOp>(block); }

}  // namespace adze
