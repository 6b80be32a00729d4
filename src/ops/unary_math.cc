// Functions of one element: Neg, Abs, Sign (numbers) and Sqrt, Exp, Log, Reciprocal, Floor, Ceil,
// Round, Sin, Cos (floats).
#include <cmath>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status InferNumber(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  const DType dtype = ctx.input(0)->dtype;
  return dtype == DType::kBool ? UnsupportedDType(dtype) : OkStatus();
}

Status InferFloat(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  const DType dtype = ctx.input(0)->dtype;
  return IsFloat(dtype) ? OkStatus() : UnsupportedDType(dtype);
}

Status InferNeg(InferContext& ctx) {
  ADZE_TRY(InferNumber(ctx));
  auto elements = KnownElements(ctx, 0);
  if (!elements) return OkStatus();
  for (Dim& d : *elements) d = Dim(0) - d;
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

// Unsigned arithmetic: the most negative integer maps to itself.
struct Neg {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(0 - static_cast<uint64_t>(x));
    return -x;
  }
};
struct Abs {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    return x < 0 ? Neg{}(x) : x;
  }
};
struct Sign {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x)) return x;
    }
    return static_cast<T>((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
  }
};

// Rules that multiply the gradient with a slope.
using Rule = Status (*)(VjpContext&);
template <VjpValue (*Slope)(VjpContext&)>
Status TimesSlope(VjpContext& c) {
  c.SetGradient(0, vjp::Mul(c, c.gradient(0), Slope(c)));
  return OkStatus();
}
VjpValue SignOfX(VjpContext& c) { return vjp::Onnx(c, "Sign", {c.input(0)}); }
VjpValue ItsResult(VjpContext& c) { return c.output(0); }
VjpValue MinusSquaredResult(VjpContext& c) {
  return vjp::Neg(c, vjp::Mul(c, c.output(0), c.output(0)));
}
VjpValue CosOfX(VjpContext& c) { return vjp::Onnx(c, "Cos", {c.input(0)}); }
VjpValue MinusSinOfX(VjpContext& c) { return vjp::Neg(c, vjp::Onnx(c, "Sin", {c.input(0)})); }

Status VjpNeg(VjpContext& c) {
  c.SetGradient(0, vjp::Neg(c, c.gradient(0)));
  return OkStatus();
}
Status VjpSqrt(VjpContext& c) {
  c.SetGradient(0, vjp::Times(c, vjp::Div(c, c.gradient(0), c.output(0)), 0.5));
  return OkStatus();
}
Status VjpLog(VjpContext& c) {
  c.SetGradient(0, vjp::Div(c, c.gradient(0), c.input(0)));
  return OkStatus();
}

constexpr OpDef Unary(const char* name, const char* summary, Status (*infer)(InferContext&),
                      Status (*eval)(const EvalContext&), Rule vjp = nullptr) {
  return {.name = name,
          .summary = summary,
          .infer = infer,
          .eval = eval,
          .vjp = vjp,
          .quant = {.kind = QuantKind::kTable},
          .in_place = true,
          .elementwise = true};
}

}  // namespace

extern constexpr OpDef kNegOp = Unary(
    "Neg", "-x", InferNeg, [](const EvalContext& ctx) { return MapUnary(ctx, Neg{}); }, VjpNeg);
extern constexpr OpDef kAbsOp = Unary(
    "Abs", "|x|", InferNumber, [](const EvalContext& ctx) { return MapUnary(ctx, Abs{}); },
    TimesSlope<SignOfX>);
extern constexpr OpDef kSignOp =
    Unary("Sign", "-1, 0 or 1", InferNumber,
          [](const EvalContext& ctx) { return MapUnary(ctx, Sign{}); });
extern constexpr OpDef kSqrtOp = Unary(
    "Sqrt", "Square root", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::sqrt(x); }); },
    VjpSqrt);
extern constexpr OpDef kExpOp = Unary(
    "Exp", "e^x", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::exp(x); }); },
    TimesSlope<ItsResult>);
extern constexpr OpDef kLogOp = Unary(
    "Log", "Natural logarithm", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::log(x); }); },
    VjpLog);
extern constexpr OpDef kReciprocalOp = Unary(
    "Reciprocal", "1 / x", InferFloat,
    [](const EvalContext& ctx) {
      return MapUnaryFloat(ctx, [](auto x) { return decltype(x){1} / x; });
    },
    TimesSlope<MinusSquaredResult>);
extern constexpr OpDef kFloorOp =
    Unary("Floor", "Largest integer <= x", InferFloat, [](const EvalContext& ctx) {
      return MapUnaryFloat(ctx, [](auto x) { return std::floor(x); });
    });
extern constexpr OpDef kCeilOp = Unary(
    "Ceil", "Smallest integer >= x", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::ceil(x); }); });
extern constexpr OpDef kRoundOp =
    Unary("Round", "Nearest integer, ties to even", InferFloat, [](const EvalContext& ctx) {
      return MapUnaryFloat(ctx, [](auto x) { return std::nearbyint(x); });
    });
extern constexpr OpDef kSinOp = Unary(
    "Sin", "Sine", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::sin(x); }); },
    TimesSlope<CosOfX>);
extern constexpr OpDef kCosOp = Unary(
    "Cos", "Cosine", InferFloat,
    [](const EvalContext& ctx) { return MapUnaryFloat(ctx, [](auto x) { return std::cos(x); }); },
    TimesSlope<MinusSinOfX>);

}  // namespace adze
