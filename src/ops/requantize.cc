// adze.Requantize: y = x. It changes the format of a tensor: input and output differ in their
// quantized types, or one of them has none (the borders between float and integers).
#include "ops/op_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  if (ctx.input(0)->dtype != DType::kFloat32) return UnsupportedDType(ctx.input(0)->dtype);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kRequantizeOp = {
    .domain = kAdzeDomain,
    .name = "Requantize",
    .summary = "The same real values in another number format",
    .infer = Infer,
    .eval = EvalCopy,
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
