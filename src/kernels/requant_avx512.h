// The integer epilogue of ConvI8Args on 16 lanes. Only for *_avx512vnni.cc files: everything has
// internal linkage, because each includer is compiled for its own ISA.
//
// Bit-equality with numerics/rounding.h: the clamp bounds minus the zero point are integers, so
// clamping the float before rounding gives the clamp after it, and vcvtps2dq never sees a value
// outside int32 at the top. At the bottom it may return INT32_MIN, which the saturating packs take
// to 0 as they take every value below.
#ifndef ADZE_KERNELS_REQUANT_AVX512_H_
#define ADZE_KERNELS_REQUANT_AVX512_H_

#include <immintrin.h>
#include <stdint.h>

#include "kernels/conv_args.h"

namespace adze {
namespace {

// Broadcast constants of the plain u8 epilogue.
struct RequantU8 {
  __m512 top;          // act_max - y_zero_point
  __m512i zero_point;  // 16-bit lanes
  __m512i min;         // 8-bit lanes
};

inline RequantU8 MakeRequantU8(const ConvI8Args& args) {
  return {_mm512_set1_ps(static_cast<float>(args.act_max - args.y_zero_point)),
          _mm512_set1_epi16(static_cast<short>(args.y_zero_point)),
          _mm512_set1_epi8(static_cast<char>(args.act_min))};
}

// rne(min(acc * multiplier, top)).
inline __m512i ScaleRound(__m512i acc, __m512 multiplier, __m512 top) {
  const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
  return _mm512_cvtps_epi32(_mm512_min_ps(v, top));
}

// Four rounded vectors to u8: lane l of the result holds lane l of a, b, c and d, 4 bytes each.
inline __m512i PackU8(__m512i a, __m512i b, __m512i c, __m512i d, const RequantU8& r) {
  const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), r.zero_point);
  const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), r.zero_point);
  return _mm512_max_epu8(_mm512_packus_epi16(ab, cd), r.min);
}

// The general epilogue (u8 with or without residual, or float output) of `pixels` pixels with n
// channels each, in natural order: accumulators acc_stride apart, y and residual at the first
// channel of the first pixel and y_stride bytes apart.
__attribute__((noinline)) inline void StorePixels(const ConvI8Args& args, const int32_t* acc,
                                                  int acc_stride, const float* multiplier,
                                                  int pixels, int n, const uint8_t* residual,
                                                  void* y, int64_t y_stride) {
  const auto set = [](int32_t v) { return _mm512_set1_ps(static_cast<float>(v)); };
  const __m512 lo = set(args.act_min - args.y_zero_point);
  const __m512 hi = set(args.act_max - args.y_zero_point);
  const __m512 t_lo = set(args.t_min - args.t_zero_point);
  const __m512 t_hi = set(args.t_max - args.t_zero_point);
  const __m512 t_multiplier = _mm512_set1_ps(args.t_multiplier);
  const __m512 r_multiplier = _mm512_set1_ps(args.r_multiplier);
  const __m512 f_lo = _mm512_set1_ps(args.act_min_f);
  const __m512 f_hi = _mm512_set1_ps(args.act_max_f);
  const __m512i r_zero_point = _mm512_set1_epi32(args.r_zero_point);
  const __m512i y_zero_point = _mm512_set1_epi32(args.y_zero_point);
  for (int c = 0; c < n; c += 16) {
    const __mmask16 mask = n - c >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - c)) - 1);
    const __m512 m = _mm512_maskz_loadu_ps(mask, multiplier + c);
    for (int p = 0; p < pixels; ++p) {
      const __m512i sum = _mm512_maskz_loadu_epi32(mask, acc + p * acc_stride + c);
      __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), m);
      if (args.output_f32 != 0) {
        float* const out = reinterpret_cast<float*>(static_cast<uint8_t*>(y) + p * y_stride) + c;
        _mm512_mask_storeu_ps(out, mask, _mm512_min_ps(_mm512_max_ps(f, f_lo), f_hi));
        continue;
      }
      const int64_t at = p * y_stride + c;
      if (residual != nullptr) {
        const __m512 t = _mm512_roundscale_ps(_mm512_max_ps(_mm512_min_ps(f, t_hi), t_lo),
                                              _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const __m512i r = _mm512_sub_epi32(
            _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, residual + at)), r_zero_point);
        f = _mm512_add_ps(_mm512_mul_ps(t, t_multiplier),
                          _mm512_mul_ps(_mm512_cvtepi32_ps(r), r_multiplier));
      }
      f = _mm512_max_ps(_mm512_min_ps(f, hi), lo);
      const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(f), y_zero_point);
      _mm_mask_storeu_epi8(static_cast<uint8_t*>(y) + at, mask, _mm512_cvtepi32_epi8(q));
    }
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_REQUANT_AVX512_H_
