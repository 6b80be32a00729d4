// adze.Gate: g where lo < x < hi (lo <= x <= hi if closed), 0 elsewhere. What Relu, Clip and their
// kin, and quantizers with saturation, pass back. A NaN in x gives 0.
#include "ops/nn_util.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"closed", AttrKind::kInt}, {"hi", AttrKind::kFloat, true}, {"lo", AttrKind::kFloat, true}};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "g"));
  ADZE_TRY(RequireSameDType(ctx, 2));
  if (ctx.shape(0) != nullptr && ctx.shape(1) != nullptr) {
    if (ctx.shape(0)->size() != ctx.shape(1)->size()) {
      return InvalidInput("g is " + ShapeToString(*ctx.shape(0)) + ", x is " +
                          ShapeToString(*ctx.shape(1)));
    }
    for (size_t i = 0; i < ctx.shape(0)->size(); ++i) {
      ADZE_TRY(SameDim((*ctx.shape(0))[i], (*ctx.shape(1))[i], "g and x"));
    }
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& g = ctx.in(0);
  const ConstTensorView& x = ctx.in(1);
  ADZE_TRY(CheckSameSize(ctx));
  ADZE_TRY(CheckDims(x.dims, g.dims));
  const bool closed = ctx.attrs.Int("closed") != 0;
  return DispatchFloat(g.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    const Real lo = static_cast<Real>(ctx.attrs.Float("lo"));
    const Real hi = static_cast<Real>(ctx.attrs.Float("hi"));
    for (int64_t i = 0; i < g.size(); ++i) {
      const Real v = Io::Load(x.data, i);
      const bool open = (v > lo && v < hi) || (closed && (v == lo || v == hi));
      Io::Store(ctx.out(0).data, i, open ? Io::Load(g.data, i) : Real{0});
    }
  });
}

// Linear in g; x moves the result nowhere but at the bounds.
Status Vjp(VjpContext& c) {
  if (c.wanted(0)) {
    c.SetGradient(
        0, c.Emit(OpType::Intern(kAdzeDomain, "Gate"), {c.gradient(0), c.input(1)}, c.attrs));
  }
  if (c.wanted(1))
    c.SetGradient(1, vjp::ExpandLike(c, vjp::FloatScalar(c, c.input(1), 0), c.input(1)));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kGateOp = {
    .domain = kAdzeDomain,
    .name = "Gate",
    .summary = "g where x is between the bounds, 0 elsewhere",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .in_place = true,
    .elementwise = true,
};

}  // namespace adze
