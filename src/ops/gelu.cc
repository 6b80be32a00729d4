// Erf and Gelu: the Gauss error function and the activation built on it.
#include <cmath>
#include <numbers>

#include "ops/nn_util.h"

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

}  // namespace

extern constexpr OpDef kErfOp = {
    .name = "Erf",
    .summary = "Gauss error function",
    .infer = InferErf,
    .eval = EvalErf,
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
    .quant = {.kind = QuantKind::kTable},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
