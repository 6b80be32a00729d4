// A small vector vocabulary for element-wise kernels: the same body is compiled by *_avx2.cc (8
// lanes), *_avx512vnni.cc (16 lanes) and, for the float operations, *_generic.cc (1 lane).
// Everything has internal linkage, because each includer is compiled for its own ISA.
#ifndef ADZE_KERNELS_SIMD_I8_H_
#define ADZE_KERNELS_SIMD_I8_H_

#if defined(__AVX2__)
#include <immintrin.h>
#else
#include <string.h>

#include "numerics/rounding.h"
#endif
#include <stdint.h>

namespace adze {
namespace {

#if defined(__AVX512VNNI__)
constexpr int kLanes = 16;  // of 32 bits
using F32 = __m512;
using I32 = __m512i;
using U8 = __m512i;  // 4 * kLanes bytes

inline I32 LoadU8(const uint8_t* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
// Lanes in [0, 255].
inline void StoreU8(I32 v, uint8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
}
inline F32 LoadF32(const float* p) { return _mm512_loadu_ps(p); }
inline void StoreF32(F32 v, float* p) { _mm512_storeu_ps(p, v); }
inline F32 Set(float v) { return _mm512_set1_ps(v); }
inline I32 Set(int32_t v) { return _mm512_set1_epi32(v); }
inline F32 Add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
inline I32 Add(I32 a, I32 b) { return _mm512_add_epi32(a, b); }
inline I32 Sub(I32 a, I32 b) { return _mm512_sub_epi32(a, b); }
inline F32 Mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
inline I32 Mul(I32 a, I32 b) { return _mm512_mullo_epi32(a, b); }
inline F32 Div(F32 a, F32 b) { return _mm512_div_ps(a, b); }
inline F32 Min(F32 a, F32 b) { return _mm512_min_ps(a, b); }
inline F32 Max(F32 a, F32 b) { return _mm512_max_ps(a, b); }
inline F32 ToFloat(I32 v) { return _mm512_cvtepi32_ps(v); }
inline I32 RoundToInt(F32 v) { return _mm512_cvtps_epi32(v); }  // nearest even
// v * 2^n; the result must be a normal number.
inline F32 MulPower2(F32 v, I32 n) {
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), _mm512_slli_epi32(n, 23)));
}
inline F32 ZeroNan(F32 v) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v); }
inline U8 LoadBytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline void StoreBytes(U8 v, uint8_t* p) { _mm512_storeu_si512(p, v); }
inline U8 MaxBytes(U8 a, U8 b) { return _mm512_max_epu8(a, b); }
#elif defined(__AVX2__)
constexpr int kLanes = 8;
using F32 = __m256;
using I32 = __m256i;
using U8 = __m256i;

inline I32 LoadU8(const uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline void StoreU8(I32 v, uint8_t* p) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
inline F32 LoadF32(const float* p) { return _mm256_loadu_ps(p); }
inline void StoreF32(F32 v, float* p) { _mm256_storeu_ps(p, v); }
inline F32 Set(float v) { return _mm256_set1_ps(v); }
inline I32 Set(int32_t v) { return _mm256_set1_epi32(v); }
inline F32 Add(F32 a, F32 b) { return _mm256_add_ps(a, b); }
inline I32 Add(I32 a, I32 b) { return _mm256_add_epi32(a, b); }
inline I32 Sub(I32 a, I32 b) { return _mm256_sub_epi32(a, b); }
inline F32 Mul(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
inline I32 Mul(I32 a, I32 b) { return _mm256_mullo_epi32(a, b); }
inline F32 Div(F32 a, F32 b) { return _mm256_div_ps(a, b); }
inline F32 Min(F32 a, F32 b) { return _mm256_min_ps(a, b); }
inline F32 Max(F32 a, F32 b) { return _mm256_max_ps(a, b); }
inline F32 ToFloat(I32 v) { return _mm256_cvtepi32_ps(v); }
inline I32 RoundToInt(F32 v) { return _mm256_cvtps_epi32(v); }
inline F32 MulPower2(F32 v, I32 n) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), _mm256_slli_epi32(n, 23)));
}
inline F32 ZeroNan(F32 v) { return _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q)); }
inline U8 LoadBytes(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline void StoreBytes(U8 v, uint8_t* p) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
inline U8 MaxBytes(U8 a, U8 b) { return _mm256_max_epu8(a, b); }
#else
constexpr int kLanes = 1;
using F32 = float;
using I32 = int32_t;

inline void StoreU8(I32 v, uint8_t* p) { *p = static_cast<uint8_t>(v); }
inline F32 LoadF32(const float* p) { return *p; }
inline F32 Set(float v) { return v; }
inline I32 Set(int32_t v) { return v; }
inline F32 Add(F32 a, F32 b) { return a + b; }
inline I32 Add(I32 a, I32 b) { return a + b; }
inline F32 Mul(F32 a, F32 b) { return a * b; }
inline F32 Div(F32 a, F32 b) { return a / b; }
inline F32 Min(F32 a, F32 b) { return a < b ? a : b; }
inline F32 Max(F32 a, F32 b) { return a > b ? a : b; }
inline F32 ToFloat(I32 v) { return static_cast<float>(v); }
inline I32 RoundToInt(F32 v) { return static_cast<int32_t>(RoundNearestEven(v)); }
inline F32 MulPower2(F32 v, I32 n) {
  int32_t bits;
  memcpy(&bits, &v, sizeof(bits));
  bits += n * (int32_t{1} << 23);
  memcpy(&v, &bits, sizeof(v));
  return v;
}
#endif

// saturate(rne(v) + zero_point) in [lo, hi] (RoundSaturate of numerics/rounding.h): the bounds
// minus the zero point are integers, so clamping before rounding gives the same. v is not NaN.
struct Requantizer {
  F32 lo, hi;
  I32 zero_point;
};
inline Requantizer MakeRequantizer(int32_t zero_point, int32_t lo, int32_t hi) {
  return {Set(static_cast<float>(lo - zero_point)), Set(static_cast<float>(hi - zero_point)),
          Set(zero_point)};
}
inline I32 Requantize(F32 v, const Requantizer& r) {
  return Add(RoundToInt(Min(Max(v, r.lo), r.hi)), r.zero_point);
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_SIMD_I8_H_
