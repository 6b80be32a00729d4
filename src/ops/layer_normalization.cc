// LayerNormalization: the elements from `axis` on are normalized together, then scaled and shifted
// element by element. Optional outputs: mean and inverse standard deviation of each run, as
// float32.
#include "ops/nn_util.h"
#include "ops/normalization_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"axis", AttrKind::kInt},
    {"epsilon", AttrKind::kFloat},
    {"stash_type", AttrKind::kInt},
};

// Known dims of `from` broadcast to those of `to`.
bool MayBroadcast(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const Dim& a = from[i];
    const Dim& b = to[to.size() - from.size() + i];
    if (a.is_const() && b.is_const() && !a.IsConst(1) && !(a == b)) return false;
  }
  return true;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_TRY(RequireInput(ctx, 1, "Scale"));
  ADZE_TRY(RequireSameDType(ctx, 1, "Scale", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "B", 0));
  if (ctx.attrs.Int("stash_type", 1) != 1) {
    return Unsupported("stash_type = " + std::to_string(ctx.attrs.Int("stash_type")) +
                       ", only 1 (float32) is supported");
  }
  ADZE_TRY(InferSameAsInput(ctx));
  std::optional<Shape> stats;
  if (const Shape* const x = ctx.shape(0)) {
    ADZE_ASSIGN(const int axis,
                NormalizeAxis(ctx.attrs.Int("axis", -1), static_cast<int>(x->size())));
    const Shape normalized(x->begin() + axis, x->end());
    for (int i = 1; i < 3; ++i) {
      const Shape* const s = ctx.shape(i);
      if (s != nullptr && !MayBroadcast(*s, normalized)) {
        return InvalidInput("scale or bias " + ShapeToString(*s) + " does not broadcast to " +
                            ShapeToString(normalized));
      }
    }
    stats = *x;
    std::fill(stats->begin() + axis, stats->end(), Dim(1));
  }
  for (int i = 1; i < ctx.num_outputs(); ++i) ctx.SetOutput(i, DType::kFloat32, stats);
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& scale = ctx.in(1);
  const ConstTensorView& bias = ctx.in(2);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis", -1), x.rank()));
  const std::span<const int64_t> normalized = x.dims.subspan(static_cast<size_t>(axis));
  ADZE_TRY(CheckBroadcast(scale.dims, normalized));
  ADZE_TRY(CheckBroadcast(bias.dims, normalized));
  if (x.size() == 0) return OkStatus();
  const int64_t run = NumElements(normalized);
  const float epsilon = ctx.attrs.Float("epsilon", 1e-5f);
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    for (int64_t r = 0; r < x.size() / run; ++r) {
      const auto m = ReadMoments<Io>(x.data, r * run, run, epsilon);
      ForEachBroadcast(normalized, scale.dims, bias.dims, [&](int64_t i, int64_t s, int64_t b) {
        auto v =
            (Io::Load(x.data, r * run + i) - m.mean) * m.inverse_stddev * Io::Load(scale.data, s);
        if (bias.present()) v += Io::Load(bias.data, b);
        Io::Store(y.data, r * run + i, v);
      });
      for (size_t o = 1; o < ctx.outputs.size(); ++o) {
        if (!ctx.outputs[o].present()) continue;
        ctx.outputs[o].as<float>()[r] = static_cast<float>(o == 1 ? m.mean : m.inverse_stddev);
      }
    }
  });
}

// With n = (x - mean) * r, r = 1 / stddev and g' = g * scale: dx = r * (g' - mean(g') - n *
// mean(g' * n)), means over the normalized axes.
Status Vjp(VjpContext& c) {
  if (c.gradient(1).present() || c.gradient(2).present()) {
    return Unsupported("mean and inverse standard deviation have no gradient rule");
  }
  const VjpValue x = c.input(0);
  const VjpValue g = c.gradient(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(c.attrs.Int("axis", -1), vjp::RankOf(c, x)));
  std::vector<int64_t> axes;
  for (int i = axis; i < vjp::RankOf(c, x); ++i) axes.push_back(i);
  const auto mean = [&](VjpValue v) { return vjp::ReduceMean(c, v, axes); };
  const VjpValue centered = vjp::Sub(c, x, mean(x));
  const VjpValue epsilon = vjp::FloatScalar(c, x, c.attrs.Float("epsilon", 1e-5f));
  const VjpValue variance = vjp::Add(c, mean(vjp::Mul(c, centered, centered)), epsilon);
  const VjpValue r = vjp::Onnx(c, "Reciprocal", {vjp::Onnx(c, "Sqrt", {variance})});
  const VjpValue n = vjp::Mul(c, centered, r);
  if (c.wanted(0)) {
    const VjpValue scaled = vjp::Mul(c, g, c.input(1));
    const VjpValue along = vjp::Mul(c, n, mean(vjp::Mul(c, scaled, n)));
    c.SetGradient(0, vjp::Mul(c, r, vjp::Sub(c, vjp::Sub(c, scaled, mean(scaled)), along)));
  }
  if (c.wanted(1)) {
    ADZE_ASSIGN(const VjpValue scale, vjp::SumTo(c, vjp::Mul(c, g, n), c.input(1)));
    c.SetGradient(1, scale);
  }
  if (c.wanted(2)) {
    ADZE_ASSIGN(const VjpValue bias, vjp::SumTo(c, g, c.input(2)));
    c.SetGradient(2, bias);
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kLayerNormalizationOp = {
    .name = "LayerNormalization",
    .summary = "normalization of all elements from an axis on",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .in_place = true,
};

}  // namespace adze
