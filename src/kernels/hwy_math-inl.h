// Float functions of vectors over the whole float range, NaN and infinities included, on top of
// Highway's. Theirs are never given NaN, which they convert to an integer: Min(NaN, b) is b.
// Include after kernels/hwy_dispatch.h and <utility>. Errors are measured by
// elementwise_f32_test.cc.
#if defined(ADZE_KERNELS_HWY_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ADZE_KERNELS_HWY_MATH_INL_H_
#undef ADZE_KERNELS_HWY_MATH_INL_H_
#else
#define ADZE_KERNELS_HWY_MATH_INL_H_
#endif

#include "hwy/contrib/math/math-inl.h"
#include "kernels/hwy_util-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// exp(x), 1 ulp; subnormal results within half a unit of 2^-126 * 2^-23. Highway's is for x <= 104.
template <class D, class V>
HWY_INLINE V ExpF32(D d, V x) {
  const V y = hn::Exp(d, hn::Min(x, hn::Set(d, 89.0f)));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// exp(x) - 1.
template <class D, class V>
HWY_INLINE V Expm1F32(D d, V x) {
  const V y = hn::Expm1(d, hn::Min(x, hn::Set(d, 89.0f)));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// Natural logarithm: -infinity at 0, NaN below.
template <class D, class V>
HWY_INLINE V LogF32(D d, V x) {
  const V infinity = hn::Inf(d);
  V y = hn::Log(d, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  // Negated comparison: NaN as well as negative.
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, hn::NaN(d));
}

// 1 / (1 + exp(-x)), through exp(-|x|) so that it neither overflows nor loses small results.
template <class D, class V>
HWY_INLINE V SigmoidF32(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = ExpF32(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, e), hn::Add(one, e));
}

// tanh is 1 in float beyond 9.02.
template <class D, class V>
HWY_INLINE V TanhF32(D d, V x) {
  const V y = hn::Tanh(d, hn::Max(hn::Min(x, hn::Set(d, 10.0f)), hn::Set(d, -10.0f)));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// erf(x): x * P(x^2) below 1, and 1 - exp(Q(|x|)) up to 4, beyond which it is 1 in float. P and Q
// are our own minimax fits: P of erf(x)/x (relative error 2e-9), Q of log(erfc(x)) (error of erfc
// 2e-11 before rounding).
template <class D, class V>
HWY_INLINE V ErfF32(D d, V x) {
  const auto c = [&](float value) HWY_ATTR { return hn::Set(d, value); };
  const V one = c(1.0f);
  const V t = hn::Mul(x, x);
  V p = c(7.889122935e-05f);
  p = hn::MulAdd(p, t, c(-8.020842215e-04f));
  p = hn::MulAdd(p, t, c(5.189535674e-03f));
  p = hn::MulAdd(p, t, c(-2.685444430e-02f));
  p = hn::MulAdd(p, t, c(1.128360033e-01f));
  p = hn::MulAdd(p, t, c(-3.761262596e-01f));
  p = hn::MulAdd(p, t, c(1.128379107e+00f));
  const V small = hn::Mul(p, x);

  const V a = hn::Min(hn::Abs(x), c(4.0f));
  V q = c(-2.168675746e-05f);
  q = hn::MulAdd(q, a, c(4.413352290e-04f));
  q = hn::MulAdd(q, a, c(-4.204555880e-03f));
  q = hn::MulAdd(q, a, c(2.520824037e-02f));
  q = hn::MulAdd(q, a, c(-1.084185466e-01f));
  q = hn::MulAdd(q, a, c(-6.332198977e-01f));
  q = hn::MulAdd(q, a, c(-1.129578352e+00f));
  q = hn::MulAdd(q, a, c(1.880367927e-04f));
  const V large = hn::CopySign(hn::Sub(one, hn::Exp(d, q)), x);
  const V y = hn::IfThenElse(hn::Lt(hn::Abs(x), one), small, large);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#endif  // toggle
