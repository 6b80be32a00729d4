// Range: start, start + delta, start + 2 delta, ... up to (not including) limit.
#include <algorithm>
#include <cmath>

#include "ops/binary.h"
#include "ops/shape_util.h"

namespace adze {
namespace {

// The number of elements; the inputs have one type.
Result<int64_t> Count(const ConstTensorView& start, const ConstTensorView& limit,
                      const ConstTensorView& delta) {
  if (start.size() != 1 || limit.size() != 1 || delta.size() != 1) {
    return InvalidInput("start, limit and delta must be scalars");
  }
  double n;
  if (IsFloat(start.dtype)) {
    n = std::ceil((NumberAt(limit, 0) - NumberAt(start, 0)) / NumberAt(delta, 0));
  } else {
    const __int128 step = IntegerAt(delta, 0);
    const __int128 span = static_cast<__int128>(IntegerAt(limit, 0)) - IntegerAt(start, 0);
    if (step == 0) return InvalidInput("delta is 0");
    n = static_cast<double>((span + step + (step > 0 ? -1 : 1)) / step);
  }
  if (!(n <= static_cast<double>(kMaxElements))) {  // NaN as well
    return InvalidInput("the number of elements is not finite or too large");
  }
  return static_cast<int64_t>(std::max(n, 0.0));
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireSameDType(ctx, 3));
  const DType dtype = ctx.input(0)->dtype;
  if (dtype != DType::kFloat32 && dtype != DType::kFloat64 && dtype != DType::kInt16 &&
      dtype != DType::kInt32 && dtype != DType::kInt64) {
    return UnsupportedDType(dtype);
  }
  ctx.SetOutput(0, dtype, std::nullopt);
  bool constant = true;
  for (int i = 0; i < 3; ++i) {
    const Shape* const shape = ctx.shape(i);
    if (shape != nullptr && NumElements(*shape).is_const() && !NumElements(*shape).IsConst(1)) {
      return InvalidInput("input " + std::to_string(i) + " has shape " + ShapeToString(*shape) +
                          ", must be a scalar");
    }
    constant = constant && ctx.input(i)->constant != nullptr;
  }
  const auto start = KnownElements(ctx, 0);
  const auto limit = KnownElements(ctx, 1);
  const auto delta = KnownElements(ctx, 2);
  const bool known = start && limit && delta && (*delta)[0].is_const();
  Dim n = 0;
  if (constant) {
    ADZE_ASSIGN(n, Count(ctx.input(0)->constant->view(), ctx.input(1)->constant->view(),
                         ctx.input(2)->constant->view()));
  } else if (known && !(*delta)[0].IsConst(0)) {
    const int64_t step = (*delta)[0].value();
    const Dim span = step > 0 ? (*limit)[0] - (*start)[0] : (*start)[0] - (*limit)[0];
    n = span.CeilDiv(step > 0 ? step : -step);
    if (n.is_const() && n.value() < 0) n = 0;
  } else {
    return OkStatus();
  }
  ADZE_TRY(SetShape(ctx, 0, dtype, {n}));
  if (!known || !n.is_const() || n.value() > static_cast<int64_t>(kMaxKnownElements)) {
    return OkStatus();
  }
  std::vector<Dim> elements;
  for (int64_t i = 0; i < n.value(); ++i) elements.push_back((*start)[0] + (*delta)[0] * Dim(i));
  SetElements(ctx, 0, std::move(elements));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const int64_t n, Count(ctx.in(0), ctx.in(1), ctx.in(2)));
  ADZE_TRY(CheckDims(y.dims, {&n, 1}));
  DispatchDType(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      const T start = ctx.in(0).as<T>()[0];
      const T delta = ctx.in(2).as<T>()[0];
      for (int64_t i = 0; i < n; ++i) {
        y.as<T>()[i] = binary::Add{}(start, binary::Mul{}(delta, static_cast<T>(i)));
      }
    }
  });
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kRangeOp = {
    .name = "Range",
    .summary = "Numbers from start to limit in steps of delta",
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
