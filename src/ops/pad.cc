// Pad: adds elements at the borders: a constant, the reflection without the edge, the edge, or the
// other side (wrap). Negative pads remove elements (constant mode only).
#include <algorithm>

#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

enum class Mode { kConstant, kReflect, kEdge, kWrap };

Result<Mode> ReadMode(const AttrMap& attrs) {
  const std::string_view name = attrs.String("mode", "constant");
  if (name == "constant") return Mode::kConstant;
  if (name == "reflect") return Mode::kReflect;
  if (name == "edge") return Mode::kEdge;
  if (name == "wrap") return Mode::kWrap;
  return InvalidInput("mode = '" + std::string(name) + "' is unknown");
}

// The axis of pads i and i + n; `axes` null: all of them in order.
Result<SmallInts> PadAxes(const SmallInts* axes, size_t num_pads, int rank) {
  SmallInts out;
  if (axes != nullptr) {
    out = *axes;
    ADZE_TRY(AxisMask(out.span(), rank));
    for (int i = 0; i < out.size; ++i) out[i] += out[i] < 0 ? rank : 0;
  } else {
    out.size = rank;
    for (int i = 0; i < rank; ++i) out[i] = i;
  }
  if (num_pads == 2 * static_cast<size_t>(out.size)) return out;
  return InvalidInput("has " + std::to_string(num_pads) + " pads for " + std::to_string(out.size) +
                      " axes");
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 2));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const Mode mode, ReadMode(ctx.attrs));
  if (const ValueInfo* const value = ctx.input(2)) {
    if (value->dtype != dtype) return InvalidInput("constant_value and data differ in type");
    if (value->shape && NumElements(*value->shape).is_const() &&
        !NumElements(*value->shape).IsConst(1)) {
      return InvalidInput("constant_value has shape " + ShapeToString(*value->shape) +
                          ", must be one element");
    }
  }
  ADZE_ASSIGN(const auto pads, ShapeInput(ctx, 1, "pads"));
  std::optional<SmallInts> given;
  if (ctx.input(3) != nullptr) {
    ADZE_ASSIGN(given, IntsInput(ctx, 3, "axes"));
    if (!given) return OkStatus();
  }
  const Shape* const x = ctx.shape(0);
  if (x == nullptr || !pads) return OkStatus();
  ADZE_ASSIGN(const SmallInts axes,
              PadAxes(given ? &*given : nullptr, pads->size(), static_cast<int>(x->size())));
  Shape out = *x;
  for (int i = 0; i < axes.size; ++i) {
    const Dim& begin = (*pads)[static_cast<size_t>(i)];
    const Dim& end = (*pads)[static_cast<size_t>(i + axes.size)];
    const auto negative = [](const Dim& d) { return d.is_const() && d.value() < 0; };
    if (mode != Mode::kConstant && (negative(begin) || negative(end))) {
      return Unsupported("negative pads in mode '" + std::string(ctx.attrs.String("mode")) + "'");
    }
    Dim& d = out[static_cast<size_t>(axes[i])];
    d = d + begin + end;
  }
  return SetShape(ctx, 0, dtype, std::move(out));
}

// The element of a dimension of size n >= 1 that stands at coordinate i.
int64_t SourceIndex(Mode mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  if (mode == Mode::kEdge) return i < 0 ? 0 : n - 1;
  const auto modulo = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  if (mode == Mode::kWrap) return modulo(i, n);
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  const int64_t m = modulo(i, period);
  return m < n ? m : period - m;
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const Mode mode, ReadMode(ctx.attrs));
  ADZE_ASSIGN(const SmallInts pads, ReadInts(ctx.in(1), "pads"));
  SmallInts given;
  if (ctx.has(3)) {
    ADZE_ASSIGN(given, ReadInts(ctx.in(3), "axes"));
  }
  ADZE_ASSIGN(const SmallInts axes,
              PadAxes(ctx.has(3) ? &given : nullptr, static_cast<size_t>(pads.size), x.rank()));
  int64_t begin[kMaxRank] = {};
  SmallInts expected;
  expected.size = x.rank();
  std::copy(x.dims.begin(), x.dims.end(), expected.values);
  for (int i = 0; i < axes.size; ++i) {
    const int64_t end = pads[i + axes.size];
    if (std::max(pads[i], end) > kMaxElements || std::min(pads[i], end) < -kMaxElements) {
      return InvalidInput("pads " + DimsToString(pads.span()) + " are too large");
    }
    if (mode != Mode::kConstant && std::min(pads[i], end) < 0) {
      return Unsupported("negative pads " + DimsToString(pads.span()));
    }
    begin[axes[i]] = pads[i];
    expected[static_cast<int>(axes[i])] += pads[i] + end;
  }
  ADZE_TRY(CheckDims(y.dims, expected.span()));
  if (ctx.has(2) && ctx.in(2).size() != 1) return InvalidInput("constant_value is not one element");
  if (y.size() == 0) return OkStatus();
  const size_t bytes = SizeOf(x.dtype);
  int64_t x_stride[kMaxRank];
  int64_t y_stride[kMaxRank] = {};
  DenseStrides(x.dims, x_stride);
  DenseStrides(y.dims, y_stride);
  if (mode == Mode::kConstant) {
    static constexpr uint64_t kZero = 0;
    StridedBox all;
    all.Add(y.size(), 1, 0);
    CopyStrided(all, bytes, y.data, ctx.has(2) ? ctx.in(2).data : &kZero);
    StridedBox box;
    int64_t from = 0;
    int64_t to = 0;
    for (int d = 0; d < x.rank(); ++d) {
      const size_t i = static_cast<size_t>(d);
      const int64_t first = std::max<int64_t>(0, -begin[d]);  // of x that is kept
      const int64_t last = std::min(x.dims[i], y.dims[i] - begin[d]);
      if (last <= first) return OkStatus();
      box.Add(last - first, y_stride[d], x_stride[d]);
      from += first * x_stride[d];
      to += (first + begin[d]) * y_stride[d];
    }
    CopyStrided(box, bytes, static_cast<char*>(y.data) + static_cast<size_t>(to) * bytes,
                static_cast<const char*>(x.data) + static_cast<size_t>(from) * bytes);
    return OkStatus();
  }
  if (x.size() == 0)
    return InvalidInput("cannot extend an empty tensor of shape " + DimsToString(x.dims));
  StridedBox one;
  one.Add(1, 1, 1);
  ForEachIndex(y.dims, [&](int64_t i, const int64_t* at) {
    int64_t from = 0;
    for (int d = 0; d < x.rank(); ++d) {
      from += SourceIndex(mode, at[d] - begin[d], x.dims[static_cast<size_t>(d)]) * x_stride[d];
    }
    CopyStrided(one, bytes, static_cast<char*>(y.data) + static_cast<size_t>(i) * bytes,
                static_cast<const char*>(x.data) + static_cast<size_t>(from) * bytes);
  });
  return OkStatus();
}

// What was added is cut off, what was cut off had no effect.
Status Vjp(VjpContext& c) {
  ADZE_ASSIGN(const Mode mode, ReadMode(c.attrs));
  auto pads = vjp::ConstantInts(c, c.input(1));
  if (mode != Mode::kConstant || !pads || c.wanted(2)) {
    return Unsupported("only constant pads with a constant value have a gradient rule");
  }
  for (int64_t& p : *pads) p = static_cast<int64_t>(0 - static_cast<uint64_t>(p));
  c.SetGradient(0, vjp::Onnx(c, "Pad", {c.gradient(0), vjp::Ints(c, *pads), {}, c.input(3)}));
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"mode", AttrKind::kString}};

}  // namespace

extern constexpr OpDef kPadOp = {
    .name = "Pad",
    .summary = "Adds (or removes) elements at the borders",
    .min_inputs = 2,
    .max_inputs = 4,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
