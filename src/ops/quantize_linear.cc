// QuantizeLinear: y = saturate(rne(x / scale) + zero_point), per tensor, per axis or blocked.
#include "ops/quantize_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    kAxisAttr, kBlockSizeAttr, {"output_dtype", AttrKind::kInt}, {"saturate", AttrKind::kInt}};

// ONNX's TensorProto.DataType codes; 0 means "not given".
Result<DType> ReadOutputType(int64_t code) {
  switch (code) {
    case 0:
      return DType::kUndefined;
    case 2:
      return DType::kUInt8;
    case 3:
      return DType::kInt8;
    case 4:
      return DType::kUInt16;
    case 5:
      return DType::kInt16;
    case 21:
      return DType::kUInt4;
    case 22:
      return DType::kInt4;
    case 25:
      return DType::kUInt2;
    case 26:
      return DType::kInt2;
    default:
      return Unsupported("output_dtype = " + std::to_string(code) +
                         ", supported: signed and unsigned integers of 2, 4, 8 and 16 bits");
  }
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x", {DType::kFloat32, DType::kFloat16, DType::kBFloat16}));
  ADZE_TRY(CheckQuantizeInputs(ctx));
  ADZE_ASSIGN(const DType wanted, ReadOutputType(ctx.attrs.Int("output_dtype", 0)));
  DType dtype = wanted == DType::kUndefined ? DType::kUInt8 : wanted;
  if (ctx.input(2) != nullptr) {
    ADZE_TRY(RequireDType(ctx, 2, "y_zero_point",
                          {DType::kInt8, DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt4,
                           DType::kUInt4, DType::kInt2, DType::kUInt2}));
    dtype = ctx.input(2)->dtype;
    if (wanted != DType::kUndefined && wanted != dtype) {
      return InvalidInput(std::string("output_dtype is ") + DTypeName(wanted) +
                          ", the zero point is " + DTypeName(dtype));
    }
  }
  ctx.SetOutput(0, dtype, ctx.input(0)->shape);
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const QuantParamView q = {ctx.in(1), ctx.in(2)};
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const QuantLayout layout, ReadQuantLayout(ctx.attrs, x, q.scale, q.zero_point));
  const CodeRange codes = CodesOf(y.dtype);
  const bool is_byte = SizeOf(y.dtype) == 1;
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = layout.At(i);
    const int32_t v =
        QuantizeOne(FloatAt(x, i), q.ScaleAt(c), q.ZeroPointAt(c), codes.lo, codes.hi);
    if (is_byte) {
      SetInt8At(y, i, v);
    } else {
      static_cast<uint16_t*>(y.data)[i] = static_cast<uint16_t>(v);
    }
  }
  return OkStatus();
}

// Straight through, with the gradient of a code as a float: rounding counts as the identity,
// saturation cuts off. With DequantizeLinear's rule behind it, that is LSQ's gradient of the step.
Status Vjp(VjpContext& c) {
  const VjpValue x = c.input(0);
  ADZE_ASSIGN(const int axis, ParameterAxis(c));
  const auto spread = [&](VjpValue v) {
    return axis < 0 ? v : vjp::AlongAxis(c, v, axis, vjp::RankOf(c, x));
  };
  const VjpValue scale = spread(c.input(1));
  const VjpValue steps = vjp::Div(c, x, scale);
  VjpValue code = vjp::Onnx(c, "Round", {steps});
  if (c.input(2).present()) {
    code = vjp::Add(c, code, spread(vjp::Onnx(c, "CastLike", {c.input(2), x})));
  }
  const CodeRange range = CodesOf(c.Info(c.output(0)).dtype);
  const VjpValue inside = vjp::Gate(c, c.gradient(0), code, range.lo, range.hi, /*closed=*/true);
  if (c.wanted(0)) c.SetGradient(0, vjp::ReshapeLike(c, vjp::Div(c, inside, scale), x));
  if (c.wanted(1)) {
    const VjpValue sum = vjp::SumToAxis(c, vjp::Mul(c, inside, steps), axis, c.input(1));
    c.SetGradient(1, vjp::Neg(c, vjp::Div(c, sum, c.input(1))));
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kQuantizeLinearOp = {
    .name = "QuantizeLinear",
    .summary = "saturate(round(x / scale) + zero_point), ties to even",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
};

}  // namespace adze
