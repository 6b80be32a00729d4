// CumSum: running sums along an axis; `exclusive` leaves the element itself out, `reverse` starts
// at the end.
#include "ops/binary.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status CheckAxisInput(const ConstTensorView& axis) {
  if (axis.size() == 1 && IsInteger(axis.dtype)) return OkStatus();
  return InvalidInput("axis of shape " + DimsToString(axis.dims) + " must be one integer");
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  if (dtype == DType::kBool) return UnsupportedDType(dtype);
  if (!IsInteger(ctx.input(1)->dtype)) return InvalidInput("axis must be an integer");
  if (const Tensor* const axis = ctx.input(1)->constant) {
    ADZE_TRY(CheckAxisInput(axis->view()));
    if (ctx.shape(0) != nullptr) {
      ADZE_TRY(NormalizeAxis(IntegerAt(axis->view(), 0), static_cast<int>(ctx.shape(0)->size())));
    }
  }
  return InferSameAsInput(ctx);
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckAxisInput(ctx.in(1)));
  ADZE_TRY(CheckDims(y.dims, x.dims));
  ADZE_ASSIGN(const int axis, NormalizeAxis(IntegerAt(ctx.in(1), 0), x.rank()));
  if (x.size() == 0) return OkStatus();
  const AxisView v(x.dims, axis);
  const bool exclusive = ctx.attrs.Int("exclusive") != 0;
  const bool reverse = ctx.attrs.Int("reverse") != 0;
  const auto run = [&](auto zero, auto load, auto store) {
    for (int64_t line = 0; line < v.outer * v.inner; ++line) {
      const int64_t base = line / v.inner * v.dim * v.inner + line % v.inner;
      auto sum = zero;
      for (int64_t k = 0; k < v.dim; ++k) {
        const int64_t i = base + (reverse ? v.dim - 1 - k : k) * v.inner;
        const auto next = binary::Add{}(sum, load(i));
        store(i, exclusive ? sum : next);
        sum = next;
      }
    }
  };
  const bool known = DispatchDType(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      run(
          zero, [&](int64_t i) { return x.as<T>()[i]; }, [&](int64_t i, T s) { y.as<T>()[i] = s; });
    }
  });
  if (!known) {
    run(
        0.0f, [&](int64_t i) { return FloatAt(x, i); },
        [&](int64_t i, float s) { SetFloatAt(y, i, s); });
  }
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"exclusive", AttrKind::kInt}, {"reverse", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kCumSumOp = {
    .name = "CumSum",
    .summary = "Running sums along an axis",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
