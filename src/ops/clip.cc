// Clip: min(max(x, min), max), either bound optional; where min > max, everything becomes max.
#include <algorithm>
#include <limits>
#include <optional>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "input",
                        {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64,
                         DType::kInt8, DType::kUInt8, DType::kInt16, DType::kUInt16, DType::kInt32,
                         DType::kUInt32, DType::kInt64, DType::kUInt64}));
  ADZE_TRY(RequireSameDType(ctx, 1, "min", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "max", 0));
  ADZE_TRY(RequireScalar(ctx, 1, "min"));
  ADZE_TRY(RequireScalar(ctx, 2, "max"));
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& lo = ctx.in(1);
  const ConstTensorView& hi = ctx.in(2);
  ADZE_TRY(CheckSize(lo, 1, "min"));
  ADZE_TRY(CheckSize(hi, 1, "max"));
  return MapUnary(ctx, [&](auto x) {
    using T = decltype(x);
    const auto bound = [](const ConstTensorView& t) {
      if constexpr (std::is_same_v<T, float>) {
        return FloatAt(t, 0);  // 16-bit floats arrive here as float
      } else {
        return t.as<T>()[0];
      }
    };
    // std::max and std::min keep a NaN that comes first.
    if (lo.present()) x = std::max(x, bound(lo));
    if (hi.present()) x = std::min(x, bound(hi));
    return x;
  });
}

// 1 inside the bounds and on them. The bounds themselves have no rule.
Status Vjp(VjpContext& c) {
  if (c.wanted(1) || c.wanted(2)) return Unsupported("the bounds have no gradient rule");
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const auto bound = [&](int i, double none) -> std::optional<double> {
    if (!c.input(i).present()) return none;
    const ValueInfo info = c.Info(c.input(i));
    if (info.constant == nullptr || info.constant->size() != 1) return std::nullopt;
    return FloatAt(info.constant->view(), 0);
  };
  const auto lo = bound(1, -kInf);
  const auto hi = bound(2, kInf);
  if (lo && hi) {
    c.SetGradient(0, vjp::Gate(c, c.gradient(0), c.input(0), *lo, *hi, /*closed=*/true));
    return OkStatus();
  }
  // Computed bounds: what they leave alone passes.
  const VjpValue kept = vjp::Onnx(c, "Equal", {c.input(0), c.output(0)});
  c.SetGradient(0,
                vjp::Onnx(c, "Where", {kept, c.gradient(0), vjp::FloatScalar(c, c.input(0), 0)}));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kClipOp = {
    .name = "Clip",
    .summary = "min(max(x, min), max)",
    .max_inputs = 3,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
