// LRN: local response normalization across channels,
// y[c] = x[c] / (bias + alpha/size * sum of x[c']^2)^beta over the `size` channels c' around c.
#include <cmath>

#include "ops/nn_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"alpha", AttrKind::kFloat},
    {"beta", AttrKind::kFloat},
    {"bias", AttrKind::kFloat},
    {"size", AttrKind::kInt, true},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  if (ctx.attrs.Int("size") < 1) {
    return InvalidInput("size = " + std::to_string(ctx.attrs.Int("size")) + ", must be >= 1");
  }
  if (const Shape* const x = ctx.shape(0); x != nullptr && x->size() < 2) {
    return InvalidInput("needs a channel dimension, input is " + ShapeToString(*x));
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (x.rank() < 2) return InvalidInput("needs a channel dimension");
  if (x.size() == 0) return OkStatus();
  const int64_t channels = x.dims[1];
  const int64_t size = ctx.attrs.Int("size");
  const int64_t pixels = NumElements(x.dims.subspan(2));
  const float alpha = ctx.attrs.Float("alpha", 1e-4f) / static_cast<float>(size);
  const float beta = ctx.attrs.Float("beta", 0.75f);
  const float bias = ctx.attrs.Float("bias", 1.0f);
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t n = 0; n < x.dims[0]; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t first = std::max<int64_t>(0, c - (size - 1) / 2);
        const int64_t last = size / 2 >= channels - c ? channels - 1 : c + size / 2;
        for (int64_t p = 0; p < pixels; ++p) {
          Real sum = 0;
          for (int64_t k = first; k <= last; ++k) {
            const Real v = Io::Load(x.data, (n * channels + k) * pixels + p);
            sum += v * v;
          }
          const int64_t i = (n * channels + c) * pixels + p;
          Io::Store(y.data, i,
                    Io::Load(x.data, i) /
                        std::pow(static_cast<Real>(bias) + static_cast<Real>(alpha) * sum,
                                 static_cast<Real>(beta)));
        }
      }
    }
  });
}

}  // namespace

extern constexpr OpDef kLRNOp = {
    .name = "LRN",
    .summary = "local response normalization across channels",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
