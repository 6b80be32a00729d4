// Broadcast binary operators: the scalar functions, the loop, and the shape rule with its partially
// known contents. Nothing here has undefined behaviour: integer arithmetic wraps (two's
// complement).
#ifndef ADZE_OPS_BINARY_H_
#define ADZE_OPS_BINARY_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "base/function_ref.h"
#include "ops/op_util.h"

namespace adze {
namespace binary {

// Arithmetic in uint64_t is defined for every input and its low bits are those of the narrow
// result.
template <typename T>
constexpr uint64_t Wide(T v) {
  return static_cast<uint64_t>(v);
}

struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(Wide(a) + Wide(b));
    return a + b;
  }
};
struct Sub {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(Wide(a) - Wide(b));
    return a - b;
  }
};
struct Mul {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(Wide(a) * Wide(b));
    return a * b;
  }
};
// Integers truncate; the caller refuses zero divisors.
struct Div {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(0 - Wide(a));
      return static_cast<T>(a / b);
    } else {
      return a / b;
    }
  }
};
// NaN wins.
struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a)) return a;
      if (std::isnan(b)) return b;
    }
    return a < b ? b : a;
  }
};
struct Min {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a)) return a;
      if (std::isnan(b)) return b;
    }
    return b < a ? b : a;
  }
};

}  // namespace binary

// How to walk through an output and two inputs that broadcast to it: strides in elements, 0 where
// an input repeats; neighbouring dimensions are merged.
struct BroadcastPlan {
  int rank = 0;
  int64_t dims[kMaxRank];
  int64_t a_stride[kMaxRank];
  int64_t b_stride[kMaxRank];
};
// Refuses inputs that do not broadcast to `y`.
Result<BroadcastPlan> PlanBroadcast(std::span<const int64_t> y, std::span<const int64_t> a,
                                    std::span<const int64_t> b);

template <typename In, typename Out, typename Fn>
void BroadcastLoop(const BroadcastPlan& plan, const In* a, const In* b, Out* y, Fn fn) {
  const int last = plan.rank - 1;
  const int64_t n = plan.dims[last];
  const int64_t sa = plan.a_stride[last];
  const int64_t sb = plan.b_stride[last];
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= plan.dims[d];
  if (n == 0) return;
  int64_t index[kMaxRank] = {};
  for (int64_t row = 0; row < rows; ++row, y += n) {
    if (sa == 1 && sb == 1) {
      for (int64_t i = 0; i < n; ++i) y[i] = fn(a[i], b[i]);
    } else if (sa == 1) {
      for (int64_t i = 0; i < n; ++i) y[i] = fn(a[i], b[i * sb]);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] = fn(a[i * sa], b[i * sb]);
    }
    for (int d = last - 1; d >= 0; --d) {
      a += plan.a_stride[d];
      b += plan.b_stride[d];
      if (++index[d] < plan.dims[d]) break;
      a -= plan.a_stride[d] * plan.dims[d];
      b -= plan.b_stride[d] * plan.dims[d];
      index[d] = 0;
    }
  }
}

// y = fn(a, b) with broadcasting; fn takes two values of one type. Out is void for "the inputs'
// type", else the C++ type of the output (bool is stored as uint8_t). 16-bit floats are computed in
// float32; bool inputs are refused.
template <typename Out, typename Fn>
Status MapBinary(const ConstTensorView& a, const ConstTensorView& b, const TensorView& y, Fn fn) {
  ADZE_ASSIGN(const BroadcastPlan plan, PlanBroadcast(y.dims, a.dims, b.dims));
  if (a.dtype != b.dtype || a.dtype == DType::kBool) return UnsupportedDType(a.dtype);
  const auto half = [&](auto decode, auto encode) {
    const auto* const pa = static_cast<const uint16_t*>(a.data);
    const auto* const pb = static_cast<const uint16_t*>(b.data);
    if constexpr (std::is_void_v<Out>) {
      BroadcastLoop(plan, pa, pb, static_cast<uint16_t*>(y.data), [&](uint16_t p, uint16_t q) {
        return encode(static_cast<float>(fn(decode(p), decode(q))));
      });
    } else {
      BroadcastLoop(plan, pa, pb, static_cast<Out*>(y.data), [&](uint16_t p, uint16_t q) {
        return static_cast<Out>(fn(decode(p), decode(q)));
      });
    }
    return OkStatus();
  };
  if (a.dtype == DType::kFloat16) return half(DecodeFloat16, EncodeFloat16);
  if (a.dtype == DType::kBFloat16) return half(DecodeBFloat16, EncodeBFloat16);
  DispatchDType(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    using R = std::conditional_t<std::is_void_v<Out>, T, Out>;
    if constexpr (!std::is_same_v<T, bool>) {
      BroadcastLoop(plan, a.as<T>(), b.as<T>(), static_cast<R*>(y.data),
                    [&](T p, T q) { return static_cast<R>(fn(p, q)); });
    }
  });
  return OkStatus();
}
template <typename Fn>
Status MapBinary(const EvalContext& ctx, Fn fn) {
  return MapBinary<void>(ctx.in(0), ctx.in(1), ctx.out(0), fn);
}

// Shape rule of a binary operator on numbers (not bool): broadcast shape, output type `dtype` or
// the inputs'; known contents are combined by `elements`, which may answer "unknown".
Status InferBinary(InferContext& ctx,
                   FunctionRef<std::optional<Dim>(const Dim&, const Dim&)> elements,
                   DType dtype = DType::kUndefined);
// Records the known contents of output 0 (shape already set) as a combination of those of inputs 0
// and 1.
void CombineElements(InferContext& ctx,
                     FunctionRef<std::optional<Dim>(const Dim&, const Dim&)> elements);

}  // namespace adze

#endif  // ADZE_OPS_BINARY_H_
