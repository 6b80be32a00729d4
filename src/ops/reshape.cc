// Reshape and Flatten: the same elements in row-major order under another shape.
#include <algorithm>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

// What -1 stands for: elements of `x` over the product of the other `dims`. Equal dimensions cancel
// first, so that symbolic ones (and a size of 0 that is copied) need no division.
Result<std::optional<Dim>> InferMinusOne(const Shape& x, const Shape& dims, size_t minus_one) {
  Shape rest = x;
  Dim known = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i == minus_one) continue;
    const auto same = std::find(rest.begin(), rest.end(), dims[i]);
    if (same != rest.end()) {
      rest.erase(same);
    } else {
      known = known * dims[i];
    }
  }
  const Dim total = NumElements(rest);
  const std::optional<Dim> exact = total.DivExact(known);
  if (exact) return exact;
  if (known.IsConst(0) || (known.is_const() && total.is_const())) {
    return InvalidInput("shape " + ShapeToString(dims) + " does not divide the " +
                        NumElements(x).ToString() + " elements of the input " + ShapeToString(x));
  }
  // A valid reshape divides exactly, whatever the symbols are.
  if (known.is_const()) return std::optional<Dim>(total.FloorDiv(known.value()));
  return std::optional<Dim>();
}

Status InferReshape(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  const Shape* const x = ctx.shape(0);
  ADZE_ASSIGN(auto wanted, ShapeInput(ctx, 1, "shape"));
  ctx.SetOutput(0, dtype, std::nullopt);
  if (!wanted) return OkStatus();
  const bool allow_zero = ctx.attrs.Int("allowzero") != 0;
  Shape dims = std::move(*wanted);
  size_t minus_one = dims.size();
  bool has_zero = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].IsConst(-1)) {
      if (minus_one != dims.size()) {
        return InvalidInput("shape " + ShapeToString(dims) + " has more than one -1");
      }
      minus_one = i;
    } else if (dims[i].IsConst(0) && !allow_zero) {
      if (x == nullptr) return OkStatus();
      if (i >= x->size()) {
        return InvalidInput("shape " + ShapeToString(dims) + " copies dimension " +
                            std::to_string(i) + " of an input of rank " +
                            std::to_string(x->size()));
      }
      dims[i] = (*x)[i];
    } else if (dims[i].is_const() && dims[i].value() < 0) {
      return InvalidInput("shape " + ShapeToString(dims) + " has a negative dimension");
    }
    has_zero |= allow_zero && dims[i].IsConst(0);
  }
  if (minus_one != dims.size()) {
    if (has_zero) return InvalidInput("shape has both 0 and -1 although allowzero is set");
    if (x == nullptr) return OkStatus();
    ADZE_ASSIGN(const std::optional<Dim> d, InferMinusOne(*x, dims, minus_one));
    if (!d) return OkStatus();
    dims[minus_one] = *d;
  } else if (x != nullptr) {
    const Dim from = NumElements(*x);
    const Dim to = NumElements(dims);
    if (from.is_const() && to.is_const() && from != to) {
      return InvalidInput("cannot reshape " + ShapeToString(*x) + " to " + ShapeToString(dims));
    }
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(dims)));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

Status InferFlatten(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  const int64_t rank = static_cast<int64_t>(x->size());
  int64_t axis = ctx.attrs.Int("axis", 1);
  if (axis < -rank || axis > rank) {
    return InvalidInput("axis = " + std::to_string(axis) + " is out of range for rank " +
                        std::to_string(rank));
  }
  if (axis < 0) axis += rank;
  const auto middle = x->begin() + axis;
  return SetShape(ctx, 0, dtype,
                  {NumElements(Shape(x->begin(), middle)), NumElements(Shape(middle, x->end()))});
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, vjp::ReshapeLike(c, c.gradient(0), c.input(0)));
  return OkStatus();
}

constexpr AttrDef kReshapeAttrs[] = {{"allowzero", AttrKind::kInt}};
constexpr AttrDef kFlattenAttrs[] = {{"axis", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kReshapeOp = {
    .name = "Reshape",
    .summary = "The same elements under the shape given by the second input",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kReshapeAttrs,
    .infer = InferReshape,
    .eval = EvalCopy,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
};

extern constexpr OpDef kFlattenOp = {
    .name = "Flatten",
    .summary = "The same elements as a matrix: dimensions before `axis` times those from it on",
    .attrs = kFlattenAttrs,
    .infer = InferFlatten,
    .eval = EvalCopy,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
    .in_place = true,
};

}  // namespace adze
