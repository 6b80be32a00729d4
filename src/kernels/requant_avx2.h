// The integer epilogue of ConvI8Args on 8 lanes. Only for *_avx2.cc files: everything has internal
// linkage, because each includer is compiled for its own ISA.
//
// Bit-equality with numerics/rounding.h: the clamp bounds minus the zero point are integers, so
// clamping the float before rounding gives the clamp after it, and vcvtps2dq never sees a value
// outside int32 at the top. At the bottom it may return INT32_MIN, which the saturating packs take
// to 0 as they take every value below; act_min is applied to the bytes.
#ifndef ADZE_KERNELS_REQUANT_AVX2_H_
#define ADZE_KERNELS_REQUANT_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {
namespace {

// Broadcast constants of the epilogue.
struct RequantAvx2 {
  __m256 top;          // act_max - y_zero_point
  __m256i zero_point;  // 16-bit lanes
  __m256i min;         // 8-bit lanes
  __m256 t_lo, t_hi, t_multiplier, r_multiplier;
  __m256i r_zero_point;
  __m256 f_lo, f_hi;
  bool output_f32;
};

inline RequantAvx2 MakeRequantAvx2(const ConvI8Args& args) {
  const auto set = [](int32_t v) { return _mm256_set1_ps(static_cast<float>(v)); };
  return {set(args.act_max - args.y_zero_point),
          _mm256_set1_epi16(static_cast<short>(args.y_zero_point)),
          _mm256_set1_epi8(static_cast<char>(args.act_min)),
          set(args.t_min - args.t_zero_point),
          set(args.t_max - args.t_zero_point),
          _mm256_set1_ps(args.t_multiplier),
          _mm256_set1_ps(args.r_multiplier),
          _mm256_set1_epi32(args.r_zero_point),
          _mm256_set1_ps(args.act_min_f),
          _mm256_set1_ps(args.act_max_f),
          args.output_f32 != 0};
}

inline __m256 Scale(__m256i acc, __m256 multiplier) {
  return _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
}

// Of float results.
inline __m256 Clamp(const RequantAvx2& k, __m256 f) {
  return _mm256_min_ps(_mm256_max_ps(f, k.f_lo), k.f_hi);
}

// f, the scaled accumulator of 8 channels, rounded to the format between, plus 8 residual bytes.
inline __m256 AddResidual(const RequantAvx2& k, __m256 f, const uint8_t* residual) {
  const __m256 t = _mm256_round_ps(_mm256_max_ps(_mm256_min_ps(f, k.t_hi), k.t_lo),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256i r = _mm256_sub_epi32(
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(residual))),
      k.r_zero_point);
  return _mm256_add_ps(_mm256_mul_ps(t, k.t_multiplier),
                       _mm256_mul_ps(_mm256_cvtepi32_ps(r), k.r_multiplier));
}

inline __m256i Round(const RequantAvx2& k, __m256 scaled) {
  return _mm256_cvtps_epi32(_mm256_min_ps(scaled, k.top));
}

// Four rounded vectors to u8: each 128-bit half of the result holds that half of a, b, c and d, 4
// bytes each.
inline __m256i PackBytes(const RequantAvx2& k, __m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), k.zero_point);
  const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), k.zero_point);
  return _mm256_max_epu8(_mm256_packus_epi16(ab, cd), k.min);
}

// 8 bytes each of four vectors of 8 scaled channels.
struct Bytes32 {
  __m128i ab, cd;
};
inline Bytes32 RoundToBytes(const RequantAvx2& k, __m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256i bytes = PackBytes(k, Round(k, a), Round(k, b), Round(k, c), Round(k, d));
  const __m128i first = _mm256_castsi256_si128(bytes);
  const __m128i second = _mm256_extracti128_si256(bytes, 1);
  return {_mm_unpacklo_epi32(first, second), _mm_unpackhi_epi32(first, second)};
}

inline void StoreLow(__m128i v, uint8_t* y) { _mm_storel_epi64(reinterpret_cast<__m128i*>(y), v); }
inline void StoreHigh(__m128i v, uint8_t* y) { StoreLow(_mm_unpackhi_epi64(v, v), y); }

// The epilogue for n <= 8 channels, u8 or float; y and residual point at the first one.
__attribute__((noinline, unused)) void StoreChannels(const RequantAvx2& k, __m256i acc,
                                                     const float* multiplier, int n,
                                                     const uint8_t* residual, void* y) {
  __m256 f = Scale(acc, _mm256_loadu_ps(multiplier));
  if (k.output_f32) {
    f = Clamp(k, f);
    if (n == 8) {
      _mm256_storeu_ps(static_cast<float*>(y), f);
      return;
    }
    alignas(32) float whole[8];
    _mm256_store_ps(whole, f);
    for (int i = 0; i < n; ++i) static_cast<float*>(y)[i] = whole[i];
    return;
  }
  uint8_t whole[8] = {};
  if (residual != nullptr) {
    for (int i = 0; i < n; ++i) whole[i] = residual[i];
    f = AddResidual(k, f, whole);
  }
  StoreLow(RoundToBytes(k, f, f, f, f).ab, whole);
  for (int i = 0; i < n; ++i) static_cast<uint8_t*>(y)[i] = whole[i];
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_REQUANT_AVX2_H_
