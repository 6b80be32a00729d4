// Expand: broadcasts to a given shape. Tile: repeats along every dimension.
#include "ops/binary.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status InferExpand(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const auto shape, ShapeInput(ctx, 1, "shape"));
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !shape) return OkStatus();
  for (const Dim& d : *shape) {
    if (d.is_const() && d.value() < 0) {
      return InvalidInput("shape " + ShapeToString(*shape) + " has a negative dimension");
    }
  }
  ADZE_ASSIGN(Shape out, BroadcastShapes(*x, *shape));
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  auto elements = KnownElements(ctx, 0);
  const Dim n = NumElements(*ctx.output(0).shape);
  if (elements && elements->size() == 1 && n.is_const() &&
      n.value() <= static_cast<int64_t>(kMaxKnownElements)) {
    elements->resize(static_cast<size_t>(n.value()), (*elements)[0]);
  }
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

Status EvalExpand(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const BroadcastPlan plan, PlanBroadcast(y.dims, x.dims, x.dims));
  StridedBox box;
  int64_t y_stride[kMaxRank] = {};
  DenseStrides({plan.dims, static_cast<size_t>(plan.rank)}, y_stride);
  for (int d = 0; d < plan.rank; ++d) box.Add(plan.dims[d], y_stride[d], plan.a_stride[d]);
  CopyStrided(box, SizeOf(x.dtype), y.data, x.data);
  return OkStatus();
}

Status InferTile(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const auto repeats, ShapeInput(ctx, 1, "repeats"));
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !repeats) return OkStatus();
  if (repeats->size() != x->size()) {
    return InvalidInput("has " + std::to_string(repeats->size()) + " repeats for an input " +
                        ShapeToString(*x));
  }
  Shape out = *x;
  for (size_t i = 0; i < out.size(); ++i) {
    const Dim& n = (*repeats)[i];
    if (n.is_const() && n.value() < 0) {
      return InvalidInput("repeats " + ShapeToString(*repeats) + " are negative");
    }
    out[i] = out[i] * n;
  }
  return SetShape(ctx, 0, dtype, std::move(out));
}

Status EvalTile(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const SmallInts repeats, ReadInts(ctx.in(1), "repeats"));
  bool fits = repeats.size == x.rank() && y.rank() == x.rank();
  int64_t x_stride[kMaxRank];
  int64_t y_stride[kMaxRank] = {};
  DenseStrides(x.dims, x_stride);
  DenseStrides(y.dims, y_stride);
  StridedBox box;
  for (int d = 0; fits && d < x.rank(); ++d) {
    const size_t i = static_cast<size_t>(d);
    int64_t size;
    fits = repeats[d] >= 0 && !__builtin_mul_overflow(x.dims[i], repeats[d], &size) &&
           size == y.dims[i];
    box.Add(repeats[d], x.dims[i] * y_stride[d], 0);
    box.Add(x.dims[i], y_stride[d], x_stride[d]);
  }
  if (!fits) {
    return InvalidInput("repeats " + DimsToString(repeats.span()) + " of an input " +
                        DimsToString(x.dims) + " do not give the output " + DimsToString(y.dims));
  }
  if (y.size() != 0) CopyStrided(box, SizeOf(x.dtype), y.data, x.data);
  return OkStatus();
}

Status VjpExpand(VjpContext& c) {
  ADZE_ASSIGN(const VjpValue sum, vjp::SumTo(c, c.gradient(0), c.input(0)));
  c.SetGradient(0, sum);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kExpandOp = {
    .name = "Expand",
    .summary = "Broadcasts the input to a shape",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = InferExpand,
    .eval = EvalExpand,
    .vjp = VjpExpand,
    .quant = {.kind = QuantKind::kSameScale},
};

extern constexpr OpDef kTileOp = {
    .name = "Tile",
    .summary = "Repeats the input along every dimension",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = InferTile,
    .eval = EvalTile,
};

}  // namespace adze
