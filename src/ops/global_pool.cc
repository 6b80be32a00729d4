// GlobalAveragePool and GlobalMaxPool: one value for each channel, over all spatial dimensions (any
// number of them).
#include <limits>

#include "ops/pool_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_ASSIGN(std::optional<Shape> y, InferGlobalPoolShape(ctx));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

// combine(accumulator, value) over each plane from `start`, then finish(accumulator, plane size).
template <typename StartFn, typename CombineFn, typename FinishFn>
Status Reduce(const EvalContext& ctx, StartFn start, CombineFn combine, FinishFn finish) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const GlobalPoolDims d, ReadGlobalPoolDims(x.dims, y.dims));
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t p = 0; p < d.planes; ++p) {
      Real acc = start(Real{});
      for (int64_t i = 0; i < d.plane_size; ++i) {
        acc = combine(acc, Io::Load(x.data, p * d.plane_size + i));
      }
      Io::Store(y.data, p, finish(acc, d.plane_size));
    }
  });
}

Status EvalAverage(const EvalContext& ctx) {
  return Reduce(
      ctx, [](auto zero) { return zero; }, [](auto acc, auto v) { return acc + v; },
      [](auto acc, int64_t n) {
        return acc / static_cast<decltype(acc)>(std::max<int64_t>(n, 1));
      });
}

Status EvalMax(const EvalContext& ctx) {
  return Reduce(
      ctx, [](auto zero) { return -std::numeric_limits<decltype(zero)>::infinity(); },
      [](auto acc, auto v) { return v > acc || v != v ? v : acc; },
      [](auto acc, int64_t) { return acc; });
}

Status VjpAverage(VjpContext& c) {
  const VjpValue x = c.input(0);
  c.SetGradient(0, vjp::ExpandLike(c, vjp::PerElement(c, c.gradient(0), x), x));
  return OkStatus();
}

// A window as large as the image.
Status VjpMax(VjpContext& c) {
  const Shape x = vjp::ShapeOf(c, c.input(0));
  const auto size = ToConstDims(Shape(x.begin() + 2, x.end()));
  if (!size) return Unsupported("the image size must be constant");
  c.SetGradient(
      0, vjp::Adze(c, "MaxPoolGradient", {c.gradient(0), c.input(0)}, {{"kernel_shape", *size}}));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kGlobalAveragePoolOp = {
    .name = "GlobalAveragePool",
    .summary = "mean over all spatial dimensions",
    .infer = Infer,
    .eval = EvalAverage,
    .vjp = VjpAverage,
    .quant = {.kind = QuantKind::kAverage},
};

extern constexpr OpDef kGlobalMaxPoolOp = {
    .name = "GlobalMaxPool",
    .summary = "largest value over all spatial dimensions",
    .infer = Infer,
    .eval = EvalMax,
    .vjp = VjpMax,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
