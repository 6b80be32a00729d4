// adze.Silu: y = x * sigmoid(x).
#include <cmath>

#include "ops/op_util.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) { return InferSameAsInput(ctx); }

Status Eval(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return x / (1 + std::exp(-x)); });
}

}  // namespace

extern constexpr OpDef kSiluOp = {
    .domain = kAdzeDomain,
    .name = "Silu",
    .summary = "x * sigmoid(x)",
    .infer = Infer,
    .eval = Eval,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
