// adze.MaxPoolGradient and adze.AveragePoolGradient: the gradient of a pooling's input from that of
// its output. Attributes as of MaxPool and AveragePool. The first of equal maxima takes the
// gradient of its window.
#include <algorithm>

#include "ops/pool_util.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kMaxAttrs[] = {
    {"auto_pad", AttrKind::kString}, {"ceil_mode", AttrKind::kInt},
    {"dilations", AttrKind::kInts},  {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},       {"storage_order", AttrKind::kInt},
    {"strides", AttrKind::kInts},
};
constexpr AttrDef kAverageAttrs[] = {
    {"auto_pad", AttrKind::kString},
    {"ceil_mode", AttrKind::kInt},
    {"count_include_pad", AttrKind::kInt},
    {"dilations", AttrKind::kInts},
    {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
};

Status InferMax(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "gradient"));
  ADZE_TRY(RequireInput(ctx, 1, "x"));
  ADZE_TRY(RequireSameDType(ctx, 1, "x", 0));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::nullopt);
  if (ctx.shape(1) == nullptr) return OkStatus();
  return SetShape(ctx, 0, ctx.input(0)->dtype, *ctx.shape(1));
}

Status InferAverage(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "gradient"));
  ADZE_TRY(RequireInput(ctx, 1, "shape"));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::nullopt);
  ADZE_ASSIGN(auto shape, ShapeInput(ctx, 1, "shape"));
  if (!shape) return OkStatus();
  return SetShape(ctx, 0, ctx.input(0)->dtype, std::move(*shape));
}

// The sizes of the pooling of an image `x` to `y`, and that `y` has no more windows than start
// inside the padded image: then every tap that the walk visits lies inside.
Result<PoolDims> ReadDims(const EvalContext& ctx, std::span<const int64_t> x) {
  ADZE_ASSIGN(const PoolDims d, ReadPoolDims(ctx.attrs, x, ctx.in(0).dims));
  const bool ceil_mode = ctx.attrs.Int("ceil_mode") != 0;
  for (int i = 0; i < d.window.spatial_rank; ++i) {
    ADZE_ASSIGN(const Dim out, CheckedWindowOutput(d.window, i, d.x.size[i], ceil_mode));
    if (!out.IsConst(d.y.size[i])) {
      return InvalidInput("the gradient " + DimsToString(ctx.in(0).dims) +
                          " is not that of a pooling of " + DimsToString(x));
    }
  }
  return d;
}

Status EvalMax(const EvalContext& ctx) {
  const ConstTensorView& g = ctx.in(0);
  const ConstTensorView& x = ctx.in(1);
  const TensorView& out = ctx.out(0);
  ADZE_TRY(CheckDims(out.dims, x.dims));
  ADZE_ASSIGN(const PoolDims d, ReadDims(ctx, x.dims));
  return DispatchFloat(g.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t i = 0; i < out.size(); ++i) Io::Store(out.data, i, Real{0});
    ForEachPoolWindow(d, [&](int64_t o, int64_t base, const TapRange* taps) {
      int64_t best = -1;
      Real most = 0;
      ForEachTap(d.window, d.x.size, taps, [&](int64_t i, int64_t) {
        const Real v = Io::Load(x.data, base + i);
        if (best >= 0 && !(v > most)) return;
        best = base + i;
        most = v;
      });
      if (best >= 0) Io::Store(out.data, best, Io::Load(out.data, best) + Io::Load(g.data, o));
    });
  });
}

Status EvalAverage(const EvalContext& ctx) {
  const ConstTensorView& g = ctx.in(0);
  const TensorView& out = ctx.out(0);
  ADZE_ASSIGN(const PoolDims d, ReadDims(ctx, out.dims));
  const bool include_pad = ctx.attrs.Int("count_include_pad") != 0;
  return DispatchFloat(g.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t i = 0; i < out.size(); ++i) Io::Store(out.data, i, Real{0});
    ForEachPoolWindow(d, [&](int64_t o, int64_t base, const TapRange* taps) {
      const int64_t count = AverageCount(d, taps, include_pad);
      if (count == 0) return;
      const Real share = Io::Load(g.data, o) / static_cast<Real>(count);
      ForEachTap(d.window, d.x.size, taps, [&](int64_t i, int64_t) {
        Io::Store(out.data, base + i, Io::Load(out.data, base + i) + share);
      });
    });
  });
}

}  // namespace

extern constexpr OpDef kAveragePoolGradientOp = {
    .domain = kAdzeDomain,
    .name = "AveragePoolGradient",
    .summary = "gradient of AveragePool's input, of the shape of input 1",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAverageAttrs,
    .infer = InferAverage,
    .eval = EvalAverage,
};

extern constexpr OpDef kMaxPoolGradientOp = {
    .domain = kAdzeDomain,
    .name = "MaxPoolGradient",
    .summary = "gradient of MaxPool's input x, given that of its output",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kMaxAttrs,
    .infer = InferMax,
    .eval = EvalMax,
};

}  // namespace adze
