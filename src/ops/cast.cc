// Cast and CastLike: conversion of the element type. Floats become integers towards zero,
// saturating (narrow integers wrap), NaN as 0; integers wrap; narrower floats round to nearest
// even; anything but 0 is true.
#include "ops/convert.h"
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

Status InferTo(InferContext& ctx, DType to) {
  ctx.SetOutput(0, to, ctx.input(0)->shape);
  auto elements = KnownElements(ctx, 0);
  if (elements && to == DType::kBool) {
    for (Dim& d : *elements) {
      if (!d.is_const()) return OkStatus();
      d = Dim(d.IsConst(0) ? 0 : 1);
    }
  }
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

Status InferCast(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  ADZE_ASSIGN(const DType to, DTypeFromOnnx(ctx.attrs.Int("to")));
  return InferTo(ctx, to);
}

Status InferCastLike(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  return InferTo(ctx, ctx.input(1)->dtype);
}

// The low bits, as the official vectors have it for floats too.
template <typename From>
uint8_t ToNarrow(From v, DType type) {
  int64_t integer = 0;
  if constexpr (std::is_floating_point_v<From>) {
    integer = TruncateTo<int64_t>(v);
  } else {
    integer = static_cast<int64_t>(v);
  }
  const int64_t codes = int64_t{1} << BitsOf(type);
  const int64_t low = integer & (codes - 1);
  return static_cast<uint8_t>(low > RangeOf(type).max ? low - codes : low);
}

template <typename To, typename From>
To Convert(From v) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    return TruncateTo<To>(v);
  } else {
    return static_cast<To>(v);
  }
}

// y[i] = load(i), where load gives double, int64_t or uint64_t without loss.
template <typename Load>
void StoreAll(const TensorView& y, Load load) {
  const int64_t n = y.size();
  if (IsNarrow(y.dtype)) {
    auto* const out = static_cast<uint8_t*>(y.data);
    for (int64_t i = 0; i < n; ++i) out[i] = ToNarrow(load(i), y.dtype);
    return;
  }
  switch (y.dtype) {
    case DType::kFloat16:
    case DType::kBFloat16:
      for (int64_t i = 0; i < n; ++i) SetFloatAt(y, i, RoundToOdd(load(i)));
      return;
    case DType::kBool:
      for (int64_t i = 0; i < n; ++i) static_cast<uint8_t*>(y.data)[i] = load(i) != 0;
      return;
    default:
      DispatchDType(y.dtype, [&](auto zero) {
        using T = decltype(zero);
        for (int64_t i = 0; i < n; ++i) y.as<T>()[i] = Convert<T>(load(i));
      });
  }
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (x.dtype == y.dtype) return EvalCopy(ctx);
  ADZE_TRY(CheckDims(y.dims, x.dims));
  if (IsFloat(x.dtype)) {
    StoreAll(y, [&](int64_t i) { return NumberAt(x, i); });
  } else if (x.dtype == DType::kUInt64) {
    StoreAll(y, [&](int64_t i) { return x.as<uint64_t>()[i]; });
  } else if (x.dtype == DType::kBool) {
    StoreAll(y, [&](int64_t i) -> int64_t { return IntegerAt(x, i) != 0; });
  } else {
    StoreAll(y, [&](int64_t i) { return IntegerAt(x, i); });
  }
  return OkStatus();
}

// `saturate` concerns 8-bit floats only.
constexpr AttrDef kCastAttrs[] = {{"saturate", AttrKind::kInt}, {"to", AttrKind::kInt, true}};
constexpr AttrDef kCastLikeAttrs[] = {{"saturate", AttrKind::kInt}};

// Between floats; what became an integer has no gradient.
Status Vjp(VjpContext& c) {
  c.SetGradient(0, vjp::Onnx(c, "CastLike", {c.gradient(0), c.input(0)}));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kCastOp = {
    .name = "Cast",
    .summary = "Converts the element type to that of the attribute `to`",
    .attrs = kCastAttrs,
    .infer = InferCast,
    .eval = Eval,
    .vjp = Vjp,
    .elementwise = true,
};

extern constexpr OpDef kCastLikeOp = {
    .name = "CastLike",
    .summary = "Converts the element type to that of the second input",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kCastLikeAttrs,
    .infer = InferCastLike,
    .eval = Eval,
    .vjp = Vjp,
};

}  // namespace adze
