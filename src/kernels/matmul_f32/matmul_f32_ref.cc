#include "kernels/matmul_f32/matmul_f32.h"

namespace adze {

void MatMulF32Ref(const MatMulF32Sizes& sizes, const float* a, const float* b, float* c) {
  for (int64_t m = 0; m < sizes.m; ++m)
    for (int64_t n = 0; n < sizes.n; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < sizes.k; ++k) {
        sum += double{a[m * sizes.k + k]} * b[k * sizes.n + n];
      }
      c[m * sizes.n + n] = static_cast<float>(sum);
    }
}

}  // namespace adze
