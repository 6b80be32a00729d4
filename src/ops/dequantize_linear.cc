// DequantizeLinear: y = (x - zero_point) * scale, per tensor, per axis or blocked; y has the type
// of the scale.
#include "ops/quantize_util.h"

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

}  // namespace

extern constexpr OpDef kDequantizeLinearOp = {
    .name = "DequantizeLinear",
    .summary = "(x - zero_point) * scale",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
