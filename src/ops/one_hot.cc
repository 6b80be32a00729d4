// OneHot: a new axis of size `depth` that is "on" at the index and "off" elsewhere.
#include "ops/convert.h"
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 3));
  const DType dtype = ctx.input(2)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  for (int i = 0; i < 2; ++i) {
    if (ctx.input(i)->dtype == DType::kBool) return UnsupportedDType(DType::kBool);
  }
  std::optional<Dim> depth;
  if (const Tensor* const t = ctx.input(1)->constant) {
    if (t->size() != 1) return InvalidInput("depth must be one number");
    const int64_t d = TruncateTo<int64_t>(NumberAt(t->view(), 0));
    if (d < 1) return InvalidInput("depth = " + std::to_string(d) + ", must be >= 1");
    depth = Dim(d);
  } else if (const auto known = KnownElements(ctx, 1); known && known->size() == 1) {
    depth = (*known)[0];
  }
  const Shape* const indices = ctx.shape(0);
  if (indices == nullptr || !depth) return OkStatus();
  ADZE_ASSIGN(const int axis,
              NormalizeAxis(ctx.attrs.Int("axis", -1), static_cast<int>(indices->size()) + 1));
  Shape out = *indices;
  out.insert(out.begin() + axis, *depth);
  return SetShape(ctx, 0, dtype, std::move(out));
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& indices = ctx.in(0);
  const ConstTensorView& values = ctx.in(2);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis", -1), y.rank()));
  const AxisView to(y.dims, axis);
  if (values.size() != 2) {
    return InvalidInput("values has shape " + DimsToString(values.dims) + ", must be [2]");
  }
  if (indices.size() != to.outer * to.inner) {
    return InvalidInput("output of shape " + DimsToString(y.dims) + " does not fit indices " +
                        DimsToString(indices.dims));
  }
  const size_t bytes = SizeOf(y.dtype);
  const char* const off = static_cast<const char*>(values.data);
  StridedBox all;
  all.Add(y.size(), 1, 0);
  CopyStrided(all, bytes, y.data, off);
  StridedBox one;
  one.Add(1, 1, 1);
  const int64_t n = indices.size();
  for (int64_t i = 0; i < n; ++i) {
    // An index outside [-depth, depth) leaves its row "off".
    int64_t at = TruncateTo<int64_t>(NumberAt(indices, i));
    if (at < -to.dim || at >= to.dim) continue;
    if (at < 0) at += to.dim;
    const int64_t offset = (i / to.inner * to.dim + at) * to.inner + i % to.inner;
    CopyStrided(one, bytes, static_cast<char*>(y.data) + static_cast<size_t>(offset) * bytes,
                off + bytes);
  }
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kOneHotOp = {
    .name = "OneHot",
    .summary = "A new axis that marks each index",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
