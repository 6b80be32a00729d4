// com.microsoft.QLinearAdd and QLinearMul on broadcast 8-bit tensors with parameters of their own:
//   add: y = saturate(rne((a - az) * (as / ys) + (b - bz) * (bs / ys)) + yz)
//   mul: y = saturate(rne((a - az) * (b - bz) * (as * bs / ys)) + yz)
// Each product and the sum is rounded to float once; a zero point is added after rounding
// (docs/design/numerics.md). ONNX Runtime's vector code folds the zero points into the float sum
// instead and may differ by one step at ties.
#include "ops/quantize_util.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "A"));
  ADZE_TRY(RequireQuantized(ctx, 3, 4, 5, "B"));
  ADZE_TRY(RequireSameDType(ctx, 3, "B", 0));
  ADZE_ASSIGN(const DType dtype, RequireOutputParams(ctx, 6, 7, ctx.input(0)->dtype));
  std::optional<Shape> y;
  if (ctx.shape(0) != nullptr && ctx.shape(3) != nullptr) {
    ADZE_ASSIGN(y, BroadcastShapes(*ctx.shape(0), *ctx.shape(3)));
  }
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

// combine(a - az, b - bz) gives the result in steps of y.
template <typename Combine>
Status Apply(const EvalContext& ctx, Combine&& combine) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(3);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckBroadcast(a.dims, y.dims));
  ADZE_TRY(CheckBroadcast(b.dims, y.dims));
  const int32_t a_zero_point = QuantParamView{{}, ctx.in(2)}.ZeroPointAt(0);
  const int32_t b_zero_point = QuantParamView{{}, ctx.in(5)}.ZeroPointAt(0);
  const int32_t y_zero_point = QuantParamView{{}, ctx.in(7)}.ZeroPointAt(0);
  const CodeRange codes = CodesOf(y.dtype);
  ForEachBroadcast(y.dims, a.dims, b.dims, [&](int64_t o, int64_t i, int64_t j) {
    const float v = combine(Int8At(a, i) - a_zero_point, Int8At(b, j) - b_zero_point);
    SetInt8At(y, o,
              RoundSaturate(v, codes.lo - y_zero_point, codes.hi - y_zero_point) + y_zero_point);
  });
  return OkStatus();
}

Status CheckParams(const EvalContext& ctx) {
  ADZE_TRY(CheckQuantParams({ctx.in(1), ctx.in(2)}, "A"));
  ADZE_TRY(CheckQuantParams({ctx.in(4), ctx.in(5)}, "B"));
  return CheckQuantParams({ctx.in(6), ctx.in(7)}, "C");
}

Status EvalAdd(const EvalContext& ctx) {
  ADZE_TRY(CheckParams(ctx));
  const float a_ratio = FloatAt(ctx.in(1), 0) / FloatAt(ctx.in(6), 0);
  const float b_ratio = FloatAt(ctx.in(4), 0) / FloatAt(ctx.in(6), 0);
  return Apply(ctx, [=](int32_t a, int32_t b) {
    return static_cast<float>(a) * a_ratio + static_cast<float>(b) * b_ratio;
  });
}

Status EvalMul(const EvalContext& ctx) {
  ADZE_TRY(CheckParams(ctx));
  const float ratio = FloatAt(ctx.in(1), 0) * FloatAt(ctx.in(4), 0) / FloatAt(ctx.in(6), 0);
  return Apply(ctx, [=](int32_t a, int32_t b) { return static_cast<float>(a * b) * ratio; });
}

}  // namespace

extern constexpr OpDef kQLinearAddOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearAdd",
    .summary = "sum of two quantized tensors, quantized",
    .min_inputs = 7,
    .max_inputs = 8,
    .infer = Infer,
    .eval = EvalAdd,
};

extern constexpr OpDef kQLinearMulOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearMul",
    .summary = "product of two quantized tensors, quantized",
    .min_inputs = 7,
    .max_inputs = 8,
    .infer = Infer,
    .eval = EvalMul,
};

}  // namespace adze
