// com.microsoft.QLinearSigmoid, QLinearLeakyRelu and QLinearSoftmax: y =
// quantize(f(dequantize(x))), ideal float arithmetic in between. The unary ones are a function of
// 256 codes, so they are tables.
#include <cmath>

#include "ops/quantize_util.h"

namespace adze {
namespace {

constexpr AttrDef kLeakyAttrs[] = {{"alpha", AttrKind::kFloat}};
constexpr AttrDef kSoftmaxAttrs[] = {{"axis", AttrKind::kInt}, {"opset", AttrKind::kInt, true}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "X"));
  ADZE_ASSIGN(const DType dtype, RequireOutputParams(ctx, 3, 4, ctx.input(0)->dtype));
  if (dtype != ctx.input(0)->dtype) {
    return InvalidInput("input 'y_zero_point' has element type " + std::string(DTypeName(dtype)) +
                        ", must be " + DTypeName(ctx.input(0)->dtype));
  }
  ctx.SetOutput(0, dtype, ctx.input(0)->shape);
  return OkStatus();
}

struct Params {
  float x_scale, y_scale;
  int32_t x_zero_point, y_zero_point;
};
Result<Params> ReadParams(const EvalContext& ctx) {
  const QuantParamView x = {ctx.in(1), ctx.in(2)};
  const QuantParamView y = {ctx.in(3), ctx.in(4)};
  ADZE_TRY(CheckQuantParams(x, "X"));
  ADZE_TRY(CheckQuantParams(y, "Y"));
  return Params{x.ScaleAt(0), y.ScaleAt(0), x.ZeroPointAt(0), y.ZeroPointAt(0)};
}

template <typename Fn>
Status MapTable(const EvalContext& ctx, Fn&& fn) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const Params p, ReadParams(ctx));
  const CodeRange codes = CodesOf(x.dtype);
  uint8_t table[256];  // indexed by the code's byte
  for (int32_t q = codes.lo; q <= codes.hi; ++q) {
    const float y = fn(DequantizeOne(q, p.x_scale, p.x_zero_point));
    table[static_cast<uint8_t>(q)] =
        static_cast<uint8_t>(QuantizeOne(y, p.y_scale, p.y_zero_point, codes.lo, codes.hi));
  }
  const auto* const in = static_cast<const uint8_t*>(x.data);
  auto* const out = static_cast<uint8_t*>(ctx.out(0).data);
  for (int64_t i = 0; i < x.size(); ++i) out[i] = table[in[i]];
  return OkStatus();
}

Status EvalSigmoid(const EvalContext& ctx) {
  return MapTable(ctx, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
}

Status EvalLeakyRelu(const EvalContext& ctx) {
  const float alpha = ctx.attrs.Float("alpha", 0.01f);
  return MapTable(ctx, [=](float x) { return x >= 0.0f ? x : alpha * x; });
}

// Before opset 13 everything from the axis (default 1) on is one run; since then the axis (default
// -1) alone is.
struct Runs {
  int64_t n, stride;
};
Result<Runs> ReadRuns(const AttrMap& attrs, std::span<const int64_t> dims) {
  const bool flat = attrs.Int("opset") < 13;
  ADZE_ASSIGN(const int axis,
              NormalizeAxis(attrs.Int("axis", flat ? 1 : -1), static_cast<int>(dims.size())));
  const std::span<const int64_t> rest = dims.subspan(static_cast<size_t>(axis));
  return flat ? Runs{NumElements(rest), 1} : Runs{rest[0], NumElements(rest.subspan(1))};
}

Status InferSoftmax(InferContext& ctx) {
  ADZE_TRY(Infer(ctx));
  if (const Shape* const x = ctx.shape(0)) {
    const int64_t fallback = ctx.attrs.Int("opset") < 13 ? 1 : -1;
    ADZE_TRY(NormalizeAxis(ctx.attrs.Int("axis", fallback), static_cast<int>(x->size())));
  }
  return OkStatus();
}

Status EvalSoftmax(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const Params p, ReadParams(ctx));
  ADZE_ASSIGN(const Runs runs, ReadRuns(ctx.attrs, x.dims));
  if (x.size() == 0) return OkStatus();
  const CodeRange codes = CodesOf(x.dtype);
  const int64_t span = runs.n * runs.stride;
  for (int64_t outer = 0; outer < x.size(); outer += span) {
    for (int64_t first = outer; first < outer + runs.stride; ++first) {
      int32_t max = codes.lo;
      for (int64_t i = first; i < outer + span; i += runs.stride) max = std::max(max, Int8At(x, i));
      // The zero point cancels in x - max.
      const auto weight = [&](int64_t i) {
        return std::exp(static_cast<float>(Int8At(x, i) - max) * p.x_scale);
      };
      float sum = 0;
      for (int64_t i = first; i < outer + span; i += runs.stride) sum += weight(i);
      for (int64_t i = first; i < outer + span; i += runs.stride) {
        SetInt8At(y, i,
                  QuantizeOne(weight(i) / sum, p.y_scale, p.y_zero_point, codes.lo, codes.hi));
      }
    }
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kQLinearLeakyReluOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearLeakyRelu",
    .summary = "LeakyRelu of a quantized tensor, quantized",
    .min_inputs = 4,
    .max_inputs = 5,
    .attrs = kLeakyAttrs,
    .infer = Infer,
    .eval = EvalLeakyRelu,
};

extern constexpr OpDef kQLinearSigmoidOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearSigmoid",
    .summary = "Sigmoid of a quantized tensor, quantized",
    .min_inputs = 4,
    .max_inputs = 5,
    .infer = Infer,
    .eval = EvalSigmoid,
};

extern constexpr OpDef kQLinearSoftmaxOp = {
    .domain = kMicrosoftDomain,
    .name = "QLinearSoftmax",
    .summary = "Softmax of a quantized tensor, quantized",
    .min_inputs = 4,
    .max_inputs = 5,
    .attrs = kSoftmaxAttrs,
    .infer = InferSoftmax,
    .eval = EvalSoftmax,
};

}  // namespace adze
