// Slice: every steps[i]-th element from starts[i] up to (not including) ends[i], per axis; steps
// may be negative.
#include <algorithm>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr int64_t kFar = int64_t{1} << 61;  // beyond every dimension: "to the end"
// The same for symbolic dimensions: exporters write INT32_MAX or 10^9 where they mean the end.
constexpr int64_t kFarBound = 1'000'000'000;

// start and end of a dimension of constant size, as the standard clamps them, and the number of
// elements taken.
struct Range {
  int64_t start;
  int64_t count;
};
Range Clamp(int64_t start, int64_t end, int64_t step, int64_t size) {
  // Clamped first: the sums below cannot overflow.
  start = std::clamp(start, -kFar, kFar);
  end = std::clamp(end, -kFar, kFar);
  step = std::clamp(step, -kFar, kFar);
  if (start < 0) start += size;
  if (end < 0) end += size;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, 0, size);
    return {start, std::max<int64_t>(0, (end - start + step - 1) / step)};
  }
  start = std::clamp<int64_t>(start, -1, size - 1);
  end = std::clamp<int64_t>(end, -1, size - 1);
  return {start, std::max<int64_t>(0, (start - end - step - 1) / -step)};
}

// The number of elements taken from a symbolic dimension, where it has one form for all sizes.
// Sizes are taken to be large enough for constant bounds, as exporters do; Eval checks the real
// ones.
std::optional<Dim> SymbolicCount(const Dim& start, const Dim& end, int64_t step, const Dim& size) {
  // A bound in the tensor's own coordinates.
  const auto resolve = [&](const Dim& bound) {
    if (!bound.is_const()) return bound;
    if (bound.value() >= kFarBound) return size;
    if (bound.value() <= -kFarBound) return Dim(0);
    return bound.value() < 0 ? size + bound : bound;
  };
  if (step > 0) {
    const Dim count = (resolve(end) - resolve(start)).CeilDiv(step);
    if (count.is_const() && count.value() < 0) return Dim(0);
    return count;
  }
  // Reversal of the whole dimension; other negative steps need a constant size.
  const bool from_last = start.IsConst(-1) || (start.is_const() && start.value() >= kFarBound);
  if (from_last && end.is_const() && end.value() <= -kFarBound) return size.CeilDiv(-step);
  return std::nullopt;
}

Result<int64_t> CheckStep(int64_t step) {
  if (step == 0) return InvalidInput("a step is 0");
  return step;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 3));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const auto starts, ShapeInput(ctx, 1, "starts"));
  ADZE_ASSIGN(const auto ends, ShapeInput(ctx, 2, "ends"));
  std::optional<SmallInts> axes;
  std::optional<SmallInts> steps;
  if (ctx.input(3) != nullptr) {
    ADZE_ASSIGN(axes, IntsInput(ctx, 3, "axes"));
    if (!axes) return OkStatus();
  }
  if (ctx.input(4) != nullptr) {
    ADZE_ASSIGN(steps, IntsInput(ctx, 4, "steps"));
  }
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !starts || !ends) return OkStatus();
  const size_t n = starts->size();
  if (ends->size() != n || (axes && axes->span().size() != n) ||
      (steps && steps->span().size() != n) || (!axes && n > x->size())) {
    return InvalidInput("starts, ends, axes and steps differ in length or exceed the rank");
  }
  if (ctx.input(4) != nullptr && !steps) return OkStatus();
  if (axes) ADZE_TRY(AxisMask(axes->span(), static_cast<int>(x->size())));
  Shape out = *x;
  for (size_t i = 0; i < n; ++i) {
    ADZE_ASSIGN(const int axis,
                NormalizeAxis(axes ? (*axes)[static_cast<int>(i)] : static_cast<int64_t>(i),
                              static_cast<int>(x->size())));
    ADZE_ASSIGN(const int64_t step, CheckStep(steps ? (*steps)[static_cast<int>(i)] : 1));
    Dim& d = out[static_cast<size_t>(axis)];
    const Dim& start = (*starts)[i];
    const Dim& end = (*ends)[i];
    if (d.is_const() && start.is_const() && end.is_const()) {
      d = Clamp(start.value(), end.value(), step, d.value()).count;
    } else {
      const std::optional<Dim> count = SymbolicCount(start, end, step, d);
      if (!count) return OkStatus();
      d = *count;
    }
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  const auto elements = KnownElements(ctx, 0);
  const auto start = ToConstDims(*starts);
  const auto end = ToConstDims(*ends);
  if (!elements || x->size() != 1 || n != 1 || !start || !end) return OkStatus();
  const int64_t step = steps ? (*steps)[0] : 1;
  const Range range = Clamp((*start)[0], (*end)[0], step, static_cast<int64_t>(elements->size()));
  std::vector<Dim> taken;
  for (int64_t i = 0; i < range.count; ++i) {
    taken.push_back((*elements)[static_cast<size_t>(range.start + i * step)]);
  }
  SetElements(ctx, 0, std::move(taken));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const SmallInts starts, ReadInts(ctx.in(1), "starts"));
  ADZE_ASSIGN(const SmallInts ends, ReadInts(ctx.in(2), "ends"));
  SmallInts axes;
  SmallInts steps;
  axes.size = steps.size = starts.size;
  for (int i = 0; i < starts.size; ++i) {
    axes[i] = i;
    steps[i] = 1;
  }
  if (ctx.has(3)) {
    ADZE_ASSIGN(axes, ReadInts(ctx.in(3), "axes"));
  }
  if (ctx.has(4)) {
    ADZE_ASSIGN(steps, ReadInts(ctx.in(4), "steps"));
  }
  if (ends.size != starts.size || axes.size != starts.size || steps.size != starts.size) {
    return InvalidInput("starts, ends, axes and steps differ in length");
  }
  ADZE_TRY(AxisMask(axes.span(), x.rank()));
  int64_t x_stride[kMaxRank];
  int64_t y_stride[kMaxRank] = {};
  DenseStrides(x.dims, x_stride);
  DenseStrides(y.dims, y_stride);
  StridedBox box;
  for (int d = 0; d < x.rank(); ++d)
    box.Add(x.dims[static_cast<size_t>(d)], y_stride[d], x_stride[d]);
  int64_t offset = 0;
  for (int i = 0; i < starts.size; ++i) {
    ADZE_ASSIGN(const int axis, NormalizeAxis(axes[i], x.rank()));
    ADZE_ASSIGN(const int64_t step, CheckStep(steps[i]));
    const Range range = Clamp(starts[i], ends[i], step, box.dims[axis]);
    box.dims[axis] = range.count;
    offset += range.start * x_stride[axis];
    // With one element the stride is never used, and a huge step would overflow it.
    box.src_stride[axis] = range.count > 1 ? step * x_stride[axis] : 1;
  }
  ADZE_TRY(CheckDims(y.dims, {box.dims, static_cast<size_t>(box.rank)}));
  const int64_t bytes = static_cast<int64_t>(SizeOf(x.dtype));
  CopyStrided(box, SizeOf(x.dtype), y.data,
              y.size() == 0 ? x.data : static_cast<const char*>(x.data) + offset * bytes);
  return OkStatus();
}

// `g` with |step| - 1 zeros behind each of its `count` elements along the axis.
Result<VjpValue> Spread(VjpContext& c, VjpValue g, int axis, int64_t count, int64_t step) {
  const Shape shape = vjp::ShapeOf(c, g);
  std::vector<int64_t> target(static_cast<size_t>(axis), 0);
  target.push_back(count * step);
  for (size_t i = static_cast<size_t>(axis) + 1; i < shape.size(); ++i) {
    target.push_back(shape[i].is_const() ? shape[i].value() : -1);
  }
  if (std::count(target.begin(), target.end(), -1) > 1) {
    return Unsupported("steps before several symbolic dimensions have no gradient rule");
  }
  g = vjp::Onnx(c, "Unsqueeze", {g, vjp::Ints(c, {axis + 1})});
  g = vjp::Onnx(c, "Pad", {g, vjp::Ints(c, {0, step - 1}), {}, vjp::Ints(c, {axis + 1})});
  return vjp::Reshape(c, g, std::move(target));
}

// The elements go back to where they were taken from, between and beside zeros.
Status Vjp(VjpContext& c) {
  const Shape x = vjp::ShapeOf(c, c.input(0));
  const auto starts = vjp::ConstantInts(c, c.input(1));
  const auto ends = vjp::ConstantInts(c, c.input(2));
  std::optional<std::vector<int64_t>> axes(std::in_place);
  for (size_t i = 0; starts && i < starts->size(); ++i) axes->push_back(static_cast<int64_t>(i));
  if (c.input(3).present()) axes = vjp::ConstantInts(c, c.input(3));
  std::optional<std::vector<int64_t>> steps(std::in_place, starts ? starts->size() : 0, 1);
  if (c.input(4).present()) steps = vjp::ConstantInts(c, c.input(4));
  if (!starts || !ends || !axes || !steps) {
    return Unsupported("computed bounds have no gradient rule");
  }
  VjpValue g = c.gradient(0);
  std::vector<int64_t> pads(2 * starts->size());
  for (size_t i = 0; i < starts->size(); ++i) {
    ADZE_ASSIGN(const int axis, NormalizeAxis((*axes)[i], static_cast<int>(x.size())));
    const Dim& size = x[static_cast<size_t>(axis)];
    if (!size.is_const())
      return Unsupported("a symbolic dimension that is cut has no gradient rule");
    const int64_t step = (*steps)[i];
    const Range range = Clamp((*starts)[i], (*ends)[i], step, size.value());
    if (step < 0) {
      g = vjp::Onnx(c, "Slice",
                    {g, vjp::Ints(c, {-1}), vjp::Ints(c, {INT64_MIN}), vjp::Ints(c, {axis}),
                     vjp::Ints(c, {-1})});
    }
    int64_t length = range.count;
    const int64_t distance = std::abs(std::clamp(step, -kFar, kFar));
    if (distance > 1 && length > 1) {
      ADZE_ASSIGN(g, Spread(c, g, axis, length, distance));
      length *= distance;
    }
    const int64_t first = range.count == 0 ? 0
                          : step > 0       ? range.start
                                           : range.start + (range.count - 1) * step;
    pads[i] = first;
    pads[i + starts->size()] = size.value() - first - length;
  }
  c.SetGradient(0, vjp::Onnx(c, "Pad", {g, vjp::Ints(c, pads), {}, vjp::Ints(c, *axes)}));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kSliceOp = {
    .name = "Slice",
    .summary = "Every step-th element from start up to end, along given axes",
    .min_inputs = 3,
    .max_inputs = 5,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
