// BatchNormalization in inference form: y = (x - mean[c]) / sqrt(var[c] + epsilon) * scale[c] +
// bias[c].
#include <cmath>

#include "ops/nn_util.h"

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
    .in_place = true,
};

}  // namespace adze
