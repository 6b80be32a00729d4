#include "kernels/pool_i8/pool_i8_body.h"

namespace adze {

void MaxPoolI8Avx512Vnni(const PoolI8Window& window) { MaxWindow(window); }
void AveragePoolI8Avx512Vnni(const PoolI8Window& window) { AverageWindow(window); }

}  // namespace adze
