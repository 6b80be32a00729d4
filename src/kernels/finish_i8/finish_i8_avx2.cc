#include "kernels/finish_i8/finish_i8_body.h"

namespace adze {

void FinishI8Avx2(const FinishI8Block& block) { FinishI8(block); }

}  // namespace adze
