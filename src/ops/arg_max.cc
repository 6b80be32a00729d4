// ArgMax and ArgMin: the position of the largest or smallest element along an axis. The first NaN
// wins, as in NumPy.
#include <cmath>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  if (ctx.input(0)->dtype == DType::kBool) return UnsupportedDType(DType::kBool);
  ctx.SetOutput(0, DType::kInt64, std::nullopt);
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), static_cast<int>(x->size())));
  Shape out = *x;
  if (out[static_cast<size_t>(axis)].IsConst(0)) {
    return InvalidInput("dimension " + std::to_string(axis) + " of " + ShapeToString(*x) +
                        " is empty");
  }
  if (ctx.attrs.Int("keepdims", 1) != 0) {
    out[static_cast<size_t>(axis)] = 1;
  } else {
    out.erase(out.begin() + axis);
  }
  return SetShape(ctx, 0, DType::kInt64, std::move(out));
}

// load(i): element i in a type that compares.
template <typename Load>
void Search(const AxisView& v, bool largest, bool last, int64_t* out, Load load) {
  for (int64_t o = 0; o < v.outer; ++o) {
    for (int64_t i = 0; i < v.inner; ++i) {
      const int64_t base = o * v.dim * v.inner + i;
      int64_t best = 0;
      auto best_value = load(base);
      for (int64_t k = 1; k < v.dim && best_value == best_value; ++k) {
        const auto value = load(base + k * v.inner);
        if ((largest ? value > best_value : value < best_value) || value != value ||
            (last && value == best_value)) {
          best = k;
          best_value = value;
        }
      }
      *out++ = best;
    }
  }
}

Status Eval(const EvalContext& ctx, bool largest) {
  const ConstTensorView& x = ctx.in(0);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis"), x.rank()));
  const AxisView v(x.dims, axis);
  if (v.dim < 1 || ctx.out(0).size() != v.outer * v.inner) {
    return InvalidInput("input of shape " + DimsToString(x.dims) + " does not fit the output " +
                        DimsToString(ctx.out(0).dims));
  }
  if (x.size() == 0) return OkStatus();
  const bool last = ctx.attrs.Int("select_last_index") != 0;
  int64_t* const out = ctx.out(0).as<int64_t>();
  const bool known = DispatchDType(x.dtype, [&](auto zero) {
    const auto* const in = x.as<decltype(zero)>();
    Search(v, largest, last, out, [in](int64_t i) { return in[i]; });
  });
  if (!known) Search(v, largest, last, out, [&x](int64_t i) { return FloatAt(x, i); });
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {
    {"axis", AttrKind::kInt}, {"keepdims", AttrKind::kInt}, {"select_last_index", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kArgMaxOp = {
    .name = "ArgMax",
    .summary = "The position of the largest element along an axis",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = [](const EvalContext& ctx) { return Eval(ctx, true); },
};

extern constexpr OpDef kArgMinOp = {
    .name = "ArgMin",
    .summary = "The position of the smallest element along an axis",
    .attrs = kAttrs,
    .infer = Infer,
    .eval = [](const EvalContext& ctx) { return Eval(ctx, false); },
};

}  // namespace adze
