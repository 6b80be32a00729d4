// Split: cuts a tensor along one axis into pieces of given sizes, or into `num_outputs` nearly
// equal ones.
#include <algorithm>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  const int n = ctx.num_outputs();
  for (int i = 0; i < n; ++i) ctx.SetOutput(i, dtype, std::nullopt);
  const bool has_sizes = ctx.input(1) != nullptr;
  if (has_sizes && !IsInteger(ctx.input(1)->dtype)) return InvalidInput("split must be integers");
  if (has_sizes && ctx.attrs.Has("num_outputs")) {
    return InvalidInput("has both the input split and the attribute num_outputs");
  }
  if (ctx.attrs.Int("num_outputs", n) != n) {
    return InvalidInput("num_outputs = " + std::to_string(ctx.attrs.Int("num_outputs")) +
                        " but the node has " + std::to_string(n) + " outputs");
  }
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(x->size())));
  const Dim& total = (*x)[static_cast<size_t>(axis)];
  std::vector<Dim> sizes;
  if (has_sizes) {
    if (const Shape* const s = ctx.shape(1); s != nullptr && s->size() != 1) {
      return InvalidInput("split has rank " + std::to_string(s->size()) + ", must be 1");
    }
    const auto known = ctx.Elements(1);
    if (!known) return OkStatus();
    sizes = *known;
    Dim sum = 0;
    for (const Dim& s : sizes) sum = sum + s;
    if (sizes.size() != static_cast<size_t>(n) ||
        (sum.is_const() && total.is_const() && sum != total)) {
      return InvalidInput("split " + ShapeToString(sizes) + " does not cut a dimension of " +
                          total.ToString() + " into " + std::to_string(n) + " pieces");
    }
  } else {
    // The last piece is smaller when the sizes do not divide.
    const Dim piece = total.CeilDiv(n);
    sizes.assign(static_cast<size_t>(n), piece);
    sizes.back() = total - piece * Dim(n - 1);
    if (total.is_const() && sizes.back().value() < 0) {
      return InvalidInput("a dimension of " + total.ToString() + " cannot be split into " +
                          std::to_string(n) + " pieces of " + piece.ToString());
    }
  }
  const auto elements = KnownElements(ctx, 0);
  size_t begin = 0;
  for (int i = 0; i < n; ++i) {
    Shape out = *x;
    const Dim& size = sizes[static_cast<size_t>(i)];
    out[static_cast<size_t>(axis)] = size;
    ADZE_TRY(SetShape(ctx, i, dtype, std::move(out)));
    if (!elements || !size.is_const()) continue;
    const size_t end = begin + static_cast<size_t>(size.value());
    if (end > elements->size()) continue;
    const auto first = elements->begin();
    SetElements(
        ctx, i,
        std::vector<Dim>(first + static_cast<int64_t>(begin), first + static_cast<int64_t>(end)));
    begin = end;
  }
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), x.rank()));
  const size_t bytes = SizeOf(x.dtype);
  const AxisView from(x.dims, axis);
  const int64_t n = static_cast<int64_t>(ctx.outputs.size());
  const int64_t piece = (from.dim + n - 1) / n;
  const ConstTensorView& sizes = ctx.in(1);
  int64_t at = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t size = !sizes.present()   ? std::min(piece, from.dim - at)
                         : i < sizes.size() ? IntegerAt(sizes, i)
                                            : -1;
    if (size < 0 || size > from.dim - at) {
      return InvalidInput("split " + std::to_string(i) + " of size " + std::to_string(size) +
                          " does not fit into the input " + DimsToString(x.dims));
    }
    const TensorView& y = ctx.outputs[static_cast<size_t>(i)];
    if (y.present()) {
      const AxisView to(y.dims, axis);
      if (y.rank() != x.rank() || to.outer != from.outer || to.dim != size ||
          to.inner != from.inner) {
        return InvalidInput("split " + std::to_string(i) + " has size " + std::to_string(size) +
                            " but the output has shape " + DimsToString(y.dims));
      }
      StridedBox box;
      box.Add(from.outer, size * to.inner, from.dim * from.inner);
      box.Add(size * to.inner, 1, 1);
      CopyStrided(box, bytes, y.data,
                  static_cast<const char*>(x.data) + at * from.inner * static_cast<int64_t>(bytes));
    }
    at += size;
  }
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  std::vector<VjpValue> parts;
  for (int i = 0; i < c.num_outputs(); ++i) {
    VjpValue part = c.gradient(i);
    if (!part.present()) {
      if (!c.output(i).present()) return Unsupported("an omitted output");
      part = vjp::ExpandLike(c, vjp::FloatScalar(c, c.input(0), 0), c.output(i));
    }
    parts.push_back(part);
  }
  c.SetGradient(0, vjp::Onnx(c, "Concat", std::move(parts), {{"axis", c.attrs.Int("axis")}}));
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt}, {"num_outputs", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kSplitOp = {
    .name = "Split",
    .summary = "Cuts a tensor along one axis into pieces",
    .max_inputs = 2,
    .max_outputs = -1,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
