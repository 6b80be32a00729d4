// Max, Min, Sum, Mean: element-wise over any number of inputs, with broadcasting.
#include "ops/binary.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status InferAny(InferContext& ctx) {
  ADZE_TRY(RequireSameDType(ctx, ctx.num_inputs()));
  const DType dtype = ctx.input(0)->dtype;
  if (dtype == DType::kBool) return InvalidInput("inputs are bool, must be numbers");
  ctx.SetOutput(0, dtype, std::nullopt);
  if (ctx.shape(0) == nullptr) return OkStatus();
  Shape shape = *ctx.shape(0);
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    if (ctx.shape(i) == nullptr) return OkStatus();
    ADZE_ASSIGN(shape, BroadcastShapes(shape, *ctx.shape(i)));
  }
  return SetShape(ctx, 0, dtype, std::move(shape));
}

Status InferFloat(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  if (!IsFloat(ctx.input(0)->dtype)) return UnsupportedDType(ctx.input(0)->dtype);
  return InferAny(ctx);
}

// Known contents where the answer is the same for all sizes >= 0.
template <typename Less>
Status InferExtremum(InferContext& ctx, Less less) {
  ADZE_TRY(InferAny(ctx));
  if (ctx.num_inputs() == 1) ForwardElements(ctx, 0, 0);
  if (ctx.num_inputs() != 2) return OkStatus();
  CombineElements(ctx, [&](const Dim& a, const Dim& b) -> std::optional<Dim> {
    if (a == b || less(a, b)) return b;
    if (less(b, a)) return a;
    return std::nullopt;
  });
  return OkStatus();
}
bool CertainlyLessOrEqual(const Dim& a, const Dim& b) {
  const std::optional<int64_t> gap = (b - a).LowerBound();
  return gap && *gap >= 0;
}
Status InferMax(InferContext& ctx) { return InferExtremum(ctx, CertainlyLessOrEqual); }
Status InferMin(InferContext& ctx) {
  return InferExtremum(ctx, [](const Dim& a, const Dim& b) { return CertainlyLessOrEqual(b, a); });
}

// y = in0 (+) in1 (+) in2 ..., left to right.
template <typename Fn>
Status Accumulate(const EvalContext& ctx, Fn fn) {
  const TensorView& y = ctx.out(0);
  const size_t n = ctx.inputs.size();
  if (n == 1) return MapBinary<void>(ctx.in(0), ctx.in(0), y, [](auto a, auto) { return a; });
  ADZE_TRY(MapBinary<void>(ctx.in(0), ctx.in(1), y, fn));
  for (size_t i = 2; i < n; ++i) ADZE_TRY(MapBinary<void>(y, ctx.inputs[i], y, fn));
  return OkStatus();
}

Status EvalMax(const EvalContext& ctx) { return Accumulate(ctx, binary::Max{}); }
Status EvalMin(const EvalContext& ctx) { return Accumulate(ctx, binary::Min{}); }
Status EvalSum(const EvalContext& ctx) { return Accumulate(ctx, binary::Add{}); }
Status EvalMean(const EvalContext& ctx) {
  ADZE_TRY(EvalSum(ctx));
  const TensorView& y = ctx.out(0);
  const float n = static_cast<float>(ctx.inputs.size());
  return MapBinary<void>(y, y, y, [n](auto a, auto) { return a / static_cast<decltype(a)>(n); });
}

// Sum, and Mean by its number of inputs.
Status VjpSum(VjpContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.wanted(i)) continue;
    ADZE_ASSIGN(const VjpValue g, vjp::SumTo(c, c.gradient(0), c.input(i)));
    c.SetGradient(i, g);
  }
  return OkStatus();
}
Status VjpMean(VjpContext& c) {
  const VjpValue share = vjp::Times(c, c.gradient(0), 1.0 / c.num_inputs());
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.wanted(i)) continue;
    ADZE_ASSIGN(const VjpValue g, vjp::SumTo(c, share, c.input(i)));
    c.SetGradient(i, g);
  }
  return OkStatus();
}

constexpr OpDef Variadic(const char* name, const char* summary, Status (*infer)(InferContext&),
                         Status (*eval)(const EvalContext&), QuantKind quant,
                         Status (*vjp)(VjpContext&) = nullptr) {
  return {.name = name,
          .summary = summary,
          .max_inputs = -1,
          .infer = infer,
          .eval = eval,
          .vjp = vjp,
          .quant = {.kind = quant},
          .elementwise = true};
}

}  // namespace

extern constexpr OpDef kMaxOp =
    Variadic("Max", "Element-wise maximum of all inputs", InferMax, EvalMax, QuantKind::kSameScale);
extern constexpr OpDef kMinOp =
    Variadic("Min", "Element-wise minimum of all inputs", InferMin, EvalMin, QuantKind::kSameScale);
extern constexpr OpDef kSumOp = Variadic("Sum", "Element-wise sum of all inputs", InferFloat,
                                         EvalSum, QuantKind::kFloat, VjpSum);
extern constexpr OpDef kMeanOp = Variadic("Mean", "Element-wise mean of all inputs", InferFloat,
                                          EvalMean, QuantKind::kFloat, VjpMean);

}  // namespace adze
