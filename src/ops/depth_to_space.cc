// DepthToSpace moves blocks of channels into the image, SpaceToDepth blocks of the image into
// channels.
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Result<int64_t> BlockSize(const AttrMap& attrs) {
  const int64_t b = attrs.Int("blocksize");
  if (b >= 1 && b <= 1024) return b;
  return InvalidInput("blocksize = " + std::to_string(b) + ", must be 1 to 1024");
}

// Whether the block position is the slow (DCR: depth, column, row) or the fast (CRD) part of the
// channel number.
Result<bool> BlockIsSlow(const AttrMap& attrs) {
  const std::string_view mode = attrs.String("mode", "DCR");
  if (mode == "DCR" || mode == "CRD") return mode == "DCR";
  return InvalidInput("mode = '" + std::string(mode) + "' is unknown");
}

// d / b, refused when it certainly leaves a rest.
Result<Dim> Divide(const Dim& d, int64_t b) {
  if (const std::optional<Dim> exact = d.DivExact(Dim(b))) return *exact;
  if (!d.is_const()) return d.FloorDiv(b);
  return InvalidInput("blocksize " + std::to_string(b) + " does not divide " + d.ToString());
}

Result<const Shape*> Image(const InferContext& ctx) {
  const Shape* const x = ctx.shape(0);
  if (x != nullptr && x->size() != 4) {
    return InvalidInput("input " + ShapeToString(*x) + " must have rank 4");
  }
  return x;
}

Status InferToSpace(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const int64_t b, BlockSize(ctx.attrs));
  ADZE_TRY(BlockIsSlow(ctx.attrs));
  ADZE_ASSIGN(const Shape* const x, Image(ctx));
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const Dim channels, Divide((*x)[1], b * b));
  return SetShape(ctx, 0, dtype, {(*x)[0], channels, (*x)[2] * Dim(b), (*x)[3] * Dim(b)});
}

Status InferToDepth(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const int64_t b, BlockSize(ctx.attrs));
  ADZE_ASSIGN(const Shape* const x, Image(ctx));
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const Dim h, Divide((*x)[2], b));
  ADZE_ASSIGN(const Dim w, Divide((*x)[3], b));
  return SetShape(ctx, 0, dtype, {(*x)[0], (*x)[1] * Dim(b * b), h, w});
}

// Copies between `deep` [n, c * b * b, h, w] and `wide` [n, c, h * b, w * b]; `to_wide` is the
// direction.
Status Move(const ConstTensorView& x, const TensorView& y, int64_t b, bool block_is_slow,
            bool to_wide) {
  const std::span<const int64_t> deep = to_wide ? x.dims : y.dims;
  const std::span<const int64_t> wide = to_wide ? y.dims : x.dims;
  if (deep.size() != 4 || wide.size() != 4 || deep[0] != wide[0] || deep[1] != wide[1] * b * b ||
      wide[2] != deep[2] * b || wide[3] != deep[3] * b) {
    return InvalidInput("blocksize " + std::to_string(b) + " does not map " + DimsToString(x.dims) +
                        " to " + DimsToString(y.dims));
  }
  const int64_t c = wide[1];
  const int64_t h = deep[2];
  const int64_t w = deep[3];
  const int64_t block = block_is_slow ? c * h * w : h * w;
  const int64_t channel = block_is_slow ? h * w : b * b * h * w;
  StridedBox box;
  const auto add = [&](int64_t dim, int64_t wide_stride, int64_t deep_stride) {
    box.Add(dim, to_wide ? wide_stride : deep_stride, to_wide ? deep_stride : wide_stride);
  };
  add(deep[0], c * b * b * h * w, c * b * b * h * w);
  add(c, b * b * h * w, channel);
  add(h, b * b * w, w);
  add(b, b * w, b * block);
  add(w, b, 1);
  add(b, 1, block);
  CopyStrided(box, SizeOf(x.dtype), y.data, x.data);
  return OkStatus();
}

Status EvalToSpace(const EvalContext& ctx) {
  ADZE_ASSIGN(const int64_t b, BlockSize(ctx.attrs));
  ADZE_ASSIGN(const bool block_is_slow, BlockIsSlow(ctx.attrs));
  return Move(ctx.in(0), ctx.out(0), b, block_is_slow, true);
}

Status EvalToDepth(const EvalContext& ctx) {
  ADZE_ASSIGN(const int64_t b, BlockSize(ctx.attrs));
  return Move(ctx.in(0), ctx.out(0), b, true, false);
}

// Each undoes the other where the block is the slow dimension.
Status VjpToSpace(VjpContext& c) {
  ADZE_ASSIGN(const int64_t b, BlockSize(c.attrs));
  ADZE_ASSIGN(const bool block_is_slow, BlockIsSlow(c.attrs));
  if (!block_is_slow) return Unsupported("mode 'CRD' has no gradient rule");
  c.SetGradient(0, vjp::Onnx(c, "SpaceToDepth", {c.gradient(0)}, {{"blocksize", b}}));
  return OkStatus();
}
Status VjpToDepth(VjpContext& c) {
  c.SetGradient(
      0, vjp::Onnx(c, "DepthToSpace", {c.gradient(0)}, {{"blocksize", c.attrs.Int("blocksize")}}));
  return OkStatus();
}

constexpr AttrDef kToSpaceAttrs[] = {{"blocksize", AttrKind::kInt, true},
                                     {"mode", AttrKind::kString}};
constexpr AttrDef kToDepthAttrs[] = {{"blocksize", AttrKind::kInt, true}};

}  // namespace

extern constexpr OpDef kDepthToSpaceOp = {
    .name = "DepthToSpace",
    .summary = "Moves blocks of channels into the image",
    .attrs = kToSpaceAttrs,
    .infer = InferToSpace,
    .eval = EvalToSpace,
    .vjp = VjpToSpace,
    .quant = {.kind = QuantKind::kSameScale},
};

extern constexpr OpDef kSpaceToDepthOp = {
    .name = "SpaceToDepth",
    .summary = "Moves blocks of the image into channels",
    .attrs = kToDepthAttrs,
    .infer = InferToDepth,
    .eval = EvalToDepth,
    .vjp = VjpToDepth,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
