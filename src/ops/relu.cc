// Relu: y = max(x, 0). The template for a new operator: copy, rename, add one row to op_list.inc.
#include <algorithm>
#include <limits>

#include "ops/op_def.h"
#include "ops/op_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) { return InferSameAsInput(ctx); }

Status Eval(const EvalContext& ctx) {
  return MapUnary(ctx, [](auto x) { return std::max(x, decltype(x){0}); });
}

Status Vjp(VjpContext& c) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  c.SetGradient(0, vjp::Gate(c, c.gradient(0), c.output(0), 0, kInf, /*closed=*/false));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kReluOp = {
    .name = "Relu",
    .summary = "max(x, 0)",
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
