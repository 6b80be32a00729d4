// Smooth and piecewise-linear gates: Sigmoid, Tanh, HardSigmoid, HardSwish, Softplus, Softsign,
// Mish.
#include <cmath>

#include "ops/nn_util.h"

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
    .quant = BoundedActivation(0.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kHardSwishOp = {
    .name = "HardSwish",
    .summary = "x * max(0, min(1, x / 6 + 0.5))",
    .infer = Infer,
    .eval = EvalHardSwish,
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
    .quant = BoundedActivation(0.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

extern constexpr OpDef kSoftplusOp = {
    .name = "Softplus",
    .summary = "log(1 + exp(x))",
    .infer = Infer,
    .eval = EvalSoftplus,
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
    .quant = Bounded(-1.0f, 1.0f),
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
