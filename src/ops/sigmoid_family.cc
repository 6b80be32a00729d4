// Smooth and piecewise-linear gates: Sigmoid, Tanh, HardSigmoid, HardSwish, Softplus, Softsign,
// Mish.
#include <cmath>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  return InferSameAsInput(ctx);
}

// max(0, min(1, alpha * x + beta)); a NaN stays.
template <typename T>
T HardGate(T x, float alpha, float beta) {
  return std::min(std::max(static_cast<T>(alpha) * x + static_cast<T>(beta), T{0}), T{1});
}

// log(1 + exp(x)) without overflow for large x.
template <typename T>
T SoftplusOf(T x) {
  return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x)));
}

Status EvalSigmoid(const EvalContext& ctx) {
  return MapUnaryFloat(ctx,
                       [](auto x) { return decltype(x){1} / (decltype(x){1} + std::exp(-x)); });
}

Status EvalTanh(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return std::tanh(x); });
}

constexpr AttrDef kHardSigmoidAttrs[] = {{"alpha", AttrKind::kFloat}, {"beta", AttrKind::kFloat}};
Status EvalHardSigmoid(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 0.2f);
  const float beta = ctx.attrs.Float("beta", 0.5f);
  return MapUnaryFloat(ctx, [=](auto x) { return HardGate(x, alpha, beta); });
}

Status EvalHardSwish(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return x * HardGate(x, 1.0f / 6.0f, 0.5f); });
}

Status EvalSoftplus(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return SoftplusOf(x); });
}

Status EvalSoftsign(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return x / (decltype(x){1} + std::abs(x)); });
}

Status EvalMish(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return x * std::tanh(SoftplusOf(x)); });
}

Status VjpSigmoid(VjpContext& c) {
  const VjpValue y = c.output(0);
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), vjp::Sub(c, y, vjp::Mul(c, y, y))));
  return OkStatus();
}

Status VjpTanh(VjpContext& c) {
  const VjpValue y = c.output(0);
  const VjpValue g = c.gradient(0);
  c.SetGradient(0, vjp::Sub(c, g, vjp::Mul(c, g, vjp::Mul(c, y, y))));
  return OkStatus();
}

Status VjpHardSigmoid(VjpContext& c) {
  const VjpValue g = vjp::Times(c, c.gradient(0), c.attrs.Float("alpha", 0.2f));
  c.SetGradient(0, vjp::Gate(c, g, c.output(0), 0, 1, /*closed=*/false));
  return OkStatus();
}

// y = x * h(x): h + x / 6 where h is not constant.
Status VjpHardSwish(VjpContext& c) {
  const VjpValue x = c.input(0);
  const VjpValue g = c.gradient(0);
  const VjpValue h = vjp::Onnx(c, "HardSigmoid", {x}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
  const VjpValue ramp = vjp::Gate(c, vjp::Times(c, x, 1.0 / 6.0), x, -3, 3, /*closed=*/false);
  c.SetGradient(0, vjp::Mul(c, g, vjp::Add(c, h, ramp)));
  return OkStatus();
}

Status VjpSoftplus(VjpContext& c) {
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), vjp::Onnx(c, "Sigmoid", {c.input(0)})));
  return OkStatus();
}

constexpr QuantRole Bounded(float min, float max) {
  return {.kind = QuantKind::kTable, .fixed_range = true, .fixed_min = min, .fixed_max = max};
}
constexpr QuantRole BoundedActivation(float min, float max) {
  QuantRole role = Bounded(min, max);
  role.is_activation = true;
  return role;
}

}  // namespace

extern constexpr OpDef kHardSigmoidOp = {
    .name = "HardSigmoid",
    .summary = "max(0, min(1, alpha * x + beta))",
    .attrs = kHardSigmoidAttrs,
    .infer = Infer,
    .eval = EvalHardSigmoid,
    .vjp = VjpHardSigmoid,
    .quant = BoundedActivation(0.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kHardSwishOp = {
    .name = "HardSwish",
    .summary = "x * max(0, min(1, x / 6 + 0.5))",
    .infer = Infer,
    .eval = EvalHardSwish,
    .vjp = VjpHardSwish,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kMishOp = {
    .name = "Mish",
    .summary = "x * tanh(softplus(x))",
    .infer = Infer,
    .eval = EvalMish,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kSigmoidOp = {
    .name = "Sigmoid",
    .summary = "1 / (1 + exp(-x))",
    .infer = Infer,
    .eval = EvalSigmoid,
    .vjp = VjpSigmoid,
    .quant = BoundedActivation(0.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kSoftplusOp = {
    .name = "Softplus",
    .summary = "log(1 + exp(x))",
    .infer = Infer,
    .eval = EvalSoftplus,
    .vjp = VjpSoftplus,
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kSoftsignOp = {
    .name = "Softsign",
    .summary = "x / (1 + |x|)",
    .infer = Infer,
    .eval = EvalSoftsign,
    .quant = Bounded(-1.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kTanhOp = {
    .name = "Tanh",
    .summary = "hyperbolic tangent",
    .infer = Infer,
    .eval = EvalTanh,
    .vjp = VjpTanh,
    .quant = Bounded(-1.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
