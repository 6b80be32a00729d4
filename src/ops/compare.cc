// Comparisons (Equal, Greater, GreaterOrEqual, Less, LessOrEqual), logic (And, Or, Xor, Not) and
// the float predicates IsNaN and IsInf. The output is bool.
#include <cmath>
#include <functional>

#include "ops/binary.h"
#include "ops/shape_util.h"

namespace adze {
namespace {

using OptionalDim = std::optional<Dim>;

// Whether a >= b for all symbols >= 0; nullopt when it depends on them.
std::optional<bool> CertainlyGreaterOrEqual(const Dim& a, const Dim& b) {
  const std::optional<int64_t> gap = (a - b).LowerBound();
  if (gap && *gap >= 0) return true;
  const std::optional<int64_t> back = (b - a).LowerBound();
  if (back && *back >= 1) return false;
  return std::nullopt;
}
OptionalDim ToElement(std::optional<bool> v, bool negate = false) {
  return v ? OptionalDim(Dim(*v != negate ? 1 : 0)) : std::nullopt;
}

Status InferGreaterOrEqual(InferContext& ctx) {
  return InferBinary(
      ctx, [](const Dim& a, const Dim& b) { return ToElement(CertainlyGreaterOrEqual(a, b)); },
      DType::kBool);
}
Status InferLess(InferContext& ctx) {
  return InferBinary(
      ctx,
      [](const Dim& a, const Dim& b) { return ToElement(CertainlyGreaterOrEqual(a, b), true); },
      DType::kBool);
}
Status InferLessOrEqual(InferContext& ctx) {
  return InferBinary(
      ctx, [](const Dim& a, const Dim& b) { return ToElement(CertainlyGreaterOrEqual(b, a)); },
      DType::kBool);
}
Status InferGreater(InferContext& ctx) {
  return InferBinary(
      ctx,
      [](const Dim& a, const Dim& b) { return ToElement(CertainlyGreaterOrEqual(b, a), true); },
      DType::kBool);
}
Status InferEqual(InferContext& ctx) {
  ADZE_TRY(InferBroadcast(ctx, DType::kBool));
  CombineElements(ctx, [](const Dim& a, const Dim& b) -> OptionalDim {
    if (a == b) return Dim(1);
    // Never equal when one is certainly the larger.
    const std::optional<int64_t> above = (a - b).LowerBound();
    const std::optional<int64_t> below = (b - a).LowerBound();
    return (above && *above > 0) || (below && *below > 0) ? OptionalDim(Dim(0)) : std::nullopt;
  });
  return OkStatus();
}

template <typename Fn>
Status MapBool(const EvalContext& ctx, Fn fn) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const BroadcastPlan plan, PlanBroadcast(y.dims, a.dims, b.dims));
  // Bytes, not bool: a file may hold other values than 0 and 1.
  BroadcastLoop(plan, static_cast<const uint8_t*>(a.data), static_cast<const uint8_t*>(b.data),
                static_cast<uint8_t*>(y.data),
                [&](uint8_t p, uint8_t q) -> uint8_t { return fn(p != 0, q != 0); });
  return OkStatus();
}
template <typename Fn>
Status MapCompare(const EvalContext& ctx, Fn fn) {
  return MapBinary<uint8_t>(ctx.in(0), ctx.in(1), ctx.out(0), fn);
}

Status EvalEqual(const EvalContext& ctx) {
  return ctx.in(0).dtype == DType::kBool ? MapBool(ctx, std::equal_to<>())
                                         : MapCompare(ctx, std::equal_to<>());
}

Status InferLogic(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  for (int i = 0; i < 2; ++i) {
    if (ctx.input(i)->dtype != DType::kBool) {
      return InvalidInput(std::string("input ") + std::to_string(i) + " is " +
                          DTypeName(ctx.input(i)->dtype) + ", must be bool");
    }
  }
  return InferBroadcast(ctx);
}

Status InferNot(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  if (ctx.input(0)->dtype != DType::kBool) return InvalidInput("the input must be bool");
  auto elements = KnownElements(ctx, 0);
  if (!elements) return OkStatus();
  for (Dim& d : *elements) d = Dim(1) - d;
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}
Status EvalNot(const EvalContext& ctx) {
  ADZE_TRY(CheckSameSize(ctx));
  const int64_t n = ctx.in(0).size();
  const auto* const x = static_cast<const uint8_t*>(ctx.in(0).data);
  for (int64_t i = 0; i < n; ++i) static_cast<uint8_t*>(ctx.out(0).data)[i] = x[i] == 0;
  return OkStatus();
}

Status InferPredicate(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  if (!IsFloat(ctx.input(0)->dtype)) return UnsupportedDType(ctx.input(0)->dtype);
  ctx.SetOutput(0, DType::kBool, ctx.input(0)->shape);
  return OkStatus();
}
// NumberAt, not FloatAt: a large double is not infinite.
Status EvalIsNaN(const EvalContext& ctx) {
  ADZE_TRY(CheckSameSize(ctx));
  const ConstTensorView& x = ctx.in(0);
  const int64_t n = x.size();
  for (int64_t i = 0; i < n; ++i) {
    static_cast<uint8_t*>(ctx.out(0).data)[i] = std::isnan(NumberAt(x, i));
  }
  return OkStatus();
}
Status EvalIsInf(const EvalContext& ctx) {
  ADZE_TRY(CheckSameSize(ctx));
  const ConstTensorView& x = ctx.in(0);
  const bool positive = ctx.attrs.Int("detect_positive", 1) != 0;
  const bool negative = ctx.attrs.Int("detect_negative", 1) != 0;
  const int64_t n = x.size();
  for (int64_t i = 0; i < n; ++i) {
    const double v = NumberAt(x, i);
    static_cast<uint8_t*>(ctx.out(0).data)[i] = std::isinf(v) && (v > 0 ? positive : negative);
  }
  return OkStatus();
}

constexpr AttrDef kIsInfAttrs[] = {{"detect_negative", AttrKind::kInt},
                                   {"detect_positive", AttrKind::kInt}};

constexpr OpDef Binary(const char* name, const char* summary, Status (*infer)(InferContext&),
                       Status (*eval)(const EvalContext&)) {
  return {.name = name,
          .summary = summary,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .eval = eval,
          .elementwise = true};
}

}  // namespace

extern constexpr OpDef kEqualOp = Binary("Equal", "a == b", InferEqual, EvalEqual);
extern constexpr OpDef kGreaterOp =
    Binary("Greater", "a > b", InferGreater,
           [](const EvalContext& ctx) { return MapCompare(ctx, std::greater<>()); });
extern constexpr OpDef kGreaterOrEqualOp =
    Binary("GreaterOrEqual", "a >= b", InferGreaterOrEqual,
           [](const EvalContext& ctx) { return MapCompare(ctx, std::greater_equal<>()); });
extern constexpr OpDef kLessOp = Binary("Less", "a < b", InferLess, [](const EvalContext& ctx) {
  return MapCompare(ctx, std::less<>());
});
extern constexpr OpDef kLessOrEqualOp =
    Binary("LessOrEqual", "a <= b", InferLessOrEqual,
           [](const EvalContext& ctx) { return MapCompare(ctx, std::less_equal<>()); });
extern constexpr OpDef kAndOp = Binary("And", "a and b", InferLogic, [](const EvalContext& ctx) {
  return MapBool(ctx, std::logical_and<>());
});
extern constexpr OpDef kOrOp = Binary("Or", "a or b", InferLogic, [](const EvalContext& ctx) {
  return MapBool(ctx, std::logical_or<>());
});
extern constexpr OpDef kXorOp =
    Binary("Xor", "a differs from b", InferLogic,
           [](const EvalContext& ctx) { return MapBool(ctx, std::not_equal_to<>()); });

extern constexpr OpDef kNotOp = {
    .name = "Not",
    .summary = "Logical negation",
    .infer = InferNot,
    .eval = EvalNot,
    .in_place = true,
    .elementwise = true,
};
extern constexpr OpDef kIsNaNOp = {
    .name = "IsNaN",
    .summary = "Whether an element is not a number",
    .infer = InferPredicate,
    .eval = EvalIsNaN,
    .elementwise = true,
};
extern constexpr OpDef kIsInfOp = {
    .name = "IsInf",
    .summary = "Whether an element is infinite",
    .attrs = kIsInfAttrs,
    .infer = InferPredicate,
    .eval = EvalIsInf,
    .elementwise = true,
};

}  // namespace adze
