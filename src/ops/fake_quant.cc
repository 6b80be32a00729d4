// adze.FakeQuant: y = (saturate(rne(x / scale) + zero_point, qmin, qmax) - zero_point) * scale,
// what quantizing a tensor does to its real values. scale = 0 means "not quantized": the identity.
// A NaN becomes the code nearest to zero's.
#include "numerics/rounding.h"
#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"qmax", AttrKind::kInt, true},
    {"qmin", AttrKind::kInt, true},
    {"scale", AttrKind::kFloat, true},
    {"zero_point", AttrKind::kInt, true},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "x"));
  const float scale = ctx.attrs.Float("scale");
  const int64_t lo = ctx.attrs.Int("qmin");
  const int64_t hi = ctx.attrs.Int("qmax");
  const int64_t zero_point = ctx.attrs.Int("zero_point");
  constexpr int64_t kLimit = 1 << 16;
  if (!(scale >= 0.0f) || std::isinf(scale)) {
    return InvalidInput("scale = " + std::to_string(scale) + ", must be finite and >= 0");
  }
  if (lo > hi || lo < -kLimit || hi > kLimit || zero_point < lo || zero_point > hi) {
    return InvalidInput(
        "qmin = " + std::to_string(lo) + ", zero_point = " + std::to_string(zero_point) +
        ", qmax = " + std::to_string(hi) + " must be in this order and within +-2^16");
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const float scale = ctx.attrs.Float("scale");
  const int32_t zero_point = static_cast<int32_t>(ctx.attrs.Int("zero_point"));
  const int32_t lo = static_cast<int32_t>(ctx.attrs.Int("qmin"));
  const int32_t hi = static_cast<int32_t>(ctx.attrs.Int("qmax"));
  return MapUnaryFloat(ctx, [=](auto x) -> decltype(x) {
    if (scale == 0.0f) return x;
    const int32_t q = QuantizeOne(static_cast<float>(x), scale, zero_point, lo, hi);
    return DequantizeOne(q, scale, zero_point);
  });
}

// Straight through: rounding counts as the identity, saturation cuts off.
Status Vjp(VjpContext& c) {
  VjpValue g = c.gradient(0);
  const double scale = c.attrs.Float("scale");
  if (scale != 0) {
    const double zero_point = static_cast<double>(c.attrs.Int("zero_point"));
    const VjpValue steps = vjp::Div(c, c.input(0), vjp::FloatScalar(c, c.input(0), scale));
    g = vjp::Gate(c, g, vjp::Onnx(c, "Round", {steps}),
                  static_cast<double>(c.attrs.Int("qmin")) - zero_point,
                  static_cast<double>(c.attrs.Int("qmax")) - zero_point, /*closed=*/true);
  }
  c.SetGradient(0, g);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kFakeQuantOp = {
    .domain = kAdzeDomain,
    .name = "FakeQuant",
    .summary = "dequantize(quantize(x)) with fixed parameters; scale 0 is the identity",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
