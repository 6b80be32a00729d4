// BatchNormalization in inference form: y = (x - mean[c]) / sqrt(var[c] + epsilon) * scale[c] +
// bias[c].
#include <cmath>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"epsilon", AttrKind::kFloat},
    {"momentum", AttrKind::kFloat},
    {"training_mode", AttrKind::kInt},
};
constexpr const char* kNames[] = {"X", "scale", "B", "input_mean", "input_var"};

Status Infer(InferContext& ctx) {
  if (ctx.attrs.Int("training_mode") != 0 || ctx.num_outputs() > 1) {
    return Unsupported("training_mode = 1 is not supported, only inference");
  }
  for (int i = 0; i < 5; ++i) ADZE_TRY(RequireFloat(ctx, i, kNames[i]));
  if (const Shape* const x = ctx.shape(0)) {
    if (x->size() < 2) {
      return InvalidInput("needs a channel dimension, input is " + ShapeToString(*x));
    }
    for (int i = 1; i < 5; ++i) ADZE_TRY(RequireVector(ctx, i, kNames[i], (*x)[1]));
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (x.rank() < 2) return InvalidInput("needs a channel dimension");
  const int64_t channels = x.dims[1];
  for (int i = 1; i < 5; ++i) ADZE_TRY(CheckSize(ctx.in(i), channels, kNames[i]));
  if (x.size() == 0) return OkStatus();
  const int64_t pixels = NumElements(x.dims.subspan(2));
  const float epsilon = ctx.attrs.Float("epsilon", 1e-5f);
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    // The statistics may be of another float type than x.
    const auto at = [&](int i, int64_t c) {
      const ConstTensorView& t = ctx.in(i);
      return t.dtype == DType::kFloat64 ? static_cast<Real>(t.as<double>()[c])
                                        : static_cast<Real>(FloatAt(t, c));
    };
    for (int64_t n = 0; n < x.dims[0]; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        const Real mean = at(3, c);
        const Real factor = at(1, c) / std::sqrt(at(4, c) + static_cast<Real>(epsilon));
        const Real bias = at(2, c);
        const int64_t base = (n * channels + c) * pixels;
        for (int64_t p = base; p < base + pixels; ++p) {
          Io::Store(y.data, p, (Io::Load(x.data, p) - mean) * factor + bias);
        }
      }
    }
  });
}

// With r = 1 / sqrt(var + epsilon): y = (x - mean) * r * scale + bias, all but x per channel.
Status Vjp(VjpContext& c) {
  const VjpValue x = c.input(0);
  const VjpValue g = c.gradient(0);
  const VjpValue scale = c.input(1);
  for (int i = 1; i < 5; ++i) {
    if (c.Info(c.input(i)).dtype != c.Info(x).dtype) {
      return Unsupported("parameters of another element type than x have no gradient rule");
    }
  }
  const auto spread = [&](VjpValue v) { return vjp::AlongAxis(c, v, 1, vjp::RankOf(c, x)); };
  const VjpValue epsilon = vjp::FloatScalar(c, x, c.attrs.Float("epsilon", 1e-5f));
  const VjpValue variance = vjp::Add(c, c.input(4), epsilon);
  const VjpValue r = vjp::Onnx(c, "Reciprocal", {vjp::Onnx(c, "Sqrt", {variance})});
  const VjpValue factor = vjp::Mul(c, scale, r);
  if (c.wanted(0)) c.SetGradient(0, vjp::Mul(c, g, spread(factor)));
  if (c.wanted(2) || c.wanted(3)) {
    const VjpValue sum = vjp::SumToAxis(c, g, 1, scale);
    if (c.wanted(2)) c.SetGradient(2, sum);
    if (c.wanted(3)) c.SetGradient(3, vjp::Neg(c, vjp::Mul(c, sum, factor)));
  }
  if (c.wanted(1) || c.wanted(4)) {
    const VjpValue centered = vjp::Sub(c, x, spread(c.input(3)));
    const VjpValue sum = vjp::Mul(c, vjp::SumToAxis(c, vjp::Mul(c, g, centered), 1, scale), r);
    if (c.wanted(1)) c.SetGradient(1, sum);
    // d r / d var = -r^3 / 2.
    if (c.wanted(4)) {
      const VjpValue half = vjp::Times(c, vjp::Mul(c, scale, vjp::Mul(c, r, r)), -0.5);
      c.SetGradient(4, vjp::Mul(c, sum, half));
    }
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kBatchNormalizationOp = {
    .name = "BatchNormalization",
    .summary = "normalization of each channel with stored statistics (inference form)",
    .min_inputs = 5,
    .max_inputs = 5,
    .max_outputs = 5,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .in_place = true,
};

}  // namespace adze
