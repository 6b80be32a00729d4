// Broadcast binary arithmetic: Add, Sub, Mul, Div, Mod, Pow.
#include "ops/binary.h"
#include "ops/convert.h"
#include "ops/shape_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

using OptionalDim = std::optional<Dim>;

Status InferAdd(InferContext& ctx) {
  return InferBinary(ctx, [](const Dim& a, const Dim& b) -> OptionalDim { return a + b; });
}
Status InferSub(InferContext& ctx) {
  return InferBinary(ctx, [](const Dim& a, const Dim& b) -> OptionalDim { return a - b; });
}
Status InferMul(InferContext& ctx) {
  return InferBinary(ctx, [](const Dim& a, const Dim& b) -> OptionalDim { return a * b; });
}

// Symbolic sizes are non-negative, so that truncation is floor; what computes with them checks the
// real ones.
OptionalDim DivElements(const Dim& a, const Dim& b) {
  if (b.IsConst(0)) return std::nullopt;
  if (a.is_const() && b.is_const()) return Dim(a.value() / b.value());
  if (OptionalDim exact = a.DivExact(b)) return exact;
  return b.is_const() && b.value() > 0 ? OptionalDim(a.FloorDiv(b.value())) : std::nullopt;
}
Status InferDiv(InferContext& ctx) {
  return InferBinary(ctx, [](const Dim& a, const Dim& b) { return DivElements(a, b); });
}

Status InferMod(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const bool fmod = ctx.attrs.Int("fmod") != 0;
  if (IsFloat(ctx.input(0)->dtype) && !fmod) {
    return InvalidInput("fmod must be 1 for floating-point inputs");
  }
  return InferBinary(ctx, [&](const Dim& a, const Dim& b) -> OptionalDim {
    if (!b.is_const() || b.value() <= 0) return std::nullopt;
    if (fmod && a.is_const()) return Dim(a.value() % b.value());
    return a - b * a.FloorDiv(b.value());
  });
}

Status InferPow(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  for (int i = 0; i < 2; ++i) {
    if (ctx.input(i)->dtype == DType::kBool) return UnsupportedDType(DType::kBool);
  }
  ctx.SetOutput(0, ctx.input(0)->dtype, std::nullopt);
  if (ctx.shape(0) == nullptr || ctx.shape(1) == nullptr) return OkStatus();
  ADZE_ASSIGN(Shape shape, BroadcastShapes(*ctx.shape(0), *ctx.shape(1)));
  return SetShape(ctx, 0, ctx.input(0)->dtype, std::move(shape));
}

Status EvalAdd(const EvalContext& ctx) { return MapBinary(ctx, binary::Add{}); }
Status EvalSub(const EvalContext& ctx) { return MapBinary(ctx, binary::Sub{}); }
Status EvalMul(const EvalContext& ctx) { return MapBinary(ctx, binary::Mul{}); }

Status CheckDivisor(const ConstTensorView& b) {
  if (!IsInteger(b.dtype)) return OkStatus();
  const int64_t n = b.size();
  for (int64_t i = 0; i < n; ++i) {
    if (IntegerAt(b, i) == 0) {
      return InvalidInput("integer division by zero at element " + std::to_string(i));
    }
  }
  return OkStatus();
}

Status EvalDiv(const EvalContext& ctx) {
  ADZE_TRY(CheckDivisor(ctx.in(1)));
  return MapBinary(ctx, binary::Div{});
}

// fmod: the sign of the dividend; otherwise (integers only) that of the divisor.
struct Mod {
  bool fmod;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
      const T r = static_cast<T>(a % b);
      return !fmod && r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
    }
  }
};

Status EvalMod(const EvalContext& ctx) {
  ADZE_TRY(CheckDivisor(ctx.in(1)));
  return MapBinary(ctx, Mod{ctx.attrs.Int("fmod") != 0});
}

// Integer to a non-negative integer power, wrapping.
uint64_t WrappingPow(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

Status EvalPow(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(PlanBroadcast(y.dims, a.dims, b.dims));
  if (a.dtype == DType::kBool || b.dtype == DType::kBool) return UnsupportedDType(DType::kBool);
  if (a.dtype == DType::kFloat16 || a.dtype == DType::kBFloat16) {
    ForEachBroadcast(y.dims, a.dims, b.dims, [&](int64_t i, int64_t p, int64_t q) {
      SetFloatAt(y, i, std::pow(FloatAt(a, p), static_cast<float>(NumberAt(b, q))));
    });
    return OkStatus();
  }
  DispatchDType(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    ForEachBroadcast(y.dims, a.dims, b.dims, [&](int64_t i, int64_t p, int64_t q) {
      const T base = a.as<T>()[p];
      if constexpr (std::is_floating_point_v<T>) {
        y.as<T>()[i] = std::pow(base, static_cast<T>(NumberAt(b, q)));
      } else if (IsInteger(b.dtype) && (b.dtype == DType::kUInt64 || IntegerAt(b, q) >= 0)) {
        const auto exponent = static_cast<uint64_t>(IntegerAt(b, q));
        y.as<T>()[i] = static_cast<T>(WrappingPow(binary::Wide(base), exponent));
      } else {
        y.as<T>()[i] = TruncateTo<T>(std::pow(static_cast<double>(base), NumberAt(b, q)));
      }
    });
  });
  return OkStatus();
}

// Sets the gradient of operand i, which may have been broadcast.
Status SetOperand(VjpContext& c, int i, VjpValue gradient) {
  ADZE_ASSIGN(const VjpValue sum, vjp::SumTo(c, gradient, c.input(i)));
  c.SetGradient(i, sum);
  return OkStatus();
}

Status VjpAdd(VjpContext& c) {
  if (c.wanted(0)) ADZE_TRY(SetOperand(c, 0, c.gradient(0)));
  return c.wanted(1) ? SetOperand(c, 1, c.gradient(0)) : OkStatus();
}
Status VjpSub(VjpContext& c) {
  if (c.wanted(0)) ADZE_TRY(SetOperand(c, 0, c.gradient(0)));
  return c.wanted(1) ? SetOperand(c, 1, vjp::Neg(c, c.gradient(0))) : OkStatus();
}
Status VjpMul(VjpContext& c) {
  for (int i = 0; i < 2; ++i) {
    if (c.wanted(i)) ADZE_TRY(SetOperand(c, i, vjp::Mul(c, c.gradient(0), c.input(1 - i))));
  }
  return OkStatus();
}
Status VjpDiv(VjpContext& c) {
  const VjpValue share = vjp::Div(c, c.gradient(0), c.input(1));
  if (c.wanted(0)) ADZE_TRY(SetOperand(c, 0, share));
  return c.wanted(1) ? SetOperand(c, 1, vjp::Neg(c, vjp::Mul(c, share, c.output(0)))) : OkStatus();
}
// p * a^(p - 1); the exponent itself has no rule.
Status VjpPow(VjpContext& c) {
  const ValueInfo exponent = c.Info(c.input(1));
  if (c.wanted(1) || exponent.constant == nullptr || exponent.constant->size() != 1) {
    return Unsupported("only a constant exponent of one element has a gradient rule");
  }
  const double p = NumberAt(exponent.constant->view(), 0);
  const VjpValue power = vjp::Onnx(c, "Pow", {c.input(0), vjp::FloatScalar(c, c.input(0), p - 1)});
  return SetOperand(c, 0, vjp::Mul(c, c.gradient(0), vjp::Times(c, power, p)));
}

constexpr AttrDef kModAttrs[] = {{"fmod", AttrKind::kInt}};

// `quant`: whether it computes on quantized values directly.
constexpr OpDef Binary(const char* name, const char* summary, Status (*infer)(InferContext&),
                       Status (*eval)(const EvalContext&), QuantKind quant,
                       Status (*vjp)(VjpContext&) = nullptr, std::span<const AttrDef> attrs = {}) {
  return {.name = name,
          .summary = summary,
          .min_inputs = 2,
          .max_inputs = 2,
          .attrs = attrs,
          .infer = infer,
          .eval = eval,
          .vjp = vjp,
          .quant = {.kind = quant},
          .in_place = true,
          .elementwise = true};
}

}  // namespace

extern constexpr OpDef kAddOp =
    Binary("Add", "a + b", InferAdd, EvalAdd, QuantKind::kArithmetic, VjpAdd);
extern constexpr OpDef kSubOp =
    Binary("Sub", "a - b", InferSub, EvalSub, QuantKind::kArithmetic, VjpSub);
extern constexpr OpDef kMulOp =
    Binary("Mul", "a * b", InferMul, EvalMul, QuantKind::kArithmetic, VjpMul);
extern constexpr OpDef kDivOp =
    Binary("Div", "a / b; integers truncate", InferDiv, EvalDiv, QuantKind::kArithmetic, VjpDiv);
extern constexpr OpDef kModOp = Binary("Mod", "The remainder of a / b", InferMod, EvalMod,
                                       QuantKind::kFloat, nullptr, kModAttrs);
extern constexpr OpDef kPowOp =
    Binary("Pow", "a to the power of b", InferPow, EvalPow, QuantKind::kFloat, VjpPow);

}  // namespace adze
