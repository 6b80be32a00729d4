#include "ops/pool_util.h"

namespace adze {

Result<std::optional<Shape>> InferPoolShape(const InferContext& ctx) {
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return std::optional<Shape>();
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(ctx.attrs, *x, {}));
  const bool ceil_mode = ctx.attrs.Int("ceil_mode") != 0;
  Shape y = {(*x)[0], (*x)[1]};
  for (int i = 0; i < g.spatial_rank; ++i) {
    const int64_t extent = (g.kernel[i] - 1) * g.dilation[i] + 1;
    if (std::max(g.pad_begin[i], g.pad_end[i]) >= extent) {
      return InvalidInput("pads = " + std::to_string(std::max(g.pad_begin[i], g.pad_end[i])) +
                          " must be smaller than the window, which spans " +
                          std::to_string(extent));
    }
    ADZE_ASSIGN(Dim out, CheckedWindowOutput(g, i, (*x)[static_cast<size_t>(i) + 2], ceil_mode));
    y.push_back(std::move(out));
  }
  return std::optional<Shape>(std::move(y));
}

Result<std::optional<Shape>> InferGlobalPoolShape(const InferContext& ctx) {
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return std::optional<Shape>();
  if (x->size() < 3) {
    return InvalidInput("needs at least one spatial dimension, input is " + ShapeToString(*x));
  }
  Shape y(x->size(), Dim(1));
  y[0] = (*x)[0];
  y[1] = (*x)[1];
  return std::optional<Shape>(std::move(y));
}

Result<PoolDims> ReadPoolDims(const AttrMap& attrs, std::span<const int64_t> x,
                              std::span<const int64_t> y) {
  PoolDims d;
  ADZE_ASSIGN(d.window, ReadWindow(attrs, x, {}));
  if (y.size() != x.size() || x[0] != y[0] || x[1] != y[1]) {
    return InvalidInput("input and output sizes contradict each other");
  }
  d.x = ReadImageDims(x);
  d.y = ReadImageDims(y);
  return d;
}

int64_t AverageCount(const PoolDims& d, const TapRange taps[3], bool count_include_pad) {
  int64_t count = 1;
  for (int i = 0; i < 3; ++i) {
    if (!count_include_pad) {
      count *= taps[i].end - taps[i].begin;
    } else {
      const int64_t room = d.x.size[i] + d.window.pad_end[i] - taps[i].start;
      const int64_t step = d.window.dilation[i];
      count *= std::min(d.window.kernel[i], (room + step - 1) / step);
    }
  }
  return count;
}

Result<GlobalPoolDims> ReadGlobalPoolDims(std::span<const int64_t> x, std::span<const int64_t> y) {
  GlobalPoolDims d;
  if (x.size() < 2 || y.size() != x.size() || y[0] != x[0] || y[1] != x[1]) {
    return InvalidInput("input and output sizes contradict each other");
  }
  d.planes = x[0] * x[1];
  d.plane_size = NumElements(x.subspan(2));
  return d;
}

}  // namespace adze
