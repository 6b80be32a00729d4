#include <cmath>
#include <limits>
#include <utility>

#include "kernels/matmul_f32/matmul_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul_f32/matmul_f32_hwy.cc"
// In this order:
// clang-format off
#include "kernels/hwy_dispatch.h"
#include "kernels/gemm_f32-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {

int64_t MatMulPackedImpl(const MatMulF32Sizes& s) {
  return (GemmPackedFloats(s.k, s.n) + 15) / 16 * 16;
}

int64_t MatMulPanelsImpl(const MatMulF32Sizes& s) { return GemmPanels(s.n); }

void PackMatMulImpl(const MatMulF32Sizes& s, const float* b, int64_t panel_begin, int64_t panel_end,
                    float* packed) {
  GemmPack(
      s.k, s.n, panel_begin, panel_end,
      [&](int64_t k, int64_t column) HWY_ATTR { return b[k * s.n + column]; }, packed);
}

void MatMulImpl(const MatMulF32Sizes& s, const float* a, const float* packed, float* c,
                int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end) {
  constexpr int64_t kBlock = 8 * kGemmRows;
  const float* rows[kBlock];
  for (int64_t row = row_begin; row < row_end; row += kBlock) {
    const int64_t n = HWY_MIN(kBlock, row_end - row);
    for (int64_t i = 0; i < n; ++i) rows[i] = a + (row + i) * s.k;
    GemmTile t;
    t.a = rows;
    t.taps = 1;
    t.tap_len = s.k;
    t.y = c + row * s.n;
    t.stride = s.n;
    t.lo = -std::numeric_limits<float>::infinity();
    t.hi = std::numeric_limits<float>::infinity();
    GemmBlock(t, packed, s.n, n, panel_begin, panel_end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

int64_t MatMulF32PackedFloats(const MatMulF32Sizes& sizes, Isa isa) {
  return ADZE_HWY_CALL(isa, MatMulPackedImpl)(sizes);
}

int64_t MatMulF32Panels(const MatMulF32Sizes& sizes, Isa isa) {
  return ADZE_HWY_CALL(isa, MatMulPanelsImpl)(sizes);
}

void PackMatMulF32(Isa isa, const MatMulF32Sizes& sizes, const float* b, int64_t panel_begin,
                   int64_t panel_end, float* packed) {
  ADZE_HWY_CALL(isa, PackMatMulImpl)(sizes, b, panel_begin, panel_end, packed);
}

void MatMulF32(Isa isa, const MatMulF32Sizes& sizes, const float* a, const float* packed, float* c,
               int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end) {
  ADZE_HWY_CALL(isa, MatMulImpl)(sizes, a, packed, c, row_begin, row_end, panel_begin, panel_end);
}

}  // namespace adze
#endif  // HWY_ONCE
