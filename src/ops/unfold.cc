// adze.Unfold and its adjoint adze.Fold: the windows of an image as the rows of a matrix, and the
// sum of such rows back into an image. With them a convolution is a matrix product, and so are its
// gradients, for any stride, dilation, padding and grouping.
//
//   x [N, spatial..., C]  <->  rows [N * positions, window * C]
//
// Channels are last, as the float kernels have them: a row is made of runs of whole pixels.
#include <algorithm>

#include "ops/nn_util.h"
#include "ops/real_blocks.h"
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

// The shape of the rows of an image.
Result<Shape> RowShape(const AttrMap& attrs, const Shape& image) {
  if (image.size() < 3) {
    return InvalidInput("an image needs a spatial dimension, has rank " +
                        std::to_string(image.size()));
  }
  Shape x = image;  // [N, C, spatial...], as windows are described
  std::rotate(x.begin() + 1, x.end() - 1, x.end());
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(attrs, x, {}));
  Shape rows = {x[0], x[1]};
  for (int i = 0; i < g.spatial_rank; ++i) {
    ADZE_ASSIGN(const Dim out, CheckedWindowOutput(g, i, x[static_cast<size_t>(i) + 2], false));
    rows[0] = rows[0] * out;
    rows[1] = rows[1] * g.kernel[i];
  }
  return rows;
}

Status InferUnfold(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x", {DType::kFloat32, DType::kFloat64}));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  if (ctx.shape(0) == nullptr) return OkStatus();
  ADZE_ASSIGN(Shape rows, RowShape(ctx.attrs, *ctx.shape(0)));
  return SetShape(ctx, 0, dtype, std::move(rows));
}

Status InferFold(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "rows", {DType::kFloat32, DType::kFloat64}));
  ADZE_TRY(RequireInput(ctx, 1, "shape"));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(auto image, ShapeInput(ctx, 1, "shape"));
  if (!image) return OkStatus();
  ADZE_ASSIGN(const Shape expected, RowShape(ctx.attrs, *image));
  if (const Shape* const rows = ctx.shape(0)) {
    if (rows->size() != 2) {
      return InvalidInput("rows have shape " + ShapeToString(*rows) + ", must have rank 2");
    }
    for (size_t i = 0; i < 2; ++i) ADZE_TRY(SameDim((*rows)[i], expected[i], "rows"));
  }
  return SetShape(ctx, 0, dtype, std::move(*image));
}

// Calls fn(index in the image, index in the rows, length) for each run of pixels of a window that
// lies inside the image. Refuses tensors that do not belong together: every run is inside both.
template <typename Fn>
Status ForEachRun(const AttrMap& attrs, std::span<const int64_t> image,
                  std::span<const int64_t> rows, Fn&& fn) {
  if (image.size() < 3 || image.size() > kMaxRank) {
    return InvalidInput("an image has rank " + std::to_string(image.size()));
  }
  int64_t x[kMaxRank];  // [N, C, spatial...], as windows are described
  std::copy(image.begin(), image.end(), x);
  std::rotate(x + 1, x + image.size() - 1, x + image.size());
  ADZE_ASSIGN(const WindowGeometry from,
              ReadWindow(attrs, std::span<const int64_t>(x, image.size()), {}));
  // The last spatial dimension goes last, where runs are.
  WindowGeometry g;
  int64_t in[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  const int64_t channels = x[1];
  int64_t row = channels;
  int64_t count = x[0];
  for (int i = 0; i < from.spatial_rank; ++i) {
    const int to = 3 - from.spatial_rank + i;
    g.kernel[to] = from.kernel[i];
    g.stride[to] = from.stride[i];
    g.dilation[to] = from.dilation[i];
    g.pad_begin[to] = from.pad_begin[i];
    in[to] = x[i + 2];
    ADZE_ASSIGN(const Dim size, CheckedWindowOutput(from, i, in[to], false));
    out[to] = size.value();
    row = MulCount(row, g.kernel[to]);
    count = MulCount(count, out[to]);
  }
  if (rows.size() != 2 || rows[0] != count || rows[1] != row) {
    return InvalidInput("rows " + DimsToString(rows) + " do not belong to an image " +
                        DimsToString(image));
  }
  const int64_t together = g.dilation[2] == 1 ? g.kernel[2] : 1;  // taps of one run
  for (int64_t n = 0; n < x[0]; ++n) {
    ForEachWindow(g, in, out, [&](int64_t position, const TapRange* taps) {
      const int64_t to = (n * out[0] * out[1] * out[2] + position) * row;
      for (int64_t i = taps[0].begin; i < taps[0].end; ++i) {
        for (int64_t j = taps[1].begin; j < taps[1].end; ++j) {
          const int64_t line = (n * in[0] + taps[0].start + i * g.dilation[0]) * in[1] +
                               taps[1].start + j * g.dilation[1];
          for (int64_t k = taps[2].begin; k < taps[2].end; k += together) {
            const int64_t length = std::min(together, taps[2].end - k);
            fn((line * in[2] + taps[2].start + k * g.dilation[2]) * channels,
               to + ((i * g.kernel[1] + j) * g.kernel[2] + k) * channels, length * channels);
          }
        }
      }
    });
  }
  return OkStatus();
}

Status EvalUnfold(const EvalContext& ctx) {
  const ConstTensorView& image = ctx.in(0);
  const TensorView& rows = ctx.out(0);
  Status done;
  ADZE_TRY(DispatchReal(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(rows.as<T>(), rows.size(), T{0});
    done = ForEachRun(ctx.attrs, image.dims, rows.dims, [&](int64_t x, int64_t r, int64_t n) {
      std::copy_n(image.as<T>() + x, n, rows.as<T>() + r);
    });
  }));
  return done;
}

Status EvalFold(const EvalContext& ctx) {
  const ConstTensorView& rows = ctx.in(0);
  const TensorView& image = ctx.out(0);
  Status done;
  ADZE_TRY(DispatchReal(rows.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(image.as<T>(), image.size(), T{0});
    done = ForEachRun(ctx.attrs, image.dims, rows.dims, [&](int64_t x, int64_t r, int64_t n) {
      const T* const from = rows.as<T>() + r;
      T* const to = image.as<T>() + x;
      AddTerms(to, n, [&](int64_t i) { return from[i]; });
    });
  }));
  return done;
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
    .summary = "sum of the rows of adze.Unfold back into an image of the shape of input 1",
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
    .summary =
        "windows of an image [N, spatial..., C] as rows [N * positions, window * C]; padding is 0",
    .attrs = kAttrs,
    .infer = InferUnfold,
    .eval = EvalUnfold,
    .vjp = UnfoldVjp,
};

}  // namespace adze
