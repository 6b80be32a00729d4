// adze.DepthwiseGradient: the gradient of a depthwise convolution's weight, from its image x and
// the gradient g of its result, both with channels last:
//   y[k, c] = sum over n and output pixels p of g[n, p, c] * x[n, p * stride - pad + k * dilation,
//   c].
#include <algorithm>

#include "ops/nn_util.h"
#include "ops/real_blocks.h"
#include "ops/shape_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"auto_pad", AttrKind::kString},
    {"dilations", AttrKind::kInts},
    {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x", {DType::kFloat32, DType::kFloat64}));
  ADZE_TRY(RequireInput(ctx, 1, "g"));
  ADZE_TRY(RequireSameDType(ctx, 1, "g", 0));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  if (ctx.shape(0) == nullptr) return OkStatus();
  if (ctx.shape(0)->size() < 3) return InvalidInput("x needs a spatial dimension");
  int64_t window = 1;
  for (const int64_t k : ctx.attrs.Ints("kernel_shape")) window = MulCount(window, k);
  return SetShape(ctx, 0, dtype, {window, ctx.shape(0)->back()});
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& g = ctx.in(1);
  const TensorView& y = ctx.out(0);
  if (x.rank() < 3 || g.rank() != x.rank()) return InvalidInput("x and g differ in rank");
  SmallInts image;  // [N, C, spatial...], as windows are described
  image.size = x.rank();
  std::copy(x.dims.begin(), x.dims.end(), image.values);
  std::rotate(image.values + 1, image.values + image.size - 1, image.values + image.size);
  ADZE_ASSIGN(const WindowGeometry window, ReadWindow(ctx.attrs, image.span(), {}));
  const ImageDims in = ReadImageDims(image.span());
  ImageDims out = in;
  SmallInts expected;
  expected[expected.size++] = in.batch;
  for (int i = 0; i < window.spatial_rank; ++i) {
    ADZE_ASSIGN(const Dim size, CheckedWindowOutput(window, i, in.size[i], false));
    out.size[i] = size.value();
    expected[expected.size++] = out.size[i];
  }
  expected[expected.size++] = in.channels;
  ADZE_TRY(CheckDims(g.dims, expected.span()));
  const int64_t taps = MulCount(MulCount(window.kernel[0], window.kernel[1]), window.kernel[2]);
  const int64_t result[] = {taps, in.channels};
  ADZE_TRY(CheckDims(y.dims, result));
  const int64_t channels = in.channels;
  return DispatchReal(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(y.as<T>(), y.size(), T{0});
    for (int64_t n = 0; n < in.batch; ++n) {
      ForEachWindow(window, in.size, out.size, [&](int64_t pixel, const TapRange* range) {
        const T* const from = g.as<T>() + (n * out.pixels() + pixel) * channels;
        ForEachTap(window, in.size, range, [&](int64_t i, int64_t k) {
          const T* const at = x.as<T>() + (n * in.pixels() + i) * channels;
          AddTerms(y.as<T>() + k * channels, channels, [&](int64_t c) { return from[c] * at[c]; });
        });
      });
    }
  });
}

}  // namespace

extern constexpr OpDef kDepthwiseGradientOp = {
    .domain = kAdzeDomain,
    .name = "DepthwiseGradient",
    .summary = "gradient of a depthwise convolution's weight, as [window, channels]",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
