// GroupNormalization: the channels of each sample are normalized in groups; scale and bias are per
// channel (opset 21).
#include "ops/nn_util.h"
#include "ops/normalization_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"epsilon", AttrKind::kFloat},
    {"num_groups", AttrKind::kInt, true},
    {"stash_type", AttrKind::kInt},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_TRY(RequireInput(ctx, 1, "scale"));
  ADZE_TRY(RequireInput(ctx, 2, "bias"));
  ADZE_TRY(RequireSameDType(ctx, 1, "scale", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "bias", 0));
  const int64_t groups = ctx.attrs.Int("num_groups");
  if (groups < 1) return InvalidInput("num_groups = " + std::to_string(groups) + ", must be >= 1");
  if (const Shape* const x = ctx.shape(0)) {
    if (x->size() < 3) {
      return InvalidInput("needs at least one spatial dimension, input is " + ShapeToString(*x));
    }
    const Dim& channels = (*x)[1];
    if (channels.is_const() && channels.value() % groups != 0) {
      return InvalidInput("channels " + channels.ToString() +
                          " are not divisible by num_groups = " + std::to_string(groups));
    }
    ADZE_TRY(RequireVector(ctx, 1, "scale", channels));
    ADZE_TRY(RequireVector(ctx, 2, "bias", channels));
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  const int64_t groups = ctx.attrs.Int("num_groups");
  if (x.rank() < 3 || x.dims[1] % groups != 0) {
    return InvalidInput("channels are not divisible by num_groups");
  }
  const int64_t channels = x.dims[1];
  ADZE_TRY(CheckSize(ctx.in(1), channels, "scale"));
  ADZE_TRY(CheckSize(ctx.in(2), channels, "bias"));
  if (x.size() == 0) return OkStatus();
  const int64_t pixels = NumElements(x.dims.subspan(2));
  const int64_t group_size = channels / groups * pixels;
  const float epsilon = ctx.attrs.Float("epsilon", 1e-5f);
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    for (int64_t first = 0; first < x.size(); first += group_size) {
      const auto m = ReadMoments<Io>(x.data, first, group_size, epsilon);
      for (int64_t i = first; i < first + group_size; ++i) {
        const int64_t c = i / pixels % channels;
        Io::Store(y.data, i,
                  (Io::Load(x.data, i) - m.mean) * m.inverse_stddev * Io::Load(ctx.in(1).data, c) +
                      Io::Load(ctx.in(2).data, c));
      }
    }
  });
}

}  // namespace

extern constexpr OpDef kGroupNormalizationOp = {
    .name = "GroupNormalization",
    .summary = "normalization of groups of channels of each sample",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .in_place = true,
};

}  // namespace adze
