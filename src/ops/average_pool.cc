// AveragePool: the mean of each window, over its elements inside the input or, with
// count_include_pad, over the padded input.
#include "ops/pool_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"auto_pad", AttrKind::kString},
    {"ceil_mode", AttrKind::kInt},
    {"count_include_pad", AttrKind::kInt},
    {"dilations", AttrKind::kInts},
    {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_ASSIGN(std::optional<Shape> y, InferPoolShape(ctx));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const PoolDims d, ReadPoolDims(ctx.attrs, x.dims, y.dims));
  if (y.size() == 0) return OkStatus();
  const bool include_pad = ctx.attrs.Int("count_include_pad") != 0;
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    ForEachPoolWindow(d, [&](int64_t o, int64_t x_base, const TapRange* taps) {
      Real sum = 0;
      ForEachTap(d.window, d.x.size, taps,
                 [&](int64_t i, int64_t) { sum += Io::Load(x.data, x_base + i); });
      const int64_t count = AverageCount(d, taps, include_pad);
      Io::Store(y.data, o, count == 0 ? Real{0} : sum / static_cast<Real>(count));
    });
  });
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, vjp::Adze(c, "AveragePoolGradient",
                             {c.gradient(0), vjp::ShapeValue(c, c.input(0))}, c.attrs));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kAveragePoolOp = {
    .name = "AveragePool",
    .summary = "mean of each window",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kAverage},
};

}  // namespace adze
