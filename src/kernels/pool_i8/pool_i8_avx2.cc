#include "kernels/pool_i8/pool_i8_body.h"

namespace adze {

void MaxPoolI8Avx2(const PoolI8Window& window) { MaxWindow(window); }
void AveragePoolI8Avx2(const PoolI8Window& window) { AverageWindow(window); }

}  // namespace adze
