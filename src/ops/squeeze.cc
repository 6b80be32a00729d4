// Squeeze and Unsqueeze: drop and add dimensions of size 1.
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status InferSqueeze(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  uint32_t drop = 0;
  if (ctx.input(1) != nullptr) {
    ADZE_ASSIGN(const auto axes, IntsInput(ctx, 1, "axes"));
    if (!axes) return OkStatus();
    ADZE_ASSIGN(drop, AxisMask(axes->span(), static_cast<int>(x->size())));
  } else {
    for (size_t i = 0; i < x->size(); ++i) {
      if (!(*x)[i].is_const()) return OkStatus();
      if ((*x)[i].IsConst(1)) drop |= 1u << i;
    }
  }
  Shape out;
  for (size_t i = 0; i < x->size(); ++i) {
    if ((drop >> i & 1) == 0) {
      out.push_back((*x)[i]);
    } else if ((*x)[i].is_const() && !(*x)[i].IsConst(1)) {
      return InvalidInput("cannot squeeze dimension " + std::to_string(i) + " of " +
                          ShapeToString(*x));
    }
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

Status InferUnsqueeze(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const auto axes, IntsInput(ctx, 1, "axes"));
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !axes) return OkStatus();
  const size_t rank = x->size() + static_cast<size_t>(axes->size);
  ADZE_ASSIGN(const uint32_t added, AxisMask(axes->span(), static_cast<int>(rank)));
  Shape out;
  for (size_t i = 0, from = 0; i < rank; ++i) {
    out.push_back((added >> i & 1) ? Dim(1) : (*x)[from++]);
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, vjp::ReshapeLike(c, c.gradient(0), c.input(0)));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kSqueezeOp = {
    .name = "Squeeze",
    .summary = "Drops dimensions of size 1: those of the second input, or all",
    .max_inputs = 2,
    .infer = InferSqueeze,
    .eval = EvalCopy,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
};

extern constexpr OpDef kUnsqueezeOp = {
    .name = "Unsqueeze",
    .summary = "Adds dimensions of size 1 at the positions of the second input",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = InferUnsqueeze,
    .eval = EvalCopy,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
};

}  // namespace adze
