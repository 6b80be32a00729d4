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

Status Vjp(VjpContext& c) {
  if (c.wanted(0)) {
    ADZE_ASSIGN(const VjpValue dx, ConvDataGradient(c, c.input(0), c.input(1), c.gradient(0)));
    c.SetGradient(0, dx);
  }
  if (c.wanted(1)) {
    ADZE_ASSIGN(const VjpValue dw, ConvWeightGradient(c, c.input(0), c.gradient(0), c.input(1)));
    c.SetGradient(1, dw);
  }
  if (c.wanted(2)) c.SetGradient(2, vjp::SumToAxis(c, c.gradient(0), 1, c.input(2)));
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
