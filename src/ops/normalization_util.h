// The arithmetic shared by Instance-, Layer- and GroupNormalization: statistics of a contiguous run
// of elements.
#ifndef ADZE_OPS_NORMALIZATION_UTIL_H_
#define ADZE_OPS_NORMALIZATION_UTIL_H_

#include <cmath>
#include <cstdint>

namespace adze {

template <typename Real>
struct Moments {
  Real mean;
  Real inverse_stddev;  // 1 / sqrt(variance + epsilon), population variance
};

// Two passes, sums in the natural order. `count` >= 1.
template <typename Io>
Moments<typename Io::Real> ReadMoments(const void* x, int64_t first, int64_t count, float epsilon) {
  using Real = typename Io::Real;
  Real sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += Io::Load(x, first + i);
  const Real mean = sum / static_cast<Real>(count);
  Real squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Real d = Io::Load(x, first + i) - mean;
    squares += d * d;
  }
  const Real variance = squares / static_cast<Real>(count);
  return {mean, Real{1} / std::sqrt(variance + static_cast<Real>(epsilon))};
}

}  // namespace adze

#endif  // ADZE_OPS_NORMALIZATION_UTIL_H_
