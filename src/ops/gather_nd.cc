// GatherND: slices of `data` named by index vectors (the last dimension of `indices`); ScatterND:
// its inverse.
#include "ops/op_util.h"
#include "ops/scatter.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Result<int> BatchDims(const AttrMap& attrs, size_t data_rank, size_t indices_rank) {
  const int64_t b = attrs.Int("batch_dims");
  if (b < 0 || b >= static_cast<int64_t>(data_rank) || b >= static_cast<int64_t>(indices_rank)) {
    return InvalidInput("batch_dims = " + std::to_string(b) + " does not fit ranks " +
                        std::to_string(data_rank) + " and " + std::to_string(indices_rank));
  }
  return static_cast<int>(b);
}

Status CheckDepth(int64_t depth, int batch, size_t data_rank) {
  if (depth >= 1 && depth <= static_cast<int64_t>(data_rank) - batch) return OkStatus();
  return InvalidInput("index vectors of length " + std::to_string(depth) +
                      " do not fit data of rank " + std::to_string(data_rank));
}

Status InferGather(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  ADZE_TRY(CheckIndexType(*ctx.input(1)));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  const Shape* const data = ctx.shape(0);
  const Shape* const indices = ctx.shape(1);
  if (data == nullptr || indices == nullptr) return OkStatus();
  ADZE_ASSIGN(const int batch, BatchDims(ctx.attrs, data->size(), indices->size()));
  if (!indices->back().is_const()) return OkStatus();
  const int64_t depth = indices->back().value();
  ADZE_TRY(CheckDepth(depth, batch, data->size()));
  Shape out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), data->begin() + batch + depth, data->end());
  return SetShape(ctx, 0, dtype, std::move(out));
}

// Calls fn(i, offset) for index vector i and the offset in `data` of the slice that it names; a
// slice has `*slice` elements.
template <typename Fn>
Status ForEachNamedSlice(const ConstTensorView& data, const ConstTensorView& indices, int batch,
                         int64_t* slice, Fn&& fn) {
  const int64_t depth = indices.dims.back();
  ADZE_TRY(CheckDepth(depth, batch, data.dims.size()));
  int64_t stride[kMaxRank];
  DenseStrides(data.dims, stride);
  int64_t batches = 1;
  for (int d = 0; d < batch; ++d) {
    const size_t i = static_cast<size_t>(d);
    if (data.dims[i] != indices.dims[i]) {
      return InvalidInput("data " + DimsToString(data.dims) + " and indices " +
                          DimsToString(indices.dims) + " differ in batch dimensions");
    }
    batches *= data.dims[i];
  }
  *slice = stride[batch + depth - 1];
  if (indices.size() == 0) return OkStatus();
  const int64_t n = indices.size() / depth;
  const int64_t batch_size = data.size() / batches;
  for (int64_t i = 0; i < n; ++i) {
    int64_t offset = i / (n / batches) * batch_size;
    for (int64_t k = 0; k < depth; ++k) {
      ADZE_ASSIGN(const int64_t at,
                  IndexAt(indices, i * depth + k, data.dims[static_cast<size_t>(batch + k)]));
      offset += at * stride[batch + k];
    }
    ADZE_TRY(fn(i, offset));
  }
  return OkStatus();
}

Status EvalGather(const EvalContext& ctx) {
  const ConstTensorView& data = ctx.in(0);
  const ConstTensorView& indices = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int batch, BatchDims(ctx.attrs, data.dims.size(), indices.dims.size()));
  int64_t slice = 0;
  return ForEachNamedSlice(data, indices, batch, &slice, [&](int64_t i, int64_t offset) -> Status {
    if ((i + 1) * slice > y.size()) {
      return InvalidInput("output of shape " + DimsToString(y.dims) + " is too small");
    }
    return ApplyScatter(ScatterReduction::kNone, y, i * slice, data, offset, slice);
  });
}

Status InferScatter(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 3));
  ADZE_TRY(CheckIndexType(*ctx.input(1)));
  ADZE_TRY(ReadScatterReduction(ctx.attrs));
  if (ctx.input(2)->dtype != ctx.input(0)->dtype) {
    return InvalidInput("updates and data have different element types");
  }
  const Shape* const data = ctx.shape(0);
  const Shape* const indices = ctx.shape(1);
  if (indices != nullptr && indices->empty()) return InvalidInput("indices are a scalar");
  if (data != nullptr && indices != nullptr && indices->back().is_const()) {
    ADZE_TRY(CheckDepth(indices->back().value(), 0, data->size()));
  }
  return InferSameAsInput(ctx);
}

Status EvalScatter(const EvalContext& ctx) {
  const ConstTensorView& updates = ctx.in(2);
  const ConstTensorView& indices = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const ScatterReduction reduction, ReadScatterReduction(ctx.attrs));
  if (indices.rank() == 0) return InvalidInput("indices are a scalar");
  ADZE_TRY(EvalCopy(ctx));
  int64_t slice = 0;
  return ForEachNamedSlice(ctx.in(0), indices, 0, &slice, [&](int64_t i, int64_t offset) -> Status {
    if ((i + 1) * slice > updates.size()) {
      return InvalidInput("updates of shape " + DimsToString(updates.dims) + " are too small");
    }
    return ApplyScatter(reduction, y, offset, updates, i * slice, slice);
  });
}

constexpr AttrDef kGatherAttrs[] = {{"batch_dims", AttrKind::kInt}};
constexpr AttrDef kScatterAttrs[] = {{"reduction", AttrKind::kString}};

}  // namespace

extern constexpr OpDef kGatherNDOp = {
    .name = "GatherND",
    .summary = "Slices of the data named by index vectors",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kGatherAttrs,
    .infer = InferGather,
    .eval = EvalGather,
};

extern constexpr OpDef kScatterNDOp = {
    .name = "ScatterND",
    .summary = "The data with the slices named by index vectors updated",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kScatterAttrs,
    .infer = InferScatter,
    .eval = EvalScatter,
};

}  // namespace adze
