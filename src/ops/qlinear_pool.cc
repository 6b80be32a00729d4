// com.microsoft.QLinearAveragePool and QLinearGlobalAveragePool: with acc = exact sum of (x -
// x_zero_point) over the window, y = saturate(rne(acc * (x_scale / (y_scale * count))) +
// y_zero_point). With count_include_pad, count is always the whole window, as in ONNX Runtime,
// which defines the operator (AveragePool counts less where a last window of ceil_mode reaches
// beyond the padding).
#include "ops/pool_util.h"
#include "ops/quantize_util.h"

namespace adze {
namespace {

constexpr AttrDef kAverageAttrs[] = {
    {"auto_pad", AttrKind::kString},
    {"ceil_mode", AttrKind::kInt},
    {"channels_last", AttrKind::kInt},
    {"count_include_pad", AttrKind::kInt},
    {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
};
constexpr AttrDef kGlobalAttrs[] = {{"channels_last", AttrKind::kInt}};

// The dtype of the output.
Result<DType> InferParams(const InferContext& ctx) {
  if (ctx.attrs.Int("channels_last") != 0) return Unsupported("channels_last = 1 is not supported");
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "X"));
  return RequireOutputParams(ctx, 3, 4, ctx.input(0)->dtype);
}

Status InferAverage(InferContext& ctx) {
  ADZE_ASSIGN(const DType dtype, InferParams(ctx));
  ADZE_ASSIGN(std::optional<Shape> y, InferPoolShape(ctx));
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status InferGlobal(InferContext& ctx) {
  ADZE_ASSIGN(const DType dtype, InferParams(ctx));
  ADZE_ASSIGN(std::optional<Shape> y, InferGlobalPoolShape(ctx));
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

// Stores the mean of `count` codes whose sum without zero points is `acc`.
struct MeanWriter {
  explicit MeanWriter(const EvalContext& ctx)
      : y(ctx.out(0)),
        codes(CodesOf(y.dtype)),
        x_scale(FloatAt(ctx.in(1), 0)),
        x_zero_point(QuantParamView{{}, ctx.in(2)}.ZeroPointAt(0)),
        y_scale(FloatAt(ctx.in(3), 0)),
        y_zero_point(QuantParamView{{}, ctx.in(4)}.ZeroPointAt(0)) {}
  void Store(int64_t o, int64_t acc, int64_t count) const {
    const float multiplier = x_scale / (y_scale * static_cast<float>(std::max<int64_t>(count, 1)));
    SetInt8At(
        y, o,
        RequantizeOne(static_cast<int32_t>(acc), multiplier, y_zero_point, codes.lo, codes.hi));
  }
  const TensorView& y;
  CodeRange codes;
  float x_scale;
  int32_t x_zero_point;
  float y_scale;
  int32_t y_zero_point;
};

Status CheckParams(const EvalContext& ctx) {
  ADZE_TRY(CheckQuantParams({ctx.in(1), ctx.in(2)}, "X"));
  return CheckQuantParams({ctx.in(3), ctx.in(4)}, "Y");
}

Status EvalAverage(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const PoolDims d, ReadPoolDims(ctx.attrs, x.dims, ctx.out(0).dims));
  ADZE_TRY(CheckParams(ctx));
  if (ctx.out(0).size() == 0) return OkStatus();
  const MeanWriter writer(ctx);
  const bool include_pad = ctx.attrs.Int("count_include_pad") != 0;
  const int64_t* const kernel = d.window.kernel;
  const int64_t window_size = kernel[0] * kernel[1] * kernel[2];
  ForEachPoolWindow(d, [&](int64_t o, int64_t x_base, const TapRange* taps) {
    int64_t acc = 0;
    ForEachTap(d.window, d.x.size, taps,
               [&](int64_t i, int64_t) { acc += Int8At(x, x_base + i) - writer.x_zero_point; });
    writer.Store(o, acc, include_pad ? window_size : AverageCount(d, taps, false));
  });
  return OkStatus();
}

Status EvalGlobal(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const GlobalPoolDims d, ReadGlobalPoolDims(x.dims, ctx.out(0).dims));
  ADZE_TRY(CheckParams(ctx));
  const MeanWriter writer(ctx);
  for (int64_t p = 0; p < d.planes; ++p) {
    int64_t acc = 0;
    for (int64_t i = 0; i < d.plane_size; ++i) {
      acc += Int8At(x, p * d.plane_size + i) - writer.x_zero_point;
    }
    writer.Store(p, acc, d.plane_size);
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kQLinearAveragePoolOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearAveragePool",
    .summary = "mean of each window of a quantized tensor, quantized",
    .min_inputs = 4,
    .max_inputs = 5,
    .attrs = kAverageAttrs,
    .infer = InferAverage,
    .eval = EvalAverage,
};

extern constexpr OpDef kQLinearGlobalAveragePoolOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearGlobalAveragePool",
    .summary = "mean over all spatial dimensions of a quantized tensor, quantized",
    .min_inputs = 5,
    .max_inputs = 5,
    .attrs = kGlobalAttrs,
    .infer = InferGlobal,
    .eval = EvalGlobal,
};

}  // namespace adze
