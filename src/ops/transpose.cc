// Transpose: y[i0, i1, ...] = x with dimension perm[d] of the input as dimension d of the output.
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

// The permutation, by default the reverse order. Refuses what is none.
Result<SmallInts> ReadPerm(const AttrMap& attrs, size_t rank) {
  SmallInts perm;
  perm.size = static_cast<int>(rank);
  const std::span<const int64_t> given = attrs.Ints("perm");
  if (!attrs.Has("perm")) {
    for (int i = 0; i < perm.size; ++i) perm[i] = perm.size - 1 - i;
    return perm;
  }
  if (given.size() != rank) {
    return InvalidInput("perm " + DimsToString(given) + " does not fit an input of rank " +
                        std::to_string(rank));
  }
  ADZE_TRY(AxisMask(given, perm.size));
  for (int i = 0; i < perm.size; ++i) {
    perm[i] = given[static_cast<size_t>(i)];
    if (perm[i] < 0) perm[i] += perm.size;
  }
  return perm;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const SmallInts perm, ReadPerm(ctx.attrs, x->size()));
  Shape out;
  for (const int64_t p : perm.span()) out.push_back((*x)[static_cast<size_t>(p)]);
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(out)));
  ForwardElements(ctx, 0, 0);
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const SmallInts perm, ReadPerm(ctx.attrs, x.dims.size()));
  int64_t x_stride[kMaxRank];
  int64_t y_stride[kMaxRank] = {};
  DenseStrides(x.dims, x_stride);
  DenseStrides(y.dims, y_stride);
  StridedBox box;
  for (int d = 0; d < perm.size; ++d) {
    box.Add(x.dims[static_cast<size_t>(perm[d])], y_stride[d], x_stride[perm[d]]);
  }
  ADZE_TRY(CheckDims(y.dims, {box.dims, x.dims.size()}));
  CopyStrided(box, SizeOf(x.dtype), y.data, x.data);
  return OkStatus();
}

Status Vjp(VjpContext& c) {
  ADZE_ASSIGN(const SmallInts perm, ReadPerm(c.attrs, vjp::ShapeOf(c, c.input(0)).size()));
  std::vector<int64_t> inverse(static_cast<size_t>(perm.size));
  for (int i = 0; i < perm.size; ++i) inverse[static_cast<size_t>(perm[i])] = i;
  c.SetGradient(0, vjp::Transpose(c, c.gradient(0), std::move(inverse)));
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"perm", AttrKind::kInts}};

}  // namespace

extern constexpr OpDef kTransposeOp = {
    .name = "Transpose",
    .summary = "Permutes the dimensions",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
