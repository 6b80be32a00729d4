// Float matrix product with both operands computed at run time, row-major.
//
//   c[m,n] = sum_k a[m,k] * b[k,n], k ascending from 0, one fused multiply-add per term (two
//   roundings where the target has no FMA). K is never split, so results depend only on the ISA.
//
// b is packed into panels first, then each panel is multiplied: both halves are cut into
// independent chunks.
#ifndef ADZE_KERNELS_MATMUL_F32_MATMUL_F32_H_
#define ADZE_KERNELS_MATMUL_F32_MATMUL_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

struct MatMulF32Sizes {
  int64_t m = 0, n = 0, k = 0;
};

// Floats of a packed b; a multiple of 16.
int64_t MatMulF32PackedFloats(const MatMulF32Sizes& sizes, Isa isa);
// Number of panels (chunks of the packing) of one b.
int64_t MatMulF32Panels(const MatMulF32Sizes& sizes, Isa isa);
// Packs panels [panel_begin, panel_end) of b.
void PackMatMulF32(Isa isa, const MatMulF32Sizes& sizes, const float* b, int64_t panel_begin,
                   int64_t panel_end, float* packed);
// Rows [row_begin, row_end) of c, columns of panels [panel_begin, panel_end).
void MatMulF32(Isa isa, const MatMulF32Sizes& sizes, const float* a, const float* packed, float* c,
               int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end);

// The definition in plain loops and double.
void MatMulF32Ref(const MatMulF32Sizes& sizes, const float* a, const float* b, float* c);

}  // namespace adze

#endif  // ADZE_KERNELS_MATMUL_F32_MATMUL_F32_H_
