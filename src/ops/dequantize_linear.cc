// DequantizeLinear: y = (x - zero_point) * scale, per tensor, per axis or blocked; y has the type
// of the scale.
#include "ops/quantize_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {kAxisAttr, kBlockSizeAttr};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x",
                        {DType::kInt8, DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                         DType::kInt4, DType::kUInt4, DType::kInt2, DType::kUInt2}));
  ADZE_TRY(CheckQuantizeInputs(ctx));
  ADZE_TRY(RequireSameDType(ctx, 2, "x_zero_point", 0));
  ctx.SetOutput(0, ctx.input(1)->dtype, ctx.input(0)->shape);
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const QuantParamView q = {ctx.in(1), ctx.in(2)};
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const QuantLayout layout, ReadQuantLayout(ctx.attrs, x, q.scale, q.zero_point));
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = layout.At(i);
    // In 64 bits: with int32 codes the difference may need 33.
    const int64_t d = IntegerAt(x, i) - q.ZeroPointAt(c);
    SetFloatAt(y, i, static_cast<float>(d) * q.ScaleAt(c));
  }
  return OkStatus();
}

// The gradient of the codes is a float tensor; QuantizeLinear's rule takes it.
Status Vjp(VjpContext& c) {
  const VjpValue g = c.gradient(0);
  ADZE_ASSIGN(const int axis, ParameterAxis(c));
  const auto spread = [&](VjpValue v) {
    return axis < 0 ? v : vjp::AlongAxis(c, v, axis, vjp::RankOf(c, g));
  };
  if (c.wanted(0)) {
    c.SetGradient(0, vjp::ReshapeLike(c, vjp::Mul(c, g, spread(c.input(1))), c.input(0)));
  }
  if (c.wanted(1)) {
    VjpValue code = vjp::Onnx(c, "CastLike", {c.input(0), g});
    if (c.input(2).present()) {
      code = vjp::Sub(c, code, spread(vjp::Onnx(c, "CastLike", {c.input(2), g})));
    }
    c.SetGradient(1, vjp::SumToAxis(c, vjp::Mul(c, g, code), axis, c.input(1)));
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kDequantizeLinearOp = {
    .name = "DequantizeLinear",
    .summary = "(x - zero_point) * scale",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
};

}  // namespace adze
