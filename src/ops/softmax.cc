// Softmax, LogSoftmax and Hardmax along one axis.
#include <cmath>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "input"));
  if (const Shape* const x = ctx.shape(0)) {
    ADZE_TRY(NormalizeAxis(ctx.attrs.Int("axis", -1), static_cast<int>(x->size())));
  }
  return InferSameAsInput(ctx);
}

// Calls fn(io, first index, n, stride) for each run of n elements along the axis.
template <typename Fn>
Status ForEachRun(const EvalContext& ctx, Fn&& fn) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis", -1), x.rank()));
  if (x.size() == 0) return OkStatus();
  const int64_t n = x.dims[static_cast<size_t>(axis)];
  const int64_t stride = NumElements(x.dims.subspan(static_cast<size_t>(axis) + 1));
  return DispatchFloat(x.dtype, [&](auto io) {
    for (int64_t outer = 0; outer < x.size(); outer += n * stride) {
      for (int64_t inner = 0; inner < stride; ++inner) fn(io, outer + inner, n, stride);
    }
  });
}

// Largest element of a run; NaN if one is NaN.
template <typename Io>
typename Io::Real RunMax(const void* x, int64_t first, int64_t n, int64_t stride) {
  auto best = Io::Load(x, first);
  for (int64_t i = 1; i < n; ++i) {
    const auto v = Io::Load(x, first + i * stride);
    if (v > best || v != v) best = v;
  }
  return best;
}

template <typename Io>
typename Io::Real SumExp(const void* x, int64_t first, int64_t n, int64_t stride,
                         typename Io::Real max) {
  typename Io::Real sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(Io::Load(x, first + i * stride) - max);
  return sum;
}

Status EvalSoftmax(const EvalContext& ctx) {
  const void* const x = ctx.in(0).data;
  return ForEachRun(ctx, [&](auto io, int64_t first, int64_t n, int64_t stride) {
    using Io = decltype(io);
    const auto max = RunMax<Io>(x, first, n, stride);
    const auto sum = SumExp<Io>(x, first, n, stride, max);
    for (int64_t i = first; i < first + n * stride; i += stride) {
      Io::Store(ctx.out(0).data, i, std::exp(Io::Load(x, i) - max) / sum);
    }
  });
}

Status EvalLogSoftmax(const EvalContext& ctx) {
  const void* const x = ctx.in(0).data;
  return ForEachRun(ctx, [&](auto io, int64_t first, int64_t n, int64_t stride) {
    using Io = decltype(io);
    const auto max = RunMax<Io>(x, first, n, stride);
    const auto log_sum = std::log(SumExp<Io>(x, first, n, stride, max));
    for (int64_t i = first; i < first + n * stride; i += stride) {
      Io::Store(ctx.out(0).data, i, Io::Load(x, i) - max - log_sum);
    }
  });
}

// 1 at the first largest element, 0 elsewhere.
Status EvalHardmax(const EvalContext& ctx) {
  const void* const x = ctx.in(0).data;
  return ForEachRun(ctx, [&](auto io, int64_t first, int64_t n, int64_t stride) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    int64_t best = 0;
    for (int64_t i = 1; i < n; ++i) {
      if (Io::Load(x, first + i * stride) > Io::Load(x, first + best * stride)) best = i;
    }
    for (int64_t i = 0; i < n; ++i) {
      Io::Store(ctx.out(0).data, first + i * stride, i == best ? Real{1} : Real{0});
    }
  });
}

// y * (g - sum(g * y)) along the axis.
Status VjpSoftmax(VjpContext& c) {
  const VjpValue y = c.output(0);
  const VjpValue g = c.gradient(0);
  const VjpValue sum = vjp::ReduceSum(c, vjp::Mul(c, g, y), {c.attrs.Int("axis", -1)}, true);
  c.SetGradient(0, vjp::Mul(c, y, vjp::Sub(c, g, sum)));
  return OkStatus();
}

// g - softmax(x) * sum(g) along the axis.
Status VjpLogSoftmax(VjpContext& c) {
  const VjpValue g = c.gradient(0);
  const VjpValue sum = vjp::ReduceSum(c, g, {c.attrs.Int("axis", -1)}, true);
  const VjpValue softmax = vjp::Onnx(c, "Exp", {c.output(0)});
  c.SetGradient(0, vjp::Sub(c, g, vjp::Mul(c, softmax, sum)));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kHardmaxOp = {
    .name = "Hardmax",
    .summary = "1 at the first largest element along an axis, 0 elsewhere",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = EvalHardmax,
};

extern constexpr OpDef kLogSoftmaxOp = {
    .name = "LogSoftmax",
    .summary = "logarithm of Softmax along an axis",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = EvalLogSoftmax,
    .vjp = VjpLogSoftmax,
};

extern constexpr OpDef kSoftmaxOp = {
    .name = "Softmax",
    .summary = "exp(x) / sum of exp(x) along an axis",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = EvalSoftmax,
    .vjp = VjpSoftmax,
    .quant = {.kind = QuantKind::kFixedRange,
              .fixed_range = true,
              .fixed_min = 0.0f,
              .fixed_max = 1.0f},
};

}  // namespace adze
