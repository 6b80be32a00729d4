// TopK: the k largest (or smallest) elements along an axis in order, and their positions. Equal
// elements keep the order of their positions; NaN counts as the largest.
#include <algorithm>
#include <cmath>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  if (dtype == DType::kBool) return UnsupportedDType(dtype);
  ctx.SetOutput(0, dtype, std::nullopt);
  ctx.SetOutput(1, DType::kInt64, std::nullopt);
  ADZE_ASSIGN(const auto k, ShapeInput(ctx, 1, "K"));
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !k) return OkStatus();
  if (k->size() != 1) return InvalidInput("K has " + std::to_string(k->size()) + " values");
  ADZE_ASSIGN(const int axis,
              NormalizeAxis(ctx.attrs.Int("axis", -1), static_cast<int>(x->size())));
  Shape out = *x;
  Dim& d = out[static_cast<size_t>(axis)];
  const Dim wanted = (*k)[0];
  if (wanted.is_const() && (wanted.value() < 0 || (d.is_const() && wanted.value() > d.value()))) {
    return InvalidInput("K = " + wanted.ToString() + " for a dimension of " + d.ToString());
  }
  d = wanted;
  ADZE_TRY(SetShape(ctx, 0, dtype, out));
  return SetShape(ctx, 1, DType::kInt64, std::move(out));
}

// The positions of the first k of n elements in the order `before`, which is strict and total: a
// heap of the best k seen so far, its worst on top, that lives in the output itself (at[0],
// at[stride], ...); then sorted in place.
template <typename Before>
void SelectSorted(int64_t n, int64_t k, int64_t* at, int64_t stride, Before before) {
  const auto slot = [&](int64_t i) -> int64_t& { return at[i * stride]; };
  const auto sift_down = [&](int64_t i, int64_t size) {
    for (;;) {
      int64_t child = 2 * i + 1;
      if (child >= size) return;
      if (child + 1 < size && before(slot(child), slot(child + 1))) ++child;
      if (!before(slot(i), slot(child))) return;
      std::swap(slot(i), slot(child));
      i = child;
    }
  };
  for (int64_t i = 0; i < k; ++i) slot(i) = i;
  for (int64_t i = k / 2 - 1; i >= 0; --i) sift_down(i, k);
  for (int64_t i = k; i < n; ++i) {
    if (!before(i, slot(0))) continue;
    slot(0) = i;
    sift_down(0, k);
  }
  for (int64_t size = k - 1; size > 0; --size) {
    std::swap(slot(0), slot(size));
    sift_down(0, size);
  }
}

// x[i] is before x[j]; positions break ties, and NaN is larger than every number.
template <typename T>
bool Before(T x, int64_t i, T y, int64_t j, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(x) != std::isnan(y)) return std::isnan(x) == largest;
    if (std::isnan(x)) return i < j;
  }
  if (x != y) return (x > y) == largest;
  return i < j;
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& values = ctx.out(0);
  if (ctx.outputs.size() < 2 || !ctx.out(1).present()) {
    return Unsupported("the second output (indices) must be present");
  }
  const TensorView& indices = ctx.out(1);
  ADZE_ASSIGN(const int axis, NormalizeAxis(ctx.attrs.Int("axis", -1), x.rank()));
  const AxisView from(x.dims, axis);
  const AxisView to(indices.dims, axis);
  ADZE_ASSIGN(const SmallInts k, ReadInts(ctx.in(1), "K"));
  if (k.size != 1 || k[0] != to.dim || to.dim > from.dim || to.outer != from.outer ||
      to.inner != from.inner) {
    return InvalidInput("K " + DimsToString(k.span()) + " and input " + DimsToString(x.dims) +
                        " do not fit the output " + DimsToString(indices.dims));
  }
  if (values.present()) ADZE_TRY(CheckDims(values.dims, indices.dims));
  if (indices.size() == 0) return OkStatus();
  const bool largest = ctx.attrs.Int("largest", 1) != 0;
  const size_t bytes = SizeOf(x.dtype);
  StridedBox one;
  one.Add(1, 1, 1);
  for (int64_t line = 0; line < from.outer * from.inner; ++line) {
    const int64_t o = line / from.inner;
    const int64_t i = line % from.inner;
    const int64_t in_base = o * from.dim * from.inner + i;
    const int64_t out_base = o * to.dim * to.inner + i;
    int64_t* const at = indices.as<int64_t>() + out_base;
    const auto select = [&](auto load) {
      SelectSorted(from.dim, to.dim, at, to.inner, [&](int64_t p, int64_t q) {
        return Before(load(in_base + p * from.inner), p, load(in_base + q * from.inner), q,
                      largest);
      });
    };
    const bool known = DispatchDType(x.dtype, [&](auto zero) {
      const auto* const in = x.as<decltype(zero)>();
      select([in](int64_t e) { return in[e]; });
    });
    if (!known) select([&x](int64_t e) { return FloatAt(x, e); });
    if (!values.present()) continue;
    for (int64_t j = 0; j < to.dim; ++j) {
      const int64_t source = in_base + at[j * to.inner] * from.inner;
      CopyStrided(
          one, bytes,
          static_cast<char*>(values.data) + static_cast<size_t>(out_base + j * to.inner) * bytes,
          static_cast<const char*>(x.data) + static_cast<size_t>(source) * bytes);
    }
  }
  return OkStatus();
}

// `sorted` = 0 leaves the order open; ours is sorted always.
constexpr AttrDef kAttrs[] = {
    {"axis", AttrKind::kInt}, {"largest", AttrKind::kInt}, {"sorted", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kTopKOp = {
    .name = "TopK",
    .summary = "The k largest or smallest elements along an axis and their positions",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 2,
    .max_outputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
