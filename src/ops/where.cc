// Where: y = condition ? a : b, with broadcasting.
#include "ops/binary.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 3));
  const DType dtype = ctx.input(1)->dtype;
  if (ctx.input(0)->dtype != DType::kBool) return InvalidInput("the condition must be bool");
  if (ctx.input(2)->dtype != dtype) {
    return InvalidInput(std::string("inputs have different element types ") + DTypeName(dtype) +
                        " and " + DTypeName(ctx.input(2)->dtype));
  }
  ctx.SetOutput(0, dtype, std::nullopt);
  for (int i = 0; i < 3; ++i) {
    if (ctx.shape(i) == nullptr) return OkStatus();
  }
  ADZE_ASSIGN(const Shape values, BroadcastShapes(*ctx.shape(1), *ctx.shape(2)));
  ADZE_ASSIGN(Shape out, BroadcastShapes(*ctx.shape(0), values));
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  const auto condition = KnownElements(ctx, 0);
  const auto a = KnownElements(ctx, 1);
  const auto b = KnownElements(ctx, 2);
  const Dim size = NumElements(*ctx.output(0).shape);
  if (!condition || !a || !b || !size.is_const()) return OkStatus();
  std::vector<Dim> elements;
  for (size_t i = 0; i < static_cast<size_t>(size.value()); ++i) {
    const auto at = [&](const std::vector<Dim>& v) { return v[v.size() == 1 ? 0 : i]; };
    if (!at(*condition).is_const()) return OkStatus();
    elements.push_back(at(*condition).IsConst(0) ? at(*b) : at(*a));
  }
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

template <typename T>
void Select(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  const ConstTensorView& condition = ctx.in(0);
  const auto* const chosen = static_cast<const uint8_t*>(condition.data);
  for (int side = 1; side <= 2; ++side) {  // the elements from a, then those from b
    const ConstTensorView& x = ctx.in(side);
    ForEachBroadcast(y.dims, condition.dims, x.dims, [&](int64_t i, int64_t c, int64_t v) {
      if ((chosen[c] != 0) == (side == 1)) {
        static_cast<T*>(y.data)[i] = static_cast<const T*>(x.data)[v];
      }
    });
  }
}

Status Eval(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  ADZE_TRY(PlanBroadcast(y.dims, ctx.in(0).dims, ctx.in(1).dims));
  ADZE_TRY(PlanBroadcast(y.dims, ctx.in(0).dims, ctx.in(2).dims));
  switch (SizeOf(y.dtype)) {
    case 1:
      Select<uint8_t>(ctx);
      break;
    case 2:
      Select<uint16_t>(ctx);
      break;
    case 4:
      Select<uint32_t>(ctx);
      break;
    default:
      Select<uint64_t>(ctx);
  }
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  const VjpValue zero = vjp::FloatScalar(c, c.gradient(0), 0);
  for (int side = 1; side <= 2; ++side) {
    if (!c.wanted(side)) continue;
    const VjpValue g = c.gradient(0);
    const VjpValue kept =
        vjp::Onnx(c, "Where", {c.input(0), side == 1 ? g : zero, side == 1 ? zero : g});
    ADZE_ASSIGN(const VjpValue sum, vjp::SumTo(c, kept, c.input(side)));
    c.SetGradient(side, sum);
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kWhereOp = {
    .name = "Where",
    .summary = "Elements of a where the condition holds, else of b",
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .elementwise = true,
};

}  // namespace adze
