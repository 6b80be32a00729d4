// adze.LearnedQuant: y = (clamp(rne(x / scale) + z, qmin, qmax) - z) * scale with z = rne(zero
// point): what quantizing does to real values, with parameters that are tensors, so that they can
// be learned. Its gradient takes rounding as the identity (straight through), and for the step is
// that of LSQ (Esser et al., "Learned Step Size Quantization", ICLR 2020): rne(x/s) - x/s inside
// the range, qmin - z or qmax - z outside; for the zero point 0 inside, -s outside.
#include <cmath>

#include "ops/nn_util.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"axis", AttrKind::kInt}, {"qmax", AttrKind::kInt, true}, {"qmin", AttrKind::kInt, true}};
constexpr int64_t kLimit = 1 << 16;

// The axis of per-channel parameters, or -1 for one set of them.
Result<int> ChannelAxis(const AttrMap& attrs, bool per_tensor, int rank) {
  if (per_tensor) return -1;
  return NormalizeAxis(attrs.Int("axis", 1), rank);
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "x"));
  ADZE_TRY(RequireSameDType(ctx, 3));
  const int64_t lo = ctx.attrs.Int("qmin");
  const int64_t hi = ctx.attrs.Int("qmax");
  if (lo > hi || lo < -kLimit || hi > kLimit) {
    return InvalidInput("qmin = " + std::to_string(lo) + ", qmax = " + std::to_string(hi) +
                        " must be in this order and within +-2^16");
  }
  const Shape* const x = ctx.shape(0);
  const Shape* const scale = ctx.shape(1);
  const Shape* const zero = ctx.shape(2);
  if (scale != nullptr && scale->size() > 1) {
    return InvalidInput("scale has shape " + ShapeToString(*scale) +
                        ", must be a scalar or a vector");
  }
  if (scale != nullptr && zero != nullptr && *scale != *zero) {
    return InvalidInput("scale is " + ShapeToString(*scale) + ", zero_point is " +
                        ShapeToString(*zero));
  }
  if (x != nullptr && scale != nullptr && scale->size() == 1) {
    ADZE_ASSIGN(const int axis, ChannelAxis(ctx.attrs, false, static_cast<int>(x->size())));
    ADZE_TRY(SameDim((*x)[static_cast<size_t>(axis)], (*scale)[0], "scale"));
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& scale = ctx.in(1);
  const ConstTensorView& zero = ctx.in(2);
  ADZE_TRY(CheckSameSize(ctx));
  ADZE_ASSIGN(const int axis, ChannelAxis(ctx.attrs, scale.rank() == 0, x.rank()));
  const int64_t channels = axis < 0 ? 1 : x.dims[static_cast<size_t>(axis)];
  const int64_t inner = axis < 0 ? 1 : NumElements(x.dims.subspan(static_cast<size_t>(axis) + 1));
  ADZE_TRY(CheckSize(scale, channels, "scale"));
  ADZE_TRY(CheckSize(zero, channels, "zero_point"));
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    const Real lo = static_cast<Real>(ctx.attrs.Int("qmin"));
    const Real hi = static_cast<Real>(ctx.attrs.Int("qmax"));
    for (int64_t i = 0; i < x.size(); ++i) {
      const int64_t c = i / inner % channels;
      const Real s = Io::Load(scale.data, c);
      const Real z = std::nearbyint(Io::Load(zero.data, c));
      const Real q = std::min(std::max(std::nearbyint(Io::Load(x.data, i) / s) + z, lo), hi);
      Io::Store(ctx.out(0).data, i, (q - z) * s);
    }
  });
}

Status Vjp(VjpContext& c) {
  const VjpValue x = c.input(0);
  const int rank = vjp::RankOf(c, x);
  ADZE_ASSIGN(const int axis, ChannelAxis(c.attrs, vjp::RankOf(c, c.input(1)) == 0, rank));
  const auto spread = [&](VjpValue v) { return axis < 0 ? v : vjp::AlongAxis(c, v, axis, rank); };
  const VjpValue s = spread(c.input(1));
  const VjpValue z = spread(vjp::Onnx(c, "Round", {c.input(2)}));
  const VjpValue steps = vjp::Div(c, x, s);
  const VjpValue code = vjp::Add(c, vjp::Onnx(c, "Round", {steps}), z);
  const double lo = static_cast<double>(c.attrs.Int("qmin"));
  const double hi = static_cast<double>(c.attrs.Int("qmax"));
  const VjpValue dy = c.gradient(0);
  const VjpValue inside = vjp::Gate(c, dy, code, lo, hi, true);
  if (c.wanted(0)) c.SetGradient(0, inside);
  if (c.wanted(1)) {
    const VjpValue clamped =
        vjp::Onnx(c, "Clip", {code, vjp::FloatScalar(c, x, lo), vjp::FloatScalar(c, x, hi)});
    const VjpValue rounded = vjp::Mul(c, dy, vjp::Sub(c, clamped, z));
    const VjpValue ds = vjp::Sub(c, rounded, vjp::Mul(c, inside, steps));
    c.SetGradient(1, vjp::SumToAxis(c, ds, axis, c.input(1)));
  }
  if (c.wanted(2)) {
    const VjpValue dz = vjp::Mul(c, vjp::Sub(c, inside, dy), s);
    c.SetGradient(2, vjp::SumToAxis(c, dz, axis, c.input(2)));
  }
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kLearnedQuantOp = {
    .domain = kAdzeDomain,
    .name = "LearnedQuant",
    .summary = "dequantize(quantize(x)) with scale and zero point as differentiable inputs",
    .min_inputs = 3,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
};

}  // namespace adze
