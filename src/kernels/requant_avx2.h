// The integer epilogue of ConvI8Args on 8 lanes. Only for *_avx2.cc files: everything has internal
// linkage, because each includer is compiled for its own ISA. Why it gives the bits of
// numerics/rounding.h: see requant_avx512.h; here both bounds are applied to the float.
#ifndef ADZE_KERNELS_REQUANT_AVX2_H_
#define ADZE_KERNELS_REQUANT_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {
namespace {

// Broadcast constants of the epilogue.
struct RequantAvx2 {
  __m256 lo, hi;  // act_min, act_max minus y_zero_point
  __m256i y_zero_point;
  __m256 t_lo, t_hi, t_multiplier, r_multiplier;
  __m256i r_zero_point;
  __m256 f_lo, f_hi;
  bool output_f32;
};

inline RequantAvx2 MakeRequantAvx2(const ConvI8Args& args) {
  const auto set = [](int32_t v) { return _mm256_set1_ps(static_cast<float>(v)); };
  return {set(args.act_min - args.y_zero_point),
          set(args.act_max - args.y_zero_point),
          _mm256_set1_epi32(args.y_zero_point),
          set(args.t_min - args.t_zero_point),
          set(args.t_max - args.t_zero_point),
          _mm256_set1_ps(args.t_multiplier),
          _mm256_set1_ps(args.r_multiplier),
          _mm256_set1_epi32(args.r_zero_point),
          _mm256_set1_ps(args.act_min_f),
          _mm256_set1_ps(args.act_max_f),
          args.output_f32 != 0};
}

// 8 int32 in [0, 255] to 8 bytes.
inline void StoreBytes8(__m256i q, uint8_t* y) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(y), _mm_packus_epi16(words, words));
}

// 8 output bytes of channels whose accumulator times multiplier is f; reads 8 bytes of `residual`
// unless it is null.
inline void StoreRequantized8(const RequantAvx2& k, __m256 f, const uint8_t* residual, uint8_t* y) {
  if (residual != nullptr) {
    const __m256 t = _mm256_round_ps(_mm256_max_ps(_mm256_min_ps(f, k.t_hi), k.t_lo),
                                     _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256i r = _mm256_sub_epi32(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(residual))),
        k.r_zero_point);
    f = _mm256_add_ps(_mm256_mul_ps(t, k.t_multiplier),
                      _mm256_mul_ps(_mm256_cvtepi32_ps(r), k.r_multiplier));
  }
  f = _mm256_max_ps(_mm256_min_ps(f, k.hi), k.lo);
  StoreBytes8(_mm256_add_epi32(_mm256_cvtps_epi32(f), k.y_zero_point), y);
}

// The epilogue for n <= 8 channels; y and residual point at the first one.
inline void StoreChannels(const RequantAvx2& k, __m256i acc, const float* multiplier, int n,
                          const uint8_t* residual, void* y) {
  const __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(multiplier));
  if (k.output_f32) {
    const __m256 v = _mm256_min_ps(_mm256_max_ps(f, k.f_lo), k.f_hi);
    float* const out = static_cast<float*>(y);
    if (n == 8) {
      _mm256_storeu_ps(out, v);
      return;
    }
    alignas(32) float whole[8];
    _mm256_store_ps(whole, v);
    for (int i = 0; i < n; ++i) out[i] = whole[i];
    return;
  }
  uint8_t* const out = static_cast<uint8_t*>(y);
  if (n == 8) {
    StoreRequantized8(k, f, residual, out);
    return;
  }
  uint8_t whole[8] = {};
  if (residual != nullptr) {
    for (int i = 0; i < n; ++i) whole[i] = residual[i];
  }
  StoreRequantized8(k, f, residual == nullptr ? nullptr : whole, whole);
  for (int i = 0; i < n; ++i) out[i] = whole[i];
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_REQUANT_AVX2_H_
