// DynamicQuantizeLinear: uint8 quantization of a whole tensor with a scale chosen from its own
// range.
#include "ops/quantize_util.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x", {DType::kFloat32}));
  ctx.SetOutput(0, DType::kUInt8, ctx.input(0)->shape);
  if (ctx.num_outputs() > 1) ctx.SetOutput(1, DType::kFloat32, Shape());
  if (ctx.num_outputs() > 2) ctx.SetOutput(2, DType::kUInt8, Shape());
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  const int64_t n = x.size();
  float lo = 0.0f;  // zero is always inside the range
  float hi = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    lo = std::min(lo, x.as<float>()[i]);
    hi = std::max(hi, x.as<float>()[i]);
  }
  // A tensor of zeros gets scale 1, as in ONNX Runtime; ONNX itself leaves it open.
  const float scale = lo == hi ? 1.0f : (hi - lo) / 255.0f;
  const int32_t zero_point = RoundSaturate(-lo / scale, 0, 255);
  for (int64_t i = 0; i < n; ++i) {
    SetInt8At(y, i, QuantizeOne(x.as<float>()[i], scale, zero_point, 0, 255));
  }
  if (ctx.outputs.size() > 1 && ctx.out(1).present()) *ctx.out(1).as<float>() = scale;
  if (ctx.outputs.size() > 2 && ctx.out(2).present()) SetInt8At(ctx.out(2), 0, zero_point);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kDynamicQuantizeLinearOp = {
    .name = "DynamicQuantizeLinear",
    .summary = "uint8 codes, scale and zero point of a tensor, from its own range",
    .min_outputs = 3,
    .max_outputs = 3,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
