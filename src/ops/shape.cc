// Shape and Size: the dimensions of a tensor, and how many elements it has, as values. Where
// symbolic sizes enter shape arithmetic.
#include <algorithm>

#include "ops/shape_util.h"

namespace adze {
namespace {

// The dimensions [begin, end) that Shape reports.
struct DimRange {
  size_t begin;
  size_t end;
};
DimRange ReadRange(const AttrMap& attrs, size_t rank) {
  const auto clamp = [&](int64_t i) {
    const int64_t r = static_cast<int64_t>(rank);
    return static_cast<size_t>(std::clamp<int64_t>(i < 0 ? i + r : i, 0, r));
  };
  const size_t begin = clamp(attrs.Int("start", 0));
  return {begin, std::max(begin, clamp(attrs.Int("end", INT64_MAX)))};
}

Status InferShape(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  ctx.SetOutput(0, DType::kInt64, std::nullopt);
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  const DimRange r = ReadRange(ctx.attrs, x->size());
  std::vector<Dim> dims(x->begin() + static_cast<int64_t>(r.begin),
                        x->begin() + static_cast<int64_t>(r.end));
  ADZE_TRY(SetShape(ctx, 0, DType::kInt64, {Dim(static_cast<int64_t>(dims.size()))}));
  SetElements(ctx, 0, std::move(dims));
  return OkStatus();
}

Status EvalShape(const EvalContext& ctx) {
  const std::span<const int64_t> dims = ctx.in(0).dims;
  const DimRange r = ReadRange(ctx.attrs, dims.size());
  const TensorView& y = ctx.out(0);
  const int64_t n = static_cast<int64_t>(r.end - r.begin);
  ADZE_TRY(CheckDims(y.dims, {&n, 1}));
  for (size_t i = r.begin; i < r.end; ++i) y.as<int64_t>()[i - r.begin] = dims[i];
  return OkStatus();
}

Status InferSize(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  ADZE_TRY(SetShape(ctx, 0, DType::kInt64, {}));
  if (ctx.shape(0) != nullptr) SetElements(ctx, 0, std::vector<Dim>{NumElements(*ctx.shape(0))});
  return OkStatus();
}

Status EvalSize(const EvalContext& ctx) {
  ADZE_TRY(CheckDims(ctx.out(0).dims, {}));
  ctx.out(0).as<int64_t>()[0] = ctx.in(0).size();
  return OkStatus();
}

constexpr AttrDef kShapeAttrs[] = {{"end", AttrKind::kInt}, {"start", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kShapeOp = {
    .name = "Shape",
    .summary = "The dimensions of the input as an int64 vector",
    .attrs = kShapeAttrs,
    .infer = InferShape,
    .eval = EvalShape,
};

extern constexpr OpDef kSizeOp = {
    .name = "Size",
    .summary = "The number of elements of the input",
    .infer = InferSize,
    .eval = EvalSize,
};

}  // namespace adze
