// Gather: entries of `data` along one axis, picked by a tensor of indices.
#include <cstring>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  ADZE_TRY(CheckIndexType(*ctx.input(1)));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  const Shape* const data = ctx.shape(0);
  const Shape* const indices = ctx.shape(1);
  if (data == nullptr || indices == nullptr) return OkStatus();
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(data->size())));
  Shape out(data->begin(), data->begin() + axis);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), data->begin() + axis + 1, data->end());
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  const auto from = KnownElements(ctx, 0);
  const auto picked = KnownElements(ctx, 1);
  const auto at = picked ? ToConstDims(*picked) : std::nullopt;
  if (!from || !at) return OkStatus();
  std::vector<Dim> elements;
  const int64_t n = static_cast<int64_t>(from->size());
  for (const int64_t i : *at) {
    if (i < -n || i >= n) {
      return InvalidInput("index " + std::to_string(i) + " is out of range for a dimension of " +
                          std::to_string(n));
    }
    elements.push_back((*from)[static_cast<size_t>(i < 0 ? i + n : i)]);
  }
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& data = ctx.in(0);
  const ConstTensorView& indices = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), data.rank()));
  const AxisView from(data.dims, axis);
  const int64_t n = indices.size();
  if (y.size() != from.outer * n * from.inner) {
    return InvalidInput("output of shape " + DimsToString(y.dims) + " does not fit data " +
                        DimsToString(data.dims) + " and indices " + DimsToString(indices.dims));
  }
  if (y.size() == 0) return OkStatus();
  const size_t row = static_cast<size_t>(from.inner) * SizeOf(data.dtype);
  const char* const in = static_cast<const char*>(data.data);
  char* out = static_cast<char*>(y.data);
  for (int64_t o = 0; o < from.outer; ++o) {
    for (int64_t i = 0; i < n; ++i, out += row) {
      ADZE_ASSIGN(const int64_t at, IndexAt(indices, i, from.dim));
      std::memcpy(out, in + static_cast<size_t>(o * from.dim + at) * row, row);
    }
  }
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"axis", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kGatherOp = {
    .name = "Gather",
    .summary = "Entries along one axis, picked by indices",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
