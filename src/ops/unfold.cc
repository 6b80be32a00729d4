// adze.Unfold and its adjoint adze.Fold: the windows of an image as the columns of a matrix, and
// the sum of such columns back into an image. With them a convolution is a matrix product, and so
// are its gradients, for any stride, dilation, padding and grouping.
//
//   x [N, C, spatial...]  <->  columns [N, C * window, positions]
//
// Rows are ordered as a convolution weight [.., C, window...] is; columns as its output pixels.
#include <algorithm>
#include <cstring>

#include "ops/nn_util.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"auto_pad", AttrKind::kString},
    {"dilations", AttrKind::kInts},
    {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
};

// The shape of the columns of an image of shape `x`.
Result<Shape> ColumnShape(const AttrMap& attrs, const Shape& x) {
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(attrs, x, {}));
  Shape columns = {x[0], x[1], 1};
  for (int i = 0; i < g.spatial_rank; ++i) {
    ADZE_ASSIGN(const Dim out, CheckedWindowOutput(g, i, x[static_cast<size_t>(i) + 2], false));
    columns[1] = columns[1] * g.kernel[i];
    columns[2] = columns[2] * out;
  }
  return columns;
}

Status InferUnfold(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "x"));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  if (ctx.shape(0) == nullptr) return OkStatus();
  ADZE_ASSIGN(Shape columns, ColumnShape(ctx.attrs, *ctx.shape(0)));
  return SetShape(ctx, 0, dtype, std::move(columns));
}

Status InferFold(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "columns"));
  ADZE_TRY(RequireInput(ctx, 1, "shape"));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(auto image, ShapeInput(ctx, 1, "shape"));
  if (!image) return OkStatus();
  if (const Shape* const columns = ctx.shape(0)) {
    ADZE_ASSIGN(const Shape expected, ColumnShape(ctx.attrs, *image));
    if (columns->size() != 3) {
      return InvalidInput("columns have shape " + ShapeToString(*columns) + ", must have rank 3");
    }
    for (size_t i = 0; i < 3; ++i) ADZE_TRY(SameDim((*columns)[i], expected[i], "columns"));
  }
  return SetShape(ctx, 0, dtype, std::move(*image));
}

// The walk over all windows, with the spatial dimensions aligned at the right: the last one is the
// run that a copy handles at once.
struct Walk {
  int64_t planes = 0;  // batch * channels
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, pad[3] = {};
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};

  // Calls fn(index in x, index in the columns, length) for each run of one tap that lies inside the
  // image; along a run x advances by stride[2].
  template <typename Fn>
  void ForEachRun(Fn&& fn) const {
    const int64_t positions = out[0] * out[1] * out[2];
    int64_t row = 0;
    for (int64_t p = 0; p < planes; ++p) {
      for (int64_t a = 0; a < kernel[0]; ++a) {
        for (int64_t b = 0; b < kernel[1]; ++b) {
          for (int64_t c = 0; c < kernel[2]; ++c, row += positions) {
            Tap(p, row,
                {a * dilation[0] - pad[0], b * dilation[1] - pad[1], c * dilation[2] - pad[2]}, fn);
          }
        }
      }
    }
  }

 private:
  struct Offset {
    int64_t at[3];
  };
  template <typename Fn>
  void Tap(int64_t plane, int64_t row, const Offset& offset, Fn&& fn) const {
    int64_t begin[3], end[3];  // output positions whose tap is inside
    for (int i = 0; i < 3; ++i) {
      const int64_t o = offset.at[i];
      begin[i] = o >= 0 ? 0 : (-o + stride[i] - 1) / stride[i];
      end[i] = o >= in[i] ? 0 : std::min(out[i], (in[i] - 1 - o) / stride[i] + 1);
      if (begin[i] >= end[i]) return;
    }
    for (int64_t y = begin[0]; y < end[0]; ++y) {
      for (int64_t x = begin[1]; x < end[1]; ++x) {
        const int64_t line =
            (plane * in[0] + y * stride[0] + offset.at[0]) * in[1] + x * stride[1] + offset.at[1];
        fn(line * in[2] + begin[2] * stride[2] + offset.at[2],
           row + (y * out[1] + x) * out[2] + begin[2], end[2] - begin[2]);
      }
    }
  }
};

// Checked: every index that the walk gives is inside both tensors.
Result<Walk> ReadWalk(const AttrMap& attrs, std::span<const int64_t> image,
                      std::span<const int64_t> columns) {
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(attrs, image, {}));
  Walk w;
  w.planes = image[0] * image[1];
  int64_t rows = image[1];
  int64_t positions = 1;
  for (int i = 0; i < g.spatial_rank; ++i) {
    const int to = 3 - g.spatial_rank + i;
    w.kernel[to] = g.kernel[i];
    w.stride[to] = g.stride[i];
    w.dilation[to] = g.dilation[i];
    w.pad[to] = g.pad_begin[i];
    w.in[to] = image[static_cast<size_t>(i) + 2];
    ADZE_ASSIGN(const Dim out, CheckedWindowOutput(g, i, w.in[to], false));
    w.out[to] = out.value();
    rows = MulCount(rows, g.kernel[i]);
    positions = MulCount(positions, w.out[to]);
  }
  if (columns.size() != 3 || columns[0] != image[0] || columns[1] != rows ||
      columns[2] != positions) {
    return InvalidInput("columns " + DimsToString(columns) + " do not belong to an image " +
                        DimsToString(image));
  }
  return w;
}

// Calls fn(T{}) for the float types gradients are computed in.
template <typename Fn>
Status DispatchReal(DType dtype, Fn&& fn) {
  if (dtype == DType::kFloat32) {
    fn(float{});
  } else if (dtype == DType::kFloat64) {
    fn(double{});
  } else {
    return UnsupportedDType(dtype);
  }
  return OkStatus();
}

Status EvalUnfold(const EvalContext& ctx) {
  const ConstTensorView& image = ctx.in(0);
  const TensorView& columns = ctx.out(0);
  ADZE_ASSIGN(const Walk walk, ReadWalk(ctx.attrs, image.dims, columns.dims));
  return DispatchReal(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* const in = image.as<T>();
    T* const out = columns.as<T>();
    std::fill(out, out + columns.size(), T{0});
    const int64_t step = walk.stride[2];
    walk.ForEachRun([&](int64_t x, int64_t c, int64_t n) {
      if (step == 1) {
        std::copy_n(in + x, n, out + c);
      } else {
        for (int64_t i = 0; i < n; ++i) out[c + i] = in[x + i * step];
      }
    });
  });
}

Status EvalFold(const EvalContext& ctx) {
  const ConstTensorView& columns = ctx.in(0);
  const TensorView& image = ctx.out(0);
  ADZE_ASSIGN(const Walk walk, ReadWalk(ctx.attrs, image.dims, columns.dims));
  return DispatchReal(columns.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* const in = columns.as<T>();
    T* const out = image.as<T>();
    std::fill(out, out + image.size(), T{0});
    const int64_t step = walk.stride[2];
    walk.ForEachRun([&](int64_t x, int64_t c, int64_t n) {
      if (step == 1) {
        for (int64_t i = 0; i < n; ++i) out[x + i] += in[c + i];
      } else {
        for (int64_t i = 0; i < n; ++i) out[x + i * step] += in[c + i];
      }
    });
  });
}

// Each is the other's adjoint.
Status UnfoldVjp(VjpContext& c) {
  c.SetGradient(0, vjp::Adze(c, "Fold", {c.gradient(0), vjp::ShapeValue(c, c.input(0))}, c.attrs));
  return OkStatus();
}
Status FoldVjp(VjpContext& c) {
  c.SetGradient(0, vjp::Adze(c, "Unfold", {c.gradient(0)}, c.attrs));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kFoldOp = {
    .domain = kAdzeDomain,
    .name = "Fold",
    .summary = "sum of the columns of adze.Unfold back into an image of the shape of input 1",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = InferFold,
    .eval = EvalFold,
    .vjp = FoldVjp,
};

extern constexpr OpDef kUnfoldOp = {
    .domain = kAdzeDomain,
    .name = "Unfold",
    .summary = "windows of an image as columns [N, C * window, positions]; padding is 0",
    .attrs = kAttrs,
    .infer = InferUnfold,
    .eval = EvalUnfold,
    .vjp = UnfoldVjp,
};

}  // namespace adze
