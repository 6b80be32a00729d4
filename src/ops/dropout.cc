// Dropout in inference form: the identity; the optional mask keeps everything.
#include <cstring>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {{"seed", AttrKind::kInt}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "data"));
  if (ctx.input(2) != nullptr) {
    const auto training = ctx.Integers(2);
    if (!training) return Unsupported("training_mode is not a constant");
    if (training->size() != 1 || (*training)[0] != 0) {
      return Unsupported("training_mode = true is not supported, only inference");
    }
  }
  ADZE_TRY(InferSameAsInput(ctx));
  if (ctx.num_outputs() > 1) ctx.SetOutput(1, DType::kBool, ctx.input(0)->shape);
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  const size_t n = static_cast<size_t>(x.size());
  if (n != 0 && y.data != x.data) std::memcpy(y.data, x.data, n * SizeOf(x.dtype));
  if (n != 0 && ctx.outputs.size() > 1 && ctx.out(1).present()) std::memset(ctx.out(1).data, 1, n);
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, c.gradient(0));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kDropoutOp = {
    .name = "Dropout",
    .summary = "identity (inference form), with an optional mask of ones",
    .max_inputs = 3,
    .max_outputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
