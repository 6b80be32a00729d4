#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/fake_quant_f32/fake_quant_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fake_quant_f32/fake_quant_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_util-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void FakeQuantImpl(const FakeQuantArgs& args, const float* x, float* y, int64_t n) {
  const hn::CappedTag<float, 16> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // The zero point is left out on both sides: (clamp(rne(x / s) + z) - z) * s. Bounds are integers
  // below 2^24 and so exact in float.
  const int32_t lo = args.qmin - args.zero_point;
  const int32_t hi = args.qmax - args.zero_point;
  const Vec scale = hn::Set(d, args.scale);
  const Vec vlo = hn::Set(d, static_cast<float>(lo));
  const Vec vhi = hn::Set(d, static_cast<float>(hi));
  const Vec nan_code = hn::Set(d, static_cast<float>(lo > 0 ? lo : (hi < 0 ? hi : 0)));
  const auto f = [&](Vec v) HWY_ATTR {
    Vec q = hn::Round(hn::Div(v, scale));
    q = hn::IfThenElse(hn::IsNaN(v), nan_code, hn::Min(vhi, hn::Max(vlo, q)));
    // An integer zero has no sign: -0 + 0 = +0.
    return hn::Mul(hn::Add(q, hn::Zero(d)), scale);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i < n) StoreTail(f(LoadTail(d, x + i, n - i)), d, y + i, n - i);
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {
void FakeQuantF32(Isa isa, const FakeQuantArgs& args, const float* x, float* y, int64_t n) {
  if (args.scale == 0) {
    if (x != y && n > 0) std::memcpy(y, x, static_cast<size_t>(n) * sizeof(float));
    return;
  }
  ADZE_HWY_CALL(isa, FakeQuantImpl)(args, x, y, n);
}
}  // namespace adze
#endif  // HWY_ONCE
