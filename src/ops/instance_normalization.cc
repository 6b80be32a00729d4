// InstanceNormalization: each channel of each sample is normalized by its own mean and variance.
#include "ops/nn_util.h"
#include "ops/normalization_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {{"epsilon", AttrKind::kFloat}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "input"));
  ADZE_TRY(RequireInput(ctx, 1, "scale"));
  ADZE_TRY(RequireInput(ctx, 2, "B"));
  ADZE_TRY(RequireSameDType(ctx, 1, "scale", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "B", 0));
  if (const Shape* const x = ctx.shape(0)) {
    if (x->size() < 3) {
      return InvalidInput("needs at least one spatial dimension, input is " + ShapeToString(*x));
    }
    ADZE_TRY(RequireVector(ctx, 1, "scale", (*x)[1]));
    ADZE_TRY(RequireVector(ctx, 2, "B", (*x)[1]));
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (x.rank() < 3) return InvalidInput("needs at least one spatial dimension");
  const int64_t channels = x.dims[1];
  ADZE_TRY(CheckSize(ctx.in(1), channels, "scale"));
  ADZE_TRY(CheckSize(ctx.in(2), channels, "B"));
  if (x.size() == 0) return OkStatus();
  const int64_t pixels = NumElements(x.dims.subspan(2));
  const float epsilon = ctx.attrs.Float("epsilon", 1e-5f);
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    for (int64_t p = 0; p < x.dims[0] * channels; ++p) {
      const auto m = ReadMoments<Io>(x.data, p * pixels, pixels, epsilon);
      const auto scale = Io::Load(ctx.in(1).data, p % channels) * m.inverse_stddev;
      const auto bias = Io::Load(ctx.in(2).data, p % channels);
      for (int64_t i = p * pixels; i < (p + 1) * pixels; ++i) {
        Io::Store(y.data, i, (Io::Load(x.data, i) - m.mean) * scale + bias);
      }
    }
  });
}

}  // namespace

extern constexpr OpDef kInstanceNormalizationOp = {
    .name = "InstanceNormalization",
    .summary = "normalization of each channel of each sample by its own statistics",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .in_place = true,
};

}  // namespace adze
