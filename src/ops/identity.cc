// Identity: y = x.
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kIdentityOp = {
    .name = "Identity",
    .summary = "The input itself",
    .infer = Infer,
    .eval = EvalCopy,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
