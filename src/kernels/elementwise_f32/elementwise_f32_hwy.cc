#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "kernels/elementwise_f32/elementwise_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_f32/elementwise_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Tag()));

template <typename F>
HWY_INLINE void Map(const float* x, float* y, int64_t n, const F& f) {
  const Tag d;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i < n) StoreTail(f(LoadTail(d, x + i, n - i)), d, y + i, n - i);
}

void EltwiseUnaryImpl(const EltwiseArgs& args, const float* x, float* y, int64_t n) {
  const Tag d;
  const Vec zero = hn::Zero(d);
  const Vec one = hn::Set(d, 1.0f);
  const Vec alpha = hn::Set(d, args.alpha);
  const Vec beta = hn::Set(d, args.beta);
  const Vec lo = hn::Set(d, args.lo);
  const Vec hi = hn::Set(d, args.hi);
  switch (args.op) {
    case EltwiseOp::kIdentity:
      if (x != y && n > 0) std::memcpy(y, x, static_cast<size_t>(n) * sizeof(float));
      return;
    case EltwiseOp::kRelu:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return MaxNan(zero, v); });
    case EltwiseOp::kClip:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return MinNan(hi, MaxNan(lo, v)); });
    case EltwiseOp::kSigmoid:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return SigmoidF32(d, v); });
    case EltwiseOp::kTanh:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return TanhF32(d, v); });
    case EltwiseOp::kHardSigmoid:
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return MinNan(one, MaxNan(zero, hn::MulAdd(alpha, v, beta)));
      });
    case EltwiseOp::kHardSwish: {
      const Vec sixth = hn::Set(d, 1.0f / 6.0f);
      const Vec half = hn::Set(d, 0.5f);
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return hn::Mul(v, MinNan(one, MaxNan(zero, hn::MulAdd(v, sixth, half))));
      });
    }
    case EltwiseOp::kSilu:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Mul(v, SigmoidF32(d, v)); });
    case EltwiseOp::kLeakyRelu:
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return hn::IfThenElse(hn::Ge(v, zero), v, hn::Mul(alpha, v));
      });
    case EltwiseOp::kElu:
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return hn::IfThenElse(hn::Ge(v, zero), v, hn::Mul(alpha, Expm1F32(d, v)));
      });
    case EltwiseOp::kExp:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return ExpF32(d, v); });
    case EltwiseOp::kLog:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return LogF32(d, v); });
    case EltwiseOp::kSqrt:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Sqrt(v); });
    case EltwiseOp::kNeg:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Neg(v); });
    case EltwiseOp::kAbs:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Abs(v); });
    case EltwiseOp::kReciprocal:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Div(one, v); });
    case EltwiseOp::kErf:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return ErfF32(d, v); });
    case EltwiseOp::kGelu: {
      const Vec half = hn::Set(d, 0.5f);
      const Vec scale = hn::Set(d, 0.70710678118654752440f);
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return hn::Mul(hn::Mul(half, v), hn::Add(one, ErfF32(d, hn::Mul(v, scale))));
      });
    }
    case EltwiseOp::kSoftplus:
      return Map(x, y, n, [&](Vec v) HWY_ATTR {
        return hn::Add(MaxNan(zero, v), hn::Log1p(d, ExpF32(d, hn::Neg(hn::Abs(v)))));
      });
    case EltwiseOp::kFloor:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Floor(v); });
    case EltwiseOp::kCeil:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Ceil(v); });
    case EltwiseOp::kRound:
      return Map(x, y, n, [&](Vec v) HWY_ATTR { return hn::Round(v); });
    default:
      return;
  }
}

// One row: y[i] = f(a[i * sa], b[i * sb]) with strides 0 or 1.
template <typename F>
HWY_INLINE void MapRow(const float* a, int64_t sa, const float* b, int64_t sb, float* y, int64_t n,
                       const F& f) {
  const Tag d;
  int64_t i = 0;
  if (sa == 1 && sb == 1) {
    for (; i + kLanes <= n; i += kLanes) {
      hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
    }
  } else if (sa == 1) {
    const Vec vb = hn::Set(d, b[0]);
    for (; i + kLanes <= n; i += kLanes) hn::StoreU(f(hn::LoadU(d, a + i), vb), d, y + i);
  } else if (sb == 1) {
    const Vec va = hn::Set(d, a[0]);
    for (; i + kLanes <= n; i += kLanes) hn::StoreU(f(va, hn::LoadU(d, b + i)), d, y + i);
  } else {
    const Vec v = f(hn::Set(d, a[0]), hn::Set(d, b[0]));
    for (; i + kLanes <= n; i += kLanes) hn::StoreU(v, d, y + i);
  }
  if (i < n) {
    const Vec va = sa == 1 ? LoadTail(d, a + i, n - i) : hn::Set(d, a[0]);
    const Vec vb = sb == 1 ? LoadTail(d, b + i, n - i) : hn::Set(d, b[0]);
    StoreTail(f(va, vb), d, y + i, n - i);
  }
}

// A row of any strides: what is neither dense nor a scalar is gathered into a small buffer first.
template <typename F>
HWY_INLINE void MapStridedRow(const float* a, int64_t sa, const float* b, int64_t sb, float* y,
                              int64_t n, const F& f) {
  constexpr int64_t kBuffer = 256;
  float a_buffer[kBuffer];
  float b_buffer[kBuffer];
  const bool gather_a = sa != 0 && sa != 1;
  const bool gather_b = sb != 0 && sb != 1;
  if (!gather_a && !gather_b) return MapRow(a, sa, b, sb, y, n, f);
  for (int64_t i = 0; i < n; i += kBuffer) {
    const int64_t m = HWY_MIN(kBuffer, n - i);
    for (int64_t k = 0; gather_a && k < m; ++k) a_buffer[k] = a[(i + k) * sa];
    for (int64_t k = 0; gather_b && k < m; ++k) b_buffer[k] = b[(i + k) * sb];
    MapRow(gather_a ? a_buffer : a + i * sa, gather_a ? 1 : sa, gather_b ? b_buffer : b + i * sb,
           gather_b ? 1 : sb, y + i, m, f);
  }
}

template <typename F>
HWY_INLINE void MapBinary(const EltwiseShape& s, const float* a, const float* b, float* y,
                          int64_t begin, int64_t end, const F& f) {
  if (begin >= end) return;
  const int last = s.rank - 1;
  const int64_t n = s.dims[last];
  // Index of the row of `begin`, and the operands' offsets of that row.
  int64_t index[kMaxEltwiseRank] = {};
  int64_t at_a = 0;
  int64_t at_b = 0;
  int64_t rest = begin / n;
  for (int i = last - 1; i >= 0; --i) {
    index[i] = rest % s.dims[i];
    rest /= s.dims[i];
    at_a += index[i] * s.a_strides[i];
    at_b += index[i] * s.b_strides[i];
  }
  int64_t column = begin % n;
  const int64_t sa = s.a_strides[last];
  const int64_t sb = s.b_strides[last];
  for (int64_t i = begin; i < end;) {
    const int64_t m = HWY_MIN(n - column, end - i);
    MapStridedRow(a + at_a + column * sa, sa, b + at_b + column * sb, sb, y + i, m, f);
    i += m;
    column = 0;
    for (int k = last - 1; k >= 0; --k) {
      at_a += s.a_strides[k];
      at_b += s.b_strides[k];
      if (++index[k] < s.dims[k]) break;
      at_a -= s.dims[k] * s.a_strides[k];
      at_b -= s.dims[k] * s.b_strides[k];
      index[k] = 0;
    }
  }
}

void EltwiseBinaryImpl(const EltwiseArgs& args, const EltwiseShape& s, const float* a,
                       const float* b, float* y, int64_t begin, int64_t end) {
  const Tag d;
  switch (args.op) {
    case EltwiseOp::kAdd:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR { return hn::Add(u, v); });
    case EltwiseOp::kSub:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR { return hn::Sub(u, v); });
    case EltwiseOp::kMul:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR { return hn::Mul(u, v); });
    case EltwiseOp::kDiv:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR { return hn::Div(u, v); });
    case EltwiseOp::kMax:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR {
        return hn::IfThenElse(hn::IsNaN(u), u, MaxNan(u, v));
      });
    case EltwiseOp::kMin:
      return MapBinary(s, a, b, y, begin, end, [](Vec u, Vec v) HWY_ATTR {
        return hn::IfThenElse(hn::IsNaN(u), u, MinNan(u, v));
      });
    case EltwiseOp::kPRelu:
      return MapBinary(s, a, b, y, begin, end, [&](Vec u, Vec v) HWY_ATTR {
        return hn::IfThenElse(hn::Ge(u, hn::Zero(d)), u, hn::Mul(u, v));
      });
    case EltwiseOp::kGate: {
      const Vec lo = hn::Set(d, args.lo);
      const Vec hi = hn::Set(d, args.hi);
      if (args.alpha != 0) {
        return MapBinary(s, a, b, y, begin, end, [&](Vec u, Vec v) HWY_ATTR {
          return hn::IfThenElseZero(hn::And(hn::Ge(v, lo), hn::Le(v, hi)), u);
        });
      }
      return MapBinary(s, a, b, y, begin, end, [&](Vec u, Vec v) HWY_ATTR {
        return hn::IfThenElseZero(hn::And(hn::Gt(v, lo), hn::Lt(v, hi)), u);
      });
    }
    case EltwiseOp::kPow:
      // The library's pow lane by lane, except where the whole vector is squared.
      return MapBinary(s, a, b, y, begin, end, [&](Vec u, Vec v) HWY_ATTR {
        if (hn::AllTrue(d, hn::Eq(v, hn::Set(d, 2.0f)))) return hn::Mul(u, u);
        float base[kLanes];
        float exponent[kLanes];
        hn::StoreU(u, d, base);
        hn::StoreU(v, d, exponent);
        for (int64_t i = 0; i < kLanes; ++i) base[i] = std::pow(base[i], exponent[i]);
        return hn::LoadU(d, base);
      });
    default:
      return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

void EltwiseUnaryF32(Isa isa, const EltwiseArgs& args, const float* x, float* y, int64_t n) {
  ADZE_HWY_CALL(isa, EltwiseUnaryImpl)(args, x, y, n);
}

void EltwiseBinaryF32(Isa isa, const EltwiseArgs& args, const EltwiseShape& shape, const float* a,
                      const float* b, float* y, int64_t begin, int64_t end) {
  ADZE_HWY_CALL(isa, EltwiseBinaryImpl)(args, shape, a, b, y, begin, end);
}

}  // namespace adze
#endif  // HWY_ONCE
