#include "ops/conv_util.h"

namespace adze {
namespace {

Status CheckGroup(int64_t group) {
  if (group >= 1 && group <= (int64_t{1} << 31)) return OkStatus();
  return InvalidInput("group = " + std::to_string(group) + ", must be >= 1");
}

Status NotDivisible(const char* what, int64_t value, int64_t group) {
  return InvalidInput(std::string(what) + " " + std::to_string(value) +
                      " are not divisible by group " + std::to_string(group));
}

}  // namespace

Result<std::optional<Shape>> InferConvShape(const InferContext& ctx, int x_input, int w_input) {
  const int64_t group = ctx.attrs.Int("group", 1);
  ADZE_TRY(CheckGroup(group));
  const Shape* const x = ctx.shape(x_input);
  const Shape* const w = ctx.shape(w_input);
  if (x == nullptr || w == nullptr) return std::optional<Shape>();
  if (w->size() != x->size()) {
    return InvalidInput("weight " + ShapeToString(*w) + " and input " + ShapeToString(*x) +
                        " have different ranks");
  }
  const std::span<const int64_t> kernel_attr = ctx.attrs.Ints("kernel_shape");
  int64_t kernel[3];
  const size_t n = x->size() < 2 ? 0 : std::min<size_t>(x->size() - 2, 3);
  for (size_t i = 0; i < n; ++i) {
    const Dim& k = (*w)[i + 2];
    const bool given = i < kernel_attr.size();
    if (!k.is_const() && !given) return Unsupported("the kernel size is not known");
    if (k.is_const() && given && k.value() != kernel_attr[i]) {
      return InvalidInput("kernel_shape has " + std::to_string(kernel_attr[i]) +
                          " where the weight is " + ShapeToString(*w));
    }
    kernel[i] = k.is_const() ? k.value() : kernel_attr[i];
  }
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(ctx.attrs, *x, {kernel, n}));
  if (const Dim in = Dim(group) * (*w)[1];
      (*x)[1].is_const() && in.is_const() && !((*x)[1] == in)) {
    return InvalidInput("input has " + (*x)[1].ToString() + " channels, weight " +
                        ShapeToString(*w) + " with group " + std::to_string(group) + " needs " +
                        in.ToString());
  }
  if ((*w)[0].is_const() && (*w)[0].value() % group != 0) {
    return NotDivisible("output channels", (*w)[0].value(), group);
  }
  Shape y = {(*x)[0], (*w)[0]};
  for (size_t i = 0; i < n; ++i) {
    ADZE_ASSIGN(Dim out, CheckedWindowOutput(g, static_cast<int>(i), (*x)[i + 2], false));
    y.push_back(std::move(out));
  }
  return std::optional<Shape>(std::move(y));
}

Status RequirePerOutputChannel(const InferContext& ctx, int i, const char* name, int w_input) {
  const Shape* const w = ctx.shape(w_input);
  if (ctx.input(i) == nullptr || w == nullptr || w->empty()) return OkStatus();
  return RequireVector(ctx, i, name, (*w)[0]);
}

Result<ConvDims> ReadConvDims(const AttrMap& attrs, std::span<const int64_t> x,
                              std::span<const int64_t> w, std::span<const int64_t> y) {
  if (x.size() < 3 || x.size() > 5 || w.size() != x.size() || y.size() != x.size()) {
    return InvalidInput("input, weight and output have different ranks");
  }
  ConvDims d;
  ADZE_ASSIGN(d.window, ReadWindow(attrs, x, w.subspan(2)));
  d.x = ReadImageDims(x);
  d.y = ReadImageDims(y);
  d.group = attrs.Int("group", 1);
  ADZE_TRY(CheckGroup(d.group));
  d.group_in = w[1];
  d.group_out = w[0] / d.group;
  bool ok = x[0] == y[0] && x[1] == d.group_in * d.group && w[0] == y[1] && w[0] % d.group == 0;
  for (size_t i = 2; i < w.size(); ++i) ok = ok && w[i] == d.window.kernel[i - 2];
  if (!ok) return InvalidInput("input, weight and output sizes contradict each other");
  return d;
}

int64_t ConvMacs(std::span<const int64_t> w, std::span<const int64_t> y) {
  return w.empty() ? 0 : MulCount(NumElements(y), NumElements(w.subspan(1)));
}

}  // namespace adze
