// Erf and Gelu: the Gauss error function and the activation built on it.
#include <cmath>
#include <numbers>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kGeluAttrs[] = {{"approximate", AttrKind::kString}};

Status InferErf(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "input"));
  return InferSameAsInput(ctx);
}

Status InferGelu(InferContext& ctx) {
  const std::string_view mode = ctx.attrs.String("approximate", "none");
  if (mode != "none" && mode != "tanh") {
    return InvalidInput("approximate = '" + std::string(mode) + "', must be 'none' or 'tanh'");
  }
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  return InferSameAsInput(ctx);
}

Status EvalErf(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return std::erf(x); });
}

Status EvalGelu(const EvalContext& ctx) {
  if (ctx.attrs.String("approximate", "none") == "tanh") {
    return MapUnaryFloat(ctx, [](auto x) {
      using T = decltype(x);
      // sqrt(2 / pi)
      const T c = std::numbers::inv_sqrtpi_v<T> * std::numbers::sqrt2_v<T>;
      return T{0.5} * x * (T{1} + std::tanh(c * (x + T(0.044715) * x * x * x)));
    });
  }
  return MapUnaryFloat(ctx, [](auto x) {
    using T = decltype(x);
    return T{0.5} * x * (T{1} + std::erf(x / std::numbers::sqrt2_v<T>));
  });
}

// exp(-x^2) * 2 / sqrt(pi).
VjpValue ErfSlope(VjpContext& c, VjpValue x) {
  const VjpValue bell = vjp::Onnx(c, "Exp", {vjp::Neg(c, vjp::Mul(c, x, x))});
  return vjp::Times(c, bell, 2 * std::numbers::inv_sqrtpi);
}

Status VjpErf(VjpContext& c) {
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), ErfSlope(c, c.input(0))));
  return OkStatus();
}

// y = x * p(x): p + x * p', with p = (1 + t(u)) / 2.
Status VjpGelu(VjpContext& c) {
  const VjpValue x = c.input(0);
  const auto scalar = [&](double v) { return vjp::FloatScalar(c, x, v); };
  VjpValue t;
  VjpValue slope;  // of t
  if (c.attrs.String("approximate", "none") == "tanh") {
    constexpr double kFactor = std::numbers::inv_sqrtpi * std::numbers::sqrt2;
    const VjpValue square = vjp::Mul(c, x, x);
    const VjpValue cubic = vjp::Add(c, vjp::Times(c, square, kFactor * 0.044715), scalar(kFactor));
    t = vjp::Onnx(c, "Tanh", {vjp::Mul(c, x, cubic)});
    const VjpValue inner =
        vjp::Add(c, vjp::Times(c, square, kFactor * 3 * 0.044715), scalar(kFactor));
    slope = vjp::Mul(c, vjp::Sub(c, scalar(1), vjp::Mul(c, t, t)), inner);
  } else {
    const VjpValue u = vjp::Times(c, x, 1 / std::numbers::sqrt2);
    t = vjp::Onnx(c, "Erf", {u});
    slope = vjp::Times(c, ErfSlope(c, u), 1 / std::numbers::sqrt2);
  }
  const VjpValue twice = vjp::Add(c, vjp::Add(c, t, scalar(1)), vjp::Mul(c, x, slope));
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), vjp::Times(c, twice, 0.5)));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kErfOp = {
    .name = "Erf",
    .summary = "Gauss error function",
    .infer = InferErf,
    .eval = EvalErf,
    .vjp = VjpErf,
    .quant = {.kind = QuantKind::kTable,
              .fixed_range = true,
              .fixed_min = -1.0f,
              .fixed_max = 1.0f},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kGeluOp = {
    .name = "Gelu",
    .summary = "x * (1 + erf(x / sqrt(2))) / 2, or its tanh approximation",
    .attrs = kGeluAttrs,
    .infer = InferGelu,
    .eval = EvalGelu,
    .vjp = VjpGelu,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
