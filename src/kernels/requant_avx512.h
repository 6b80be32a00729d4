// The integer epilogue of ConvI8Args on 16 lanes. Only for *_avx512vnni.cc files: everything has internal linkage,
// because each includer is compiled for its own ISA.
//
// Bit-equality with numerics/rounding.h: the clamp bounds minus the zero point are integers, so clamping the float
// before rounding gives the clamp after it, and vcvtps2dq never sees a value outside int32 at the top. At the bottom it
// may return INT32_MIN, which the saturating packs take to 0 as they take every value below.
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

// The general epilogue for one pixel of n channels in natural order (u8 with or without residual, or float output):
// y and residual point at the first channel.
__attribute__((noinline)) inline void StorePixel(const ConvI8Args& args, const int32_t* acc, const float* multiplier, int n,
                       const uint8_t* residual, void* y) {
  for (int c = 0; c < n; c += 16) {
    const __mmask16 mask = n - c >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - c)) - 1);
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, acc + c)),
                                   _mm512_maskz_loadu_ps(mask, multiplier + c));
    if (args.output_f32 != 0) {
      const __m512 f = _mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(args.act_min_f)),
                                     _mm512_set1_ps(args.act_max_f));
      _mm512_mask_storeu_ps(static_cast<float*>(y) + c, mask, f);
      continue;
    }
    const auto clamp = [](__m512 f, int32_t lo, int32_t hi) {
      return _mm512_max_ps(_mm512_min_ps(f, _mm512_set1_ps(static_cast<float>(hi))),
                           _mm512_set1_ps(static_cast<float>(lo)));
    };
    __m512 f = v;
    if (residual != nullptr) {
      const __m512 t =
          _mm512_roundscale_ps(clamp(f, args.t_min - args.t_zero_point, args.t_max - args.t_zero_point),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      const __m512i r = _mm512_sub_epi32(
          _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, residual + c)),
          _mm512_set1_epi32(args.r_zero_point));
      f = _mm512_add_ps(
          _mm512_mul_ps(t, _mm512_set1_ps(args.t_multiplier)),
          _mm512_mul_ps(_mm512_cvtepi32_ps(r), _mm512_set1_ps(args.r_multiplier)));
    }
    f = clamp(f, args.act_min - args.y_zero_point, args.act_max - args.y_zero_point);
    const __m512i q =
        _mm512_add_epi32(_mm512_cvtps_epi32(f), _mm512_set1_epi32(args.y_zero_point));
    _mm_mask_storeu_epi8(static_cast<uint8_t*>(y) + c, mask, _mm512_cvtepi32_epi8(q));
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_REQUANT_AVX512_H_
