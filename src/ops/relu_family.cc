// Relatives of Relu that are linear for positive x: LeakyRelu, Elu, Selu, Celu, ThresholdedRelu.
#include <cmath>
#include <limits>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAlphaAttrs[] = {{"alpha", AttrKind::kFloat}};
constexpr AttrDef kSeluAttrs[] = {{"alpha", AttrKind::kFloat}, {"gamma", AttrKind::kFloat}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  return InferSameAsInput(ctx);
}

Status InferCelu(InferContext& ctx) {
  if (ctx.attrs.Float("alpha", 1.0f) == 0.0f) return InvalidInput("alpha = 0, must not be 0");
  return Infer(ctx);
}

Status EvalLeakyRelu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 0.01f);
  return MapUnaryFloat(ctx,
                       [=](auto x) { return x < 0 ? static_cast<decltype(x)>(alpha) * x : x; });
}

Status EvalElu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 1.0f);
  return MapUnaryFloat(
      ctx, [=](auto x) { return x < 0 ? static_cast<decltype(x)>(alpha) * std::expm1(x) : x; });
}

Status EvalSelu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 1.67326319217681884765625f);
  const float gamma = ctx.attrs.Float("gamma", 1.05070102214813232421875f);
  return MapUnaryFloat(ctx, [=](auto x) {
    using T = decltype(x);
    return static_cast<T>(gamma) * (x > 0 ? x : static_cast<T>(alpha) * std::expm1(x));
  });
}

Status EvalCelu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 1.0f);
  return MapUnaryFloat(ctx, [=](auto x) {
    using T = decltype(x);
    const T a = static_cast<T>(alpha);
    return std::max(x, T{0}) + std::min(T{0}, a * std::expm1(x / a));
  });
}

Status EvalThresholdedRelu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 1.0f);
  return MapUnaryFloat(
      ctx, [=](auto x) { return x > static_cast<decltype(x)>(alpha) ? x : decltype(x){0}; });
}

constexpr double kInf = std::numeric_limits<double>::infinity();

// What passes where x >= 0.
VjpValue Positive(VjpContext& c) {
  return vjp::Gate(c, c.gradient(0), c.input(0), 0, kInf, /*closed=*/true);
}

Status VjpLeakyRelu(VjpContext& c) {
  const double alpha = c.attrs.Float("alpha", 0.01f);
  c.SetGradient(
      0, vjp::Add(c, vjp::Times(c, c.gradient(0), alpha), vjp::Times(c, Positive(c), 1 - alpha)));
  return OkStatus();
}

// y + alpha = alpha * exp(x) where x < 0.
Status VjpElu(VjpContext& c) {
  const VjpValue alpha = vjp::FloatScalar(c, c.input(0), c.attrs.Float("alpha", 1.0f));
  const VjpValue slope = vjp::Add(c, c.output(0), alpha);
  const VjpValue negative =
      vjp::Gate(c, vjp::Mul(c, c.gradient(0), slope), c.input(0), -kInf, 0, /*closed=*/false);
  c.SetGradient(0, vjp::Add(c, Positive(c), negative));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kCeluOp = {
    .name = "Celu",
    .summary = "max(0, x) + min(0, alpha * (exp(x / alpha) - 1))",
    .attrs = kAlphaAttrs,
    .infer = InferCelu,
    .eval = EvalCelu,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kEluOp = {
    .name = "Elu",
    .summary = "x, or alpha * (exp(x) - 1) where x is negative",
    .attrs = kAlphaAttrs,
    .infer = Infer,
    .eval = EvalElu,
    .vjp = VjpElu,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kLeakyReluOp = {
    .name = "LeakyRelu",
    .summary = "x, or alpha * x where x is negative",
    .attrs = kAlphaAttrs,
    .infer = Infer,
    .eval = EvalLeakyRelu,
    .vjp = VjpLeakyRelu,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kSeluOp = {
    .name = "Selu",
    .summary = "gamma * Elu(x) with the self-normalizing constants",
    .attrs = kSeluAttrs,
    .infer = Infer,
    .eval = EvalSelu,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kThresholdedReluOp = {
    .name = "ThresholdedRelu",
    .summary = "x where x > alpha, else 0",
    .attrs = kAlphaAttrs,
    .infer = Infer,
    .eval = EvalThresholdedRelu,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
