// Conversions between element types that are defined for every input.
#ifndef ADZE_OPS_CONVERT_H_
#define ADZE_OPS_CONVERT_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace adze {

// Towards zero, saturating; NaN gives 0. T is an integer type.
template <typename T>
T TruncateTo(double v) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(v)) return 0;
  // The conversion of the largest 64-bit values rounds up to a power of two: >= is right for them,
  // too.
  if (v >= static_cast<double>(Limits::max())) return Limits::max();
  if (v <= static_cast<double>(Limits::min())) return Limits::min();
  return static_cast<T>(v);
}

// `v` rounded to float with the last bit set when inexact ("round to odd"): rounding the result to
// a narrower format gives the correctly rounded value, where rounding twice to nearest may not.
template <typename T>
float RoundToOdd(T v) {
  const float f = static_cast<float>(v);
  if (!std::isfinite(f)) return f;
  // Wide enough to compare exactly.
  using Exact = std::conditional_t<std::is_floating_point_v<T>, T, __int128>;
  const Exact back = static_cast<Exact>(f);
  if (back == static_cast<Exact>(v) || (std::bit_cast<uint32_t>(f) & 1u) != 0) return f;
  return std::nextafterf(f, static_cast<Exact>(v) > back ? std::numeric_limits<float>::infinity()
                                                         : -std::numeric_limits<float>::infinity());
}

}  // namespace adze

#endif  // ADZE_OPS_CONVERT_H_
