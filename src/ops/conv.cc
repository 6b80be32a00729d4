// Conv: y[n,m,o] = sum over c,k of x[n, c, o*stride - pad + k*dilation] * w[m,c,k] + b[m], in
// groups of channels.
#include "ops/conv_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_TRY(RequireInput(ctx, 1, "W"));
  ADZE_TRY(RequireSameDType(ctx, 1, "W", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "B", 0));
  ADZE_ASSIGN(std::optional<Shape> y, InferConvShape(ctx, 0, 1));
  ADZE_TRY(RequirePerOutputChannel(ctx, 2, "B", 1));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& w = ctx.in(1);
  const ConstTensorView& b = ctx.in(2);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const ConvDims d, ReadConvDims(ctx.attrs, x.dims, w.dims, y.dims));
  ADZE_TRY(CheckSize(b, d.y.channels, "B"));
  if (y.size() == 0) return OkStatus();
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    ForEachConvOutput<Real>(
        d, [&](int64_t i, int64_t k, int64_t) { return Io::Load(x.data, i) * Io::Load(w.data, k); },
        [&](int64_t o, int64_t m, Real acc) {
          Io::Store(y.data, o, b.present() ? acc + Io::Load(b.data, m) : acc);
        });
  });
}

// As matrix products over the windows of x (adze.Unfold), group by group: with W [out, k] and
// columns U [k, pixels], dW = dY * U^T, and dx is W^T * dY with its windows summed up (adze.Fold).
Status Vjp(VjpContext& c) {
  const VjpValue x = c.input(0);
  const VjpValue w = c.input(1);
  const VjpValue g = c.gradient(0);
  const auto dims = ToConstDims(vjp::ShapeOf(c, w));
  if (!dims) return Unsupported("the weight's dims must be constant");
  const int64_t groups = c.attrs.Int("group", 1);
  const int64_t rows = (*dims)[0] / groups;
  const int64_t k = NumElements(std::span(*dims).subspan(1));
  const AttrMap window = ConvWindowAttrs(c.attrs, *dims);
  const VjpValue dy = vjp::Reshape(c, g, {0, groups, rows, -1});
  if (c.wanted(0)) {
    const VjpValue w_t = vjp::SwapLastTwo(c, vjp::Reshape(c, w, {groups, rows, k}));
    const VjpValue columns = vjp::Reshape(c, vjp::MatMul(c, w_t, dy), {0, groups * k, -1});
    c.SetGradient(0, vjp::Adze(c, "Fold", {columns, vjp::ShapeValue(c, x)}, window));
  }
  if (c.wanted(1)) c.SetGradient(1, ConvWeightGradient(c, x, g, *dims, window));
  if (c.wanted(2)) c.SetGradient(2, vjp::SumToAxis(c, g, 1, c.input(2)));
  return OkStatus();
}

int64_t Macs(const AttrMap&, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  return ConvMacs(inputs[1].dims, outputs[0].dims);
}

}  // namespace

extern constexpr OpDef kConvOp = {
    .name = "Conv",
    .summary = "convolution over 1 to 3 spatial dimensions",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kConvAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kCompute, .weight_input = 1, .bias_input = 2},
    .macs = Macs,
};

}  // namespace adze
