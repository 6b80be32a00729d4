// QLinearConv and ConvInteger: convolutions of 8-bit codes with an exact int32 accumulator
// acc = sum of (x - x_zero_point) * (w - w_zero_point[m]) + b[m]. Padding contributes nothing, that
// is real zero.
#include "ops/conv_util.h"
#include "ops/quantize_util.h"

namespace adze {
namespace {

std::optional<Dim> Channels(const InferContext& ctx, int w) {
  const Shape* const s = ctx.shape(w);
  return s == nullptr || s->empty() ? std::nullopt : std::optional<Dim>((*s)[0]);
}

// Codes of x and w without their zero points, as the loop nest wants them. The sum is kept in 64
// bits and reduced modulo 2^32 at the end: what an int32 accumulator gives, without undefined
// behaviour on hostile input.
template <typename Finish>
void Accumulate(const ConvDims& d, const ConstTensorView& x, int32_t x_zero_point,
                const ConstTensorView& w, const QuantParamView& w_params, Finish&& finish) {
  int64_t channel = -1;  // whose zero point w_zero_point is
  int32_t w_zero_point = 0;
  ForEachConvOutput<int64_t>(
      d,
      [&](int64_t i, int64_t k, int64_t m) -> int64_t {
        if (m != channel) {
          channel = m;
          w_zero_point = w_params.ZeroPointAt(m);
        }
        return (Int8At(x, i) - x_zero_point) * (Int8At(w, k) - w_zero_point);
      },
      finish);
}

Status InferQLinearConv(InferContext& ctx) {
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "x"));
  ADZE_TRY(RequireQuantized(ctx, 3, 4, 5, "w", Channels(ctx, 3)));
  ADZE_ASSIGN(const DType dtype, RequireOutputParams(ctx, 6, 7));
  ADZE_ASSIGN(std::optional<Shape> y, InferConvShape(ctx, 0, 3));
  if (ctx.input(8) != nullptr) ADZE_TRY(RequireDType(ctx, 8, "B", {DType::kInt32}));
  ADZE_TRY(RequirePerOutputChannel(ctx, 8, "B", 3));
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status EvalQLinearConv(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& w = ctx.in(3);
  const ConstTensorView& b = ctx.in(8);
  const TensorView& y = ctx.out(0);
  const QuantParamView x_params = {ctx.in(1), ctx.in(2)};
  const QuantParamView w_params = {ctx.in(4), ctx.in(5)};
  const QuantParamView y_params = {ctx.in(6), ctx.in(7)};
  ADZE_ASSIGN(const ConvDims d, ReadConvDims(ctx.attrs, x.dims, w.dims, y.dims));
  ADZE_TRY(CheckQuantParams(x_params, "x"));
  ADZE_TRY(CheckQuantParams(w_params, "w", d.y.channels));
  ADZE_TRY(CheckQuantParams(y_params, "y"));
  ADZE_TRY(CheckSize(b, d.y.channels, "B"));
  if (y.size() == 0) return OkStatus();
  const CodeRange codes = CodesOf(y.dtype);
  const int32_t y_zero_point = y_params.ZeroPointAt(0);
  Accumulate(d, x, x_params.ZeroPointAt(0), w, w_params, [&](int64_t o, int64_t m, int64_t acc) {
    if (b.present()) acc += b.as<int32_t>()[m];
    const float multiplier = x_params.ScaleAt(0) * w_params.ScaleAt(m) / y_params.ScaleAt(0);
    SetInt8At(
        y, o,
        RequantizeOne(static_cast<int32_t>(acc), multiplier, y_zero_point, codes.lo, codes.hi));
  });
  return OkStatus();
}

int64_t MacsQLinearConv(const AttrMap&, std::span<const ConstTensorView> inputs,
                        std::span<const ConstTensorView> outputs) {
  return ConvMacs(inputs[3].dims, outputs[0].dims);
}

Status InferConvInteger(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "x", {DType::kInt8, DType::kUInt8}));
  ADZE_TRY(RequireDType(ctx, 1, "w", {DType::kInt8, DType::kUInt8}));
  ADZE_TRY(RequireSameDType(ctx, 2, "x_zero_point", 0));
  ADZE_TRY(RequireSameDType(ctx, 3, "w_zero_point", 1));
  ADZE_TRY(RequireScalar(ctx, 2, "x_zero_point"));
  ADZE_ASSIGN(std::optional<Shape> y, InferConvShape(ctx, 0, 1));
  const Shape* const z = ctx.shape(3);
  if (z != nullptr && !z->empty() && !(z->size() == 1 && (*z)[0].IsConst(1))) {
    ADZE_TRY(RequirePerOutputChannel(ctx, 3, "w_zero_point", 1));
  }
  ctx.SetOutput(0, DType::kInt32, std::move(y));
  return OkStatus();
}

Status EvalConvInteger(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& w = ctx.in(1);
  const TensorView& y = ctx.out(0);
  const QuantParamView x_params = {{}, ctx.in(2)};
  const QuantParamView w_params = {{}, ctx.in(3)};
  ADZE_ASSIGN(const ConvDims d, ReadConvDims(ctx.attrs, x.dims, w.dims, y.dims));
  ADZE_TRY(CheckQuantParams(x_params, "x"));
  ADZE_TRY(CheckQuantParams(w_params, "w", d.y.channels));
  if (y.size() == 0) return OkStatus();
  Accumulate(d, x, x_params.ZeroPointAt(0), w, w_params, [&](int64_t o, int64_t, int64_t acc) {
    y.as<int32_t>()[o] = static_cast<int32_t>(acc);
  });
  return OkStatus();
}

int64_t MacsConvInteger(const AttrMap&, std::span<const ConstTensorView> inputs,
                        std::span<const ConstTensorView> outputs) {
  return ConvMacs(inputs[1].dims, outputs[0].dims);
}

}  // namespace

extern constexpr OpDef kConvIntegerOp = {
    .name = "ConvInteger",
    .summary = "convolution of 8-bit codes with int32 result",
    .min_inputs = 2,
    .max_inputs = 4,
    .attrs = kConvAttrs,
    .infer = InferConvInteger,
    .eval = EvalConvInteger,
    .macs = MacsConvInteger,
};

extern constexpr OpDef kQLinearConvOp = {
    .name = "QLinearConv",
    .summary = "convolution of quantized tensors with quantized result",
    .min_inputs = 8,
    .max_inputs = 9,
    .attrs = kConvAttrs,
    .infer = InferQLinearConv,
    .eval = EvalQLinearConv,
    .macs = MacsQLinearConv,
};

}  // namespace adze
