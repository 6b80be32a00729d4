// adze.Silu: y = x * sigmoid(x).
#include <cmath>

#include "ops/op_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) { return InferSameAsInput(ctx); }

Status Eval(const EvalContext& ctx) {
  return MapUnaryFloat(ctx, [](auto x) { return x / (1 + std::exp(-x)); });
}

// With s = sigmoid(x): s + y * (1 - s).
Status Vjp(VjpContext& c) {
  const VjpValue s = vjp::Onnx(c, "Sigmoid", {c.input(0)});
  const VjpValue y = c.output(0);
  const VjpValue slope = vjp::Add(c, s, vjp::Sub(c, y, vjp::Mul(c, y, s)));
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), slope));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kSiluOp = {
    .domain = kAdzeDomain,
    .name = "Silu",
    .summary = "x * sigmoid(x)",
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kTable, .is_activation = true},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
