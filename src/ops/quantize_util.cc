#include "ops/quantize_util.h"

#include <cmath>
#include <cstdio>

namespace adze {
namespace {

Result<int64_t> ReadBlockSize(const AttrMap& attrs) {
  const int64_t block = attrs.Int("block_size", 0);
  if (block < 0) return InvalidInput("block_size = " + std::to_string(block) + ", must be >= 0");
  return block;
}

// One element (rank 0 or 1) or, with channels, a vector of that many.
Status RequireOneOrVector(const InferContext& ctx, int i, const char* name,
                          const std::optional<Dim>& channels) {
  const Shape* const s = ctx.shape(i);
  if (!channels || s == nullptr || s->empty() || (s->size() == 1 && (*s)[0].IsConst(1))) {
    return RequireScalar(ctx, i, name);
  }
  return RequireVector(ctx, i, name, *channels);
}

// A float input whose elements, where they are known, are positive and finite: anything else is no
// scale, and what it would compute differs from consumer to consumer.
Status RequireScale(const InferContext& ctx, int i, const char* name) {
  ADZE_TRY(RequireDType(ctx, i, name, {DType::kFloat32, DType::kFloat16, DType::kBFloat16}));
  const ValueInfo* const info = ctx.input(i);
  if (info == nullptr || info->constant == nullptr) return OkStatus();
  const ConstTensorView scale = info->constant->view();
  for (int64_t k = 0; k < scale.size(); ++k) {
    const float v = FloatAt(scale, k);
    if (v > 0 && std::isfinite(v)) continue;
    char text[32];
    std::snprintf(text, sizeof(text), "%g", double{v});
    const std::string which = info->name.empty() ? "" : " '" + std::string(info->name) + "'";
    return InvalidInput(name + which + " holds " + text + ", must be positive and finite");
  }
  return OkStatus();
}

}  // namespace

Status CheckQuantizeInputs(const InferContext& ctx) {
  ADZE_TRY(RequireScale(ctx, 1, "scale"));
  ADZE_ASSIGN(const int64_t block, ReadBlockSize(ctx.attrs));
  const Shape* const x = ctx.shape(0);
  const Shape* const scale = ctx.shape(1);
  const Shape* const zero_point = ctx.shape(2);
  if (scale == nullptr) return OkStatus();
  if (zero_point != nullptr) {
    // ONNX Runtime's quantizer writes a bias of one channel with scale [1] and zero point [].
    const bool one_each = NumElements(*scale).IsConst(1) && NumElements(*zero_point).IsConst(1);
    bool same = one_each || zero_point->size() == scale->size();
    for (size_t i = 0; same && !one_each && i < scale->size(); ++i) {
      const Dim& a = (*scale)[i];
      const Dim& b = (*zero_point)[i];
      same = !a.is_const() || !b.is_const() || a == b;
    }
    if (!same) {
      return InvalidInput("scale has shape " + ShapeToString(*scale) + ", zero point " +
                          ShapeToString(*zero_point));
    }
  }
  if (scale->empty() || (scale->size() == 1 && (*scale)[0].IsConst(1) && block == 0)) {
    return OkStatus();
  }
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const int axis_index,
              NormalizeAxis(ctx.attrs.Int("axis", 1), static_cast<int>(x->size())));
  const size_t axis = static_cast<size_t>(axis_index);
  if (block == 0) return RequireVector(ctx, 1, "scale", (*x)[axis]);
  Shape expected = *x;
  expected[axis] = (*x)[axis].CeilDiv(block);
  bool ok = scale->size() == x->size();
  for (size_t i = 0; ok && i < expected.size(); ++i) {
    const Dim& a = (*scale)[i];
    ok = !a.is_const() || !expected[i].is_const() || a == expected[i];
  }
  if (!ok) {
    return InvalidInput("scale has shape " + ShapeToString(*scale) + ", must be " +
                        ShapeToString(expected) + " for blocks of " + std::to_string(block));
  }
  return OkStatus();
}

Result<QuantLayout> ReadQuantLayout(const AttrMap& attrs, const ConstTensorView& x,
                                    const ConstTensorView& scale,
                                    const ConstTensorView& zero_point) {
  QuantLayout l;
  ADZE_ASSIGN(const int64_t block, ReadBlockSize(attrs));
  ADZE_TRY(CheckSize(zero_point, scale.size(), "zero point"));
  l.per_tensor = scale.size() == 1 && scale.rank() <= 1 && (block == 0 || scale.rank() == 0);
  if (l.per_tensor) return l;
  ADZE_ASSIGN(const int axis_index, NormalizeAxis(attrs.Int("axis", 1), x.rank()));
  const size_t axis = static_cast<size_t>(axis_index);
  l.channels = x.dims[axis];
  l.inner = NumElements(x.dims.subspan(axis + 1));
  l.per_axis = block == 0;
  bool ok;
  if (l.per_axis) {
    ok = scale.size() == l.channels;
  } else {
    l.block = block;
    l.blocks = l.channels / block + (l.channels % block != 0 ? 1 : 0);
    ok = scale.rank() == x.rank();
    for (size_t i = 0; ok && i < x.dims.size(); ++i) {
      ok = scale.dims[i] == (i == axis ? l.blocks : x.dims[i]);
    }
  }
  if (!ok) return InvalidInput("the sizes of scale and input contradict each other");
  return l;
}

Result<int> ParameterAxis(const VjpContext& c) {
  const Shape scale = vjp::ShapeOf(c, c.input(1));
  if (NumElements(scale).IsConst(1)) return -1;
  if (c.attrs.Int("block_size", 0) != 0)
    return Unsupported("blocked parameters have no gradient rule");
  return NormalizeAxis(c.attrs.Int("axis", 1), vjp::RankOf(c, c.input(0)));
}

Status RequireQuantized(const InferContext& ctx, int tensor, int scale, int zero_point,
                        const char* name, std::optional<Dim> channels) {
  ADZE_TRY(RequireDType(ctx, tensor, name, {DType::kInt8, DType::kUInt8}));
  const std::string scale_name = std::string(name) + "_scale";
  ADZE_TRY(RequireScale(ctx, scale, scale_name.c_str()));
  ADZE_TRY(RequireOneOrVector(ctx, scale, scale_name.c_str(), channels));
  const std::string zero_point_name = std::string(name) + "_zero_point";
  ADZE_TRY(RequireSameDType(ctx, zero_point, zero_point_name.c_str(), tensor));
  return RequireOneOrVector(ctx, zero_point, zero_point_name.c_str(), channels);
}

Result<DType> RequireOutputParams(const InferContext& ctx, int scale, int zero_point,
                                  DType fallback) {
  ADZE_TRY(RequireScale(ctx, scale, "y_scale"));
  ADZE_TRY(RequireScalar(ctx, scale, "y_scale"));
  if (ctx.input(zero_point) == nullptr && fallback != DType::kUndefined) return fallback;
  ADZE_TRY(RequireDType(ctx, zero_point, "y_zero_point", {DType::kInt8, DType::kUInt8}));
  ADZE_TRY(RequireScalar(ctx, zero_point, "y_zero_point"));
  return ctx.input(zero_point)->dtype;
}

}  // namespace adze
