// Inner loops of operators that gradients spend their time in and that have no kernel of their own:
// blocks of a fixed size through a local array, which compilers turn into vector code without
// having to know whether pointers overlap. The sums are those of the plain loops, to the bit.
#ifndef ADZE_OPS_REAL_BLOCKS_H_
#define ADZE_OPS_REAL_BLOCKS_H_

#include <cstdint>

#include "ops/op_util.h"

namespace adze {

// Calls fn(T{}) for the float types gradients are computed in.
template <typename Fn>
Status DispatchReal(DType dtype, Fn&& fn) {
  if (dtype == DType::kFloat32) {
    fn(float{});
  } else if (dtype == DType::kFloat64) {
    fn(double{});
  } else {
    return UnsupportedDType(dtype);
  }
  return OkStatus();
}

// y[i] += term(i), i < n.
template <typename T, typename Term>
inline void AddTerms(T* y, int64_t n, Term&& term) {
  constexpr int64_t kBlock = 8;
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    T sum[kBlock];
    for (int64_t k = 0; k < kBlock; ++k) sum[k] = y[i + k] + term(i + k);
    for (int64_t k = 0; k < kBlock; ++k) y[i + k] = sum[k];
  }
  for (; i < n; ++i) y[i] += term(i);
}

}  // namespace adze

#endif  // ADZE_OPS_REAL_BLOCKS_H_
