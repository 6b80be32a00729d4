// PRelu: x where x >= 0, slope * x elsewhere; the slope broadcasts to x.
#include <limits>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_TRY(RequireInput(ctx, 1, "slope"));
  ADZE_TRY(RequireSameDType(ctx, 1, "slope", 0));
  const Shape* const x = ctx.shape(0);
  const Shape* const slope = ctx.shape(1);
  if (x != nullptr && slope != nullptr) {
    ADZE_ASSIGN(const Shape y, BroadcastShapes(*x, *slope));
    if (y.size() != x->size() ||
        !std::equal(y.begin(), y.end(), x->begin(),
                    [](const Dim& a, const Dim& b) { return !b.is_const() || a == b; })) {
      return InvalidInput("slope " + ShapeToString(*slope) + " does not broadcast to " +
                          ShapeToString(*x));
    }
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& slope = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckBroadcast(slope.dims, x.dims));
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    ForEachBroadcast(x.dims, x.dims, slope.dims, [&](int64_t i, int64_t, int64_t s) {
      const auto v = Io::Load(x.data, i);
      Io::Store(y.data, i, v < 0 ? v * Io::Load(slope.data, s) : v);
    });
  });
}

Status Vjp(VjpContext& c) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const VjpValue positive = vjp::Gate(c, c.gradient(0), c.input(0), 0, kInf, /*closed=*/true);
  const VjpValue negative = vjp::Sub(c, c.gradient(0), positive);
  if (c.wanted(0)) c.SetGradient(0, vjp::Add(c, positive, vjp::Mul(c, negative, c.input(1))));
  if (!c.wanted(1)) return OkStatus();
  ADZE_ASSIGN(const VjpValue slope, vjp::SumTo(c, vjp::Mul(c, negative, c.input(0)), c.input(1)));
  c.SetGradient(1, slope);
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kPReluOp = {
    .name = "PRelu",
    .summary = "x, or slope * x where x is negative, with a learned slope",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .in_place = true,
};

}  // namespace adze
