#include "ops/op_util.h"

#include <algorithm>

namespace adze {

Status InferSameAsInput(InferContext& ctx) {
  const ValueInfo* const x = ctx.input(0);
  if (x == nullptr) return InvalidInput("input 0 is missing");
  ctx.SetOutput(0, x->dtype, x->shape);
  return OkStatus();
}

Result<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Dim x = i + a.size() >= rank ? a[i + a.size() - rank] : Dim(1);
    const Dim y = i + b.size() >= rank ? b[i + b.size() - rank] : Dim(1);
    if (x == y || y.IsConst(1)) {
      out[i] = x;
    } else if (x.IsConst(1)) {
      out[i] = y;
    } else if (x.is_const() && y.is_const()) {
      return InvalidInput("shapes " + ShapeToString(a) + " and " + ShapeToString(b) +
                          " cannot be broadcast together");
    } else if (x.is_const() || y.is_const()) {
      out[i] = x.is_const() ? x : y;
    } else {
      return Unsupported("broadcast of the symbolic dimensions " + x.ToString() + " and " +
                         y.ToString() + " is not known to be valid");
    }
  }
  return out;
}

Status InferBroadcast(InferContext& ctx, DType dtype) {
  const ValueInfo* const a = ctx.input(0);
  const ValueInfo* const b = ctx.input(1);
  if (a == nullptr || b == nullptr) return InvalidInput("needs two inputs");
  if (a->dtype != b->dtype) {
    return InvalidInput(std::string("inputs have different element types ") + DTypeName(a->dtype) +
                        " and " + DTypeName(b->dtype));
  }
  std::optional<Shape> shape;
  if (a->shape && b->shape) {
    ADZE_ASSIGN(shape, BroadcastShapes(*a->shape, *b->shape));
  }
  ctx.SetOutput(0, dtype == DType::kUndefined ? a->dtype : dtype, std::move(shape));
  return OkStatus();
}

Result<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return InvalidInput("axis = " + std::to_string(axis) + " is out of range for rank " +
                        std::to_string(rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Status UnsupportedDType(DType dtype) {
  return Unsupported(std::string("element type ") + DTypeName(dtype) + " is not supported");
}

Status CheckSameSize(const EvalContext& ctx) {
  if (ctx.in(0).size() == ctx.out(0).size()) return OkStatus();
  return InvalidInput("input has " + std::to_string(ctx.in(0).size()) +
                      " elements but the output " + std::to_string(ctx.out(0).size()));
}

Result<WindowGeometry> ReadWindowAttrs(const AttrMap& attrs, size_t spatial_rank,
                                       std::span<const int64_t> kernel_shape) {
  WindowGeometry g;
  const size_t n = spatial_rank;
  if (n < 1 || n > 3) {
    return Unsupported("needs an input with 1 to 3 spatial dimensions (rank 3 to 5)");
  }
  g.spatial_rank = static_cast<int>(n);
  const std::span<const int64_t> kernel_attr = attrs.Ints("kernel_shape");
  const std::span<const int64_t> kernel = kernel_attr.empty() ? kernel_shape : kernel_attr;
  if (kernel.size() != n) {
    return InvalidInput("kernel_shape has " + std::to_string(kernel.size()) + " values for " +
                        std::to_string(n) + " spatial dimensions");
  }
  const auto read = [&](std::string_view name, size_t count, int64_t min, auto assign) -> Status {
    const std::span<const int64_t> v = attrs.Ints(name);
    if (v.empty()) return OkStatus();
    if (v.size() != count) {
      return InvalidInput(std::string(name) + " has " + std::to_string(v.size()) +
                          " values, must have " + std::to_string(count));
    }
    for (size_t i = 0; i < count; ++i) {
      if (v[i] < min || v[i] > (1 << 24)) {
        return InvalidInput(std::string(name) + " = " + std::to_string(v[i]) +
                            " must be >= " + std::to_string(min) + " and at most 2^24");
      }
      assign(i, v[i]);
    }
    return OkStatus();
  };
  for (size_t i = 0; i < n; ++i) {
    if (kernel[i] < 1 || kernel[i] > (1 << 24)) {
      return InvalidInput("kernel_shape = " + std::to_string(kernel[i]) +
                          " must be >= 1 and at most 2^24");
    }
    g.kernel[i] = kernel[i];
  }
  ADZE_TRY(read("strides", n, 1, [&](size_t i, int64_t v) { g.stride[i] = v; }));
  ADZE_TRY(read("dilations", n, 1, [&](size_t i, int64_t v) { g.dilation[i] = v; }));
  ADZE_TRY(read("pads", 2 * n, 0,
                [&](size_t i, int64_t v) { (i < n ? g.pad_begin[i] : g.pad_end[i - n]) = v; }));
  return g;
}

namespace {

// Sizes above this are refused, so that products with strides and kernels cannot overflow.
constexpr int64_t kMaxSpatialSize = int64_t{1} << 31;

// `sizes`: the spatial dims of the input, -1 where symbolic.
Result<WindowGeometry> ReadWindowSizes(const AttrMap& attrs, const int64_t* sizes, size_t n,
                                       std::span<const int64_t> kernel_shape) {
  ADZE_ASSIGN(WindowGeometry g, ReadWindowAttrs(attrs, n, kernel_shape));
  for (size_t i = 0; i < n; ++i) {
    if (sizes[i] > kMaxSpatialSize) {
      return InvalidInput("spatial dimension of size " + std::to_string(sizes[i]) +
                          " is too large");
    }
  }
  const std::string_view auto_pad = attrs.String("auto_pad", "NOTSET");
  if (auto_pad == "NOTSET") return g;
  std::fill_n(g.pad_begin, 3, 0);
  std::fill_n(g.pad_end, 3, 0);
  if (auto_pad == "VALID") return g;
  if (auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
    return InvalidInput("auto_pad = '" + std::string(auto_pad) + "' is unknown");
  }
  for (size_t i = 0; i < n; ++i) {
    const int64_t extent = (g.kernel[i] - 1) * g.dilation[i] + 1;
    int64_t total;
    if (g.stride[i] == 1) {
      total = extent - 1;
    } else if (sizes[i] >= 0) {
      const int64_t out = (sizes[i] + g.stride[i] - 1) / g.stride[i];
      total = std::max<int64_t>(0, (out - 1) * g.stride[i] + extent - sizes[i]);
    } else {
      return Unsupported("auto_pad = " + std::string(auto_pad) +
                         " with stride > 1 on a symbolic dimension");
    }
    const int64_t small = total / 2;
    g.pad_begin[i] = auto_pad == "SAME_UPPER" ? small : total - small;
    g.pad_end[i] = total - g.pad_begin[i];
  }
  return g;
}

}  // namespace

Result<WindowGeometry> ReadWindow(const AttrMap& attrs, const Shape& x,
                                  std::span<const int64_t> kernel_shape) {
  int64_t sizes[3] = {-1, -1, -1};
  for (size_t i = 2; i < x.size() && i < 5; ++i) {
    if (x[i].is_const()) sizes[i - 2] = x[i].value();
  }
  return ReadWindowSizes(attrs, sizes, x.size() < 2 ? 0 : x.size() - 2, kernel_shape);
}

Result<WindowGeometry> ReadWindow(const AttrMap& attrs, std::span<const int64_t> x_dims,
                                  std::span<const int64_t> kernel_shape) {
  if (x_dims.size() < 2) return InvalidInput("input has less than 2 dimensions");
  return ReadWindowSizes(attrs, x_dims.data() + 2, x_dims.size() - 2, kernel_shape);
}

Dim WindowOutput(const WindowGeometry& g, int i, const Dim& input, bool ceil_mode) {
  const int64_t extent = (g.kernel[i] - 1) * g.dilation[i] + 1;
  const Dim room = input + (g.pad_begin[i] + g.pad_end[i] - extent);
  if (!ceil_mode) return room.FloorDiv(g.stride[i]) + 1;
  const Dim out = room.CeilDiv(g.stride[i]) + 1;
  // A last window that would start in the end padding is dropped.
  if (out.is_const() && input.is_const() &&
      (out.value() - 1) * g.stride[i] >= input.value() + g.pad_begin[i]) {
    return out - 1;
  }
  return out;
}

}  // namespace adze
