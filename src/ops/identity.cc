// Identity: y = x.
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, c.gradient(0));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kIdentityOp = {
    .name = "Identity",
    .summary = "The input itself",
    .infer = Infer,
    .eval = EvalCopy,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
