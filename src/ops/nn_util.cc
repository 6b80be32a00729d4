#include "ops/nn_util.h"

namespace adze {
namespace {

std::string Quoted(const char* name) { return "input '" + std::string(name) + "'"; }

}  // namespace

Status RequireInput(const InferContext& ctx, int i, const char* name) {
  if (ctx.input(i) == nullptr) return InvalidInput(Quoted(name) + " is missing");
  return OkStatus();
}

Status RequireFloat(const InferContext& ctx, int i, const char* name) {
  return RequireDType(ctx, i, name,
                      {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64});
}

Status RequireDType(const InferContext& ctx, int i, const char* name,
                    std::initializer_list<DType> allowed) {
  ADZE_TRY(RequireInput(ctx, i, name));
  const DType dtype = ctx.input(i)->dtype;
  std::string list;
  for (DType a : allowed) {
    if (dtype == a) return OkStatus();
    list += (list.empty() ? "" : ", ") + std::string(DTypeName(a));
  }
  return Unsupported(Quoted(name) + " has element type " + DTypeName(dtype) +
                     ", supported: " + list);
}

Status RequireSameDType(const InferContext& ctx, int i, const char* name, int other) {
  const ValueInfo* const a = ctx.input(i);
  const ValueInfo* const b = ctx.input(other);
  if (a == nullptr || b == nullptr || a->dtype == b->dtype) return OkStatus();
  return InvalidInput(Quoted(name) + " has element type " + DTypeName(a->dtype) + ", must be " +
                      DTypeName(b->dtype));
}

Status RequireScalar(const InferContext& ctx, int i, const char* name) {
  const Shape* const s = ctx.shape(i);
  if (s == nullptr || s->empty()) return OkStatus();
  if (s->size() == 1 && (!(*s)[0].is_const() || (*s)[0].IsConst(1))) return OkStatus();
  return InvalidInput(Quoted(name) + " must have one element, is " + ShapeToString(*s));
}

Status RequireVector(const InferContext& ctx, int i, const char* name, const Dim& size) {
  const Shape* const s = ctx.shape(i);
  if (s == nullptr) return OkStatus();
  if (s->size() == 1 && (!size.is_const() || !(*s)[0].is_const() || (*s)[0] == size)) {
    return OkStatus();
  }
  return InvalidInput(Quoted(name) + " has shape " + ShapeToString(*s) + ", must be [" +
                      size.ToString() + "]");
}

Result<Dim> SameDim(const Dim& a, const Dim& b, const char* what) {
  if (a.is_const() && b.is_const() && !(a == b)) {
    return InvalidInput(std::string(what) + ": " + a.ToString() + " and " + b.ToString() +
                        " must be equal");
  }
  return a.is_const() ? a : b;
}

Result<Dim> CheckedWindowOutput(const WindowGeometry& g, int i, const Dim& input, bool ceil_mode) {
  const int64_t extent = (g.kernel[i] - 1) * g.dilation[i] + 1;
  if (ceil_mode && !input.is_const() && g.pad_end[i] + g.stride[i] > extent) {
    return Unsupported(
        "ceil_mode with stride and end padding larger than the window on dimension " +
        input.ToString());
  }
  const Dim out = WindowOutput(g, i, input, ceil_mode);
  if (out.is_const() && out.value() < 1) {
    return InvalidInput("the window spans " + std::to_string(extent) +
                        ", more than the padded input " +
                        std::to_string(input.value() + g.pad_begin[i] + g.pad_end[i]));
  }
  return out;
}

Status CheckSize(const ConstTensorView& t, int64_t size, const char* name) {
  if (!t.present() || t.size() == size) return OkStatus();
  return InvalidInput(Quoted(name) + " has " + std::to_string(t.size()) + " elements, must have " +
                      std::to_string(size));
}

Status CheckBroadcast(std::span<const int64_t> from, std::span<const int64_t> to) {
  bool ok = from.size() <= to.size();
  for (size_t i = 0; ok && i < from.size(); ++i) {
    ok = from[i] == 1 || from[i] == to[to.size() - from.size() + i];
  }
  return ok ? OkStatus() : InvalidInput("input dimensions do not broadcast to the output's");
}

Status CheckQuantParams(const QuantParamView& q, const char* name, int64_t channels) {
  for (const ConstTensorView& t : {q.scale, q.zero_point}) {
    if (!t.present() || t.size() == 1 || (channels >= 0 && t.size() == channels)) continue;
    return InvalidInput(Quoted(name) + ": scale or zero point has " + std::to_string(t.size()) +
                        " elements");
  }
  return OkStatus();
}

ImageDims ReadImageDims(std::span<const int64_t> dims) {
  ImageDims d;
  d.batch = dims[0];
  d.channels = dims[1];
  for (size_t i = 2; i < dims.size(); ++i) d.size[i - 2] = dims[i];
  return d;
}

}  // namespace adze
