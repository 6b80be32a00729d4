#include <cmath>
#include <utility>

#include "kernels/softmax_f32/softmax_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax_f32/softmax_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Tag()));

// One contiguous row. Lane i of the sum takes the elements i, i + lanes, …, in order; the lanes are
// added last.
void SoftmaxRow(bool log, const float* x, float* y, int64_t n) {
  const Tag d;
  const int64_t whole = n / kLanes * kLanes;
  Vec max = hn::Neg(hn::Inf(d));
  for (int64_t i = 0; i < whole; i += kLanes) max = MaxNan(max, hn::LoadU(d, x + i));
  max = hn::MaxOfLanes(d, max);
  for (int64_t i = whole; i < n; ++i) max = MaxNan(max, hn::Set(d, x[i]));
  Vec sum = hn::Zero(d);
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vec e = ExpF32(d, hn::Sub(hn::LoadU(d, x + i), max));
    sum = hn::Add(sum, e);
    if (!log) hn::StoreU(e, d, y + i);
  }
  if (whole < n) {
    const auto valid = hn::FirstN(d, static_cast<size_t>(n - whole));
    const Vec e = ExpF32(d, hn::Sub(LoadTail(d, x + whole, n - whole), max));
    sum = hn::Add(sum, hn::IfThenElseZero(valid, e));
    if (!log) StoreTail(e, d, y + whole, n - whole);
  }
  sum = hn::SumOfLanes(d, sum);
  const Vec log_sum = LogF32(d, sum);
  const auto finish = [&](int64_t i, int64_t m) HWY_ATTR {
    const Vec v = LoadTail(d, (log ? x : y) + i, m);
    StoreTail(log ? hn::Sub(hn::Sub(v, max), log_sum) : hn::Div(v, sum), d, y + i, m);
  };
  for (int64_t i = 0; i < whole; i += kLanes) finish(i, kLanes);
  if (whole < n) finish(whole, n - whole);
}

// `m` neighbouring columns of [n][inner].
void SoftmaxColumns(bool log, const float* x, float* y, int64_t n, int64_t inner, int64_t m) {
  const Tag d;
  Vec max = hn::Neg(hn::Inf(d));
  for (int64_t k = 0; k < n; ++k) max = MaxNan(max, LoadTail(d, x + k * inner, m));
  Vec sum = hn::Zero(d);
  for (int64_t k = 0; k < n; ++k) {
    const Vec e = ExpF32(d, hn::Sub(LoadTail(d, x + k * inner, m), max));
    sum = hn::Add(sum, e);
    if (!log) StoreTail(e, d, y + k * inner, m);
  }
  const Vec log_sum = LogF32(d, sum);
  for (int64_t k = 0; k < n; ++k) {
    const Vec v = LoadTail(d, (log ? x : y) + k * inner, m);
    StoreTail(log ? hn::Sub(hn::Sub(v, max), log_sum) : hn::Div(v, sum), d, y + k * inner, m);
  }
}

void SoftmaxImpl(bool log, const float* x, float* y, int64_t n, int64_t inner, int64_t begin,
                 int64_t end) {
  for (int64_t o = begin; o < end; ++o) {
    const float* const in = x + o * n * inner;
    float* const out = y + o * n * inner;
    if (inner == 1) {
      SoftmaxRow(log, in, out, n);
      continue;
    }
    for (int64_t i = 0; i < inner; i += kLanes) {
      SoftmaxColumns(log, in + i, out + i, n, inner, HWY_MIN(kLanes, inner - i));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {
void SoftmaxF32(Isa isa, bool log, const float* x, float* y, int64_t n, int64_t inner,
                int64_t begin, int64_t end) {
  ADZE_HWY_CALL(isa, SoftmaxImpl)(log, x, y, n, inner, begin, end);
}
}  // namespace adze
#endif  // HWY_ONCE
