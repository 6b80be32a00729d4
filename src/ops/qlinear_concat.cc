// com.microsoft.QLinearConcat: concatenation of quantized tensors, each requantized to the output's
// parameters. Inputs: y_scale, y_zero_point, then (tensor, scale, zero_point) for each operand.
#include "ops/quantize_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt, true}};

Status Infer(InferContext& ctx) {
  if (ctx.num_inputs() % 3 != 2) {
    return InvalidInput("has " + std::to_string(ctx.num_inputs()) +
                        " inputs, must have 2 and then 3 for each operand");
  }
  ADZE_ASSIGN(const DType dtype, RequireOutputParams(ctx, 0, 1));
  std::optional<Shape> y;
  bool known = true;
  for (int i = 2; i < ctx.num_inputs(); i += 3) {
    ADZE_TRY(RequireQuantized(ctx, i, i + 1, i + 2, "operand"));
    ADZE_TRY(RequireSameDType(ctx, i, "operand", 1));
    const Shape* const s = ctx.shape(i);
    known = known && s != nullptr;
    if (s == nullptr) continue;
    ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(s->size())));
    if (!y) {
      y = *s;
      continue;
    }
    bool ok = s->size() == y->size();
    for (size_t d = 0; ok && d < s->size(); ++d) {
      const Dim& a = (*y)[d];
      const Dim& b = (*s)[d];
      if (static_cast<int>(d) == axis) {
        (*y)[d] = a + b;
      } else if (a.is_const() && b.is_const()) {
        ok = a == b;
      } else if (b.is_const()) {
        (*y)[d] = b;
      }
    }
    if (!ok) {
      return InvalidInput("operand shapes " + ShapeToString(*y) + " and " + ShapeToString(*s) +
                          " differ outside axis " + std::to_string(axis));
    }
  }
  if (!known) y.reset();
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int axis_index, NormalizeAxis(ctx.attrs.Int("axis"), y.rank()));
  const size_t axis = static_cast<size_t>(axis_index);
  const QuantParamView y_params = {ctx.in(0), ctx.in(1)};
  ADZE_TRY(CheckQuantParams(y_params, "y"));
  const CodeRange codes = CodesOf(y.dtype);
  const int64_t inner = NumElements(y.dims.subspan(axis + 1));
  const int64_t y_row = y.dims[axis] * inner;
  int64_t offset = 0;  // where the operand starts in each row of y
  for (size_t k = 2; k + 2 < ctx.inputs.size(); k += 3) {
    const ConstTensorView& x = ctx.inputs[k];
    const QuantParamView x_params = {ctx.inputs[k + 1], ctx.inputs[k + 2]};
    ADZE_TRY(CheckQuantParams(x_params, "operand"));
    bool ok = x.rank() == y.rank();
    for (size_t d = 0; ok && d < x.dims.size(); ++d) ok = d == axis || x.dims[d] == y.dims[d];
    const int64_t x_row = ok ? x.dims[axis] * inner : 0;
    if (!ok || offset + x_row > y_row) return InvalidInput("operand sizes contradict the output");
    for (int64_t i = 0; i < x.size(); ++i) {
      const float real = DequantizeOne(Int8At(x, i), x_params.ScaleAt(0), x_params.ZeroPointAt(0));
      SetInt8At(
          y, i / x_row * y_row + offset + i % x_row,
          QuantizeOne(real, y_params.ScaleAt(0), y_params.ZeroPointAt(0), codes.lo, codes.hi));
    }
    offset += x_row;
  }
  return offset == y_row ? OkStatus() : InvalidInput("operand sizes contradict the output");
}

}  // namespace

extern constexpr OpDef kQLinearConcatOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearConcat",
    .summary = "concatenation of quantized tensors, requantized",
    .min_inputs = 5,
    .max_inputs = -1,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
