// GatherElements: y[i, j] = data[index[i, j], j] along one axis; ScatterElements: its inverse, with
// a reduction.
#include "ops/op_util.h"
#include "ops/scatter.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status CheckRanks(const Shape* data, const Shape* indices) {
  if (data != nullptr && indices != nullptr && data->size() != indices->size()) {
    return InvalidInput("data " + ShapeToString(*data) + " and indices " + ShapeToString(*indices) +
                        " differ in rank");
  }
  return OkStatus();
}

// Calls fn(i, offset) for element i of the index tensor and the offset of the element of `data`
// that it names.
template <typename Fn>
Status ForEachNamedElement(const EvalContext& ctx, Fn&& fn) {
  const ConstTensorView& data = ctx.in(0);
  const ConstTensorView& indices = ctx.in(1);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), data.rank()));
  if (indices.rank() != data.rank()) return InvalidInput("data and indices differ in rank");
  for (int d = 0; d < data.rank(); ++d) {
    const size_t i = static_cast<size_t>(d);
    if (d != axis && indices.dims[i] > data.dims[i]) {
      return InvalidInput("indices " + DimsToString(indices.dims) + " exceed the data " +
                          DimsToString(data.dims));
    }
  }
  int64_t stride[kMaxRank];
  DenseStrides(data.dims, stride);
  Status status;
  ForEachIndex(indices.dims, [&](int64_t i, const int64_t* at) {
    if (!status.ok()) return;
    const Result<int64_t> index = IndexAt(indices, i, data.dims[static_cast<size_t>(axis)]);
    if (!index.ok()) {
      status = index.status();
      return;
    }
    int64_t offset = *index * stride[axis];
    for (int d = 0; d < data.rank(); ++d) {
      if (d != axis) offset += at[d] * stride[d];
    }
    fn(i, offset);
  });
  return status;
}

Status InferGather(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  ADZE_TRY(CheckIndexType(*ctx.input(1)));
  ADZE_TRY(CheckRanks(ctx.shape(0), ctx.shape(1)));
  if (ctx.shape(0) != nullptr) {
    ADZE_TRY(NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(ctx.shape(0)->size())));
  }
  ctx.SetOutput(0, ctx.input(0)->dtype, ctx.input(1)->shape);
  return OkStatus();
}

Status EvalGather(const EvalContext& ctx) {
  const ConstTensorView& data = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckDims(y.dims, ctx.in(1).dims));
  return ForEachNamedElement(ctx, [&](int64_t i, int64_t offset) {
    // Cannot fail: no reduction.
    (void)ApplyScatter(ScatterReduction::kNone, y, i, data, offset, 1);
  });
}

Status InferScatter(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 3));
  ADZE_TRY(CheckIndexType(*ctx.input(1)));
  ADZE_TRY(CheckRanks(ctx.shape(0), ctx.shape(1)));
  ADZE_TRY(ReadScatterReduction(ctx.attrs));
  if (ctx.input(2)->dtype != ctx.input(0)->dtype) {
    return InvalidInput("updates and data have different element types");
  }
  if (ctx.shape(0) != nullptr) {
    ADZE_TRY(NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(ctx.shape(0)->size())));
  }
  return InferSameAsInput(ctx);
}

Status EvalScatter(const EvalContext& ctx) {
  const ConstTensorView& updates = ctx.in(2);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const ScatterReduction reduction, ReadScatterReduction(ctx.attrs));
  ADZE_TRY(CheckDims(updates.dims, ctx.in(1).dims));
  ADZE_TRY(EvalCopy(ctx));
  Status status;
  ADZE_TRY(ForEachNamedElement(ctx, [&](int64_t i, int64_t offset) {
    if (status.ok()) status = ApplyScatter(reduction, y, offset, updates, i, 1);
  }));
  return status;
}

constexpr AttrDef kGatherAttrs[] = {{"axis", AttrKind::kInt}};
constexpr AttrDef kScatterAttrs[] = {{"axis", AttrKind::kInt}, {"reduction", AttrKind::kString}};

}  // namespace

extern constexpr OpDef kGatherElementsOp = {
    .name = "GatherElements",
    .summary = "Picks one element per index along an axis",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kGatherAttrs,
    .infer = InferGather,
    .eval = EvalGather,
};

extern constexpr OpDef kScatterElementsOp = {
    .name = "ScatterElements",
    .summary = "The data with one element per index along an axis updated",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kScatterAttrs,
    .infer = InferScatter,
    .eval = EvalScatter,
};

}  // namespace adze
