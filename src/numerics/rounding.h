// Rounding and saturation, the same on every target. docs/design/numerics.md is normative.
#ifndef ADZE_NUMERICS_ROUNDING_H_
#define ADZE_NUMERICS_ROUNDING_H_

#include <cmath>
#include <cstdint>

#include "numerics/dtype.h"

namespace adze {

// Nearest integer, ties to even, as a float. Relies on the default floating-point environment.
inline float RoundNearestEven(float x) { return std::nearbyintf(x); }

// Rounds, then saturates to [lo, hi]; NaN gives `lo` clamped around zero, that is 0 if
// representable, else lo. |lo|, |hi| <= 2^24, so both are exact floats.
inline int32_t RoundSaturate(float x, int32_t lo, int32_t hi) {
  if (std::isnan(x)) return lo > 0 ? lo : (hi < 0 ? hi : 0);
  const float r = RoundNearestEven(x);
  if (r <= static_cast<float>(lo)) return lo;
  if (r >= static_cast<float>(hi)) return hi;
  return static_cast<int32_t>(r);
}

// q = saturate(rne(x / scale) + zero_point): QuantizeLinear. The division is a float division, as
// ONNX defines it. The rounded quotient is clamped before the zero point is added, which is the
// same value without overflow.
inline int32_t QuantizeOne(float x, float scale, int32_t zero_point, int32_t lo, int32_t hi) {
  return RoundSaturate(x / scale, lo - zero_point, hi - zero_point) + zero_point;
}
// x' = (q - zero_point) * scale: DequantizeLinear.
inline float DequantizeOne(int32_t q, float scale, int32_t zero_point) {
  return static_cast<float>(q - zero_point) * scale;
}

// y = saturate(rne(acc * multiplier) + zero_point): the requantization of every integer operator.
// The accumulator is converted to float32 (round to nearest even) before the product.
inline int32_t RequantizeOne(int32_t acc, float multiplier, int32_t zero_point, int32_t lo,
                             int32_t hi) {
  return RoundSaturate(static_cast<float>(acc) * multiplier, lo - zero_point, hi - zero_point) +
         zero_point;
}

}  // namespace adze

#endif  // ADZE_NUMERICS_ROUNDING_H_
