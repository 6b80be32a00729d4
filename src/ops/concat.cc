// Concat: joins tensors along one axis.
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

// Two dims that must be equal: the more certain one, or a refusal when they cannot be.
Result<Dim> SameDim(const Dim& a, const Dim& b, size_t axis) {
  if (a.is_const() && b.is_const() && a != b) {
    return InvalidInput("inputs have sizes " + a.ToString() + " and " + b.ToString() +
                        " in dimension " + std::to_string(axis));
  }
  return b.is_const() ? b : a;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireSameDType(ctx, ctx.num_inputs()));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    if (ctx.shape(i) == nullptr) return OkStatus();
  }
  Shape out = *ctx.shape(0);
  ADZE_ASSIGN(const int normal_axis,
              NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(out.size())));
  const size_t axis = static_cast<size_t>(normal_axis);
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    const Shape& x = *ctx.shape(i);
    if (x.size() != out.size()) {
      return InvalidInput("input " + std::to_string(i) + " has rank " + std::to_string(x.size()) +
                          ", input 0 has rank " + std::to_string(out.size()));
    }
    for (size_t d = 0; d < out.size(); ++d) {
      if (d == axis) {
        out[d] = out[d] + x[d];
      } else {
        ADZE_ASSIGN(out[d], SameDim(out[d], x[d], d));
      }
    }
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  std::vector<Dim> elements;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const auto part = KnownElements(ctx, i);
    if (!part) return OkStatus();
    elements.insert(elements.end(), part->begin(), part->end());
  }
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), y.rank()));
  const size_t bytes = SizeOf(y.dtype);
  const AxisView to(y.dims, axis);
  int64_t at = 0;
  for (const ConstTensorView& x : ctx.inputs) {
    const AxisView from(x.dims, axis);
    at += x.rank() == y.rank() ? from.dim : to.dim + 1;
    if (from.outer != to.outer || from.inner != to.inner || at > to.dim) {
      return InvalidInput("input of shape " + DimsToString(x.dims) +
                          " does not fit into the output " + DimsToString(y.dims));
    }
    StridedBox box;
    box.Add(to.outer, to.dim * to.inner, from.dim * from.inner);
    box.Add(from.dim * from.inner, 1, 1);
    CopyStrided(box, bytes, static_cast<char*>(y.data) + (at - from.dim) * to.inner * bytes,
                x.data);
  }
  return at == to.dim ? OkStatus()
                      : InvalidInput("inputs do not fill the output " + DimsToString(y.dims));
}

Status Vjp(VjpContext& c) {
  ADZE_ASSIGN(const int axis, NormalizeAxis(c.attrs.Int("axis"), vjp::RankOf(c, c.output(0))));
  Dim at = 0;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const Dim end = at + vjp::ShapeOf(c, c.input(i))[static_cast<size_t>(axis)];
    if (c.wanted(i)) {
      if (!at.is_const() || !end.is_const()) {
        return Unsupported("the sizes along the axis must be constant");
      }
      const auto one = [&](int64_t v) { return vjp::Ints(c, {v}); };
      c.SetGradient(
          i, vjp::Onnx(c, "Slice", {c.gradient(0), one(at.value()), one(end.value()), one(axis)}));
    }
    at = end;
  }
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt, true}};

}  // namespace

extern constexpr OpDef kConcatOp = {
    .name = "Concat",
    .summary = "Joins tensors along one axis",
    .max_inputs = -1,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
