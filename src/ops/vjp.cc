#include "ops/vjp.h"

#include <algorithm>

namespace adze::vjp {

VjpValue Onnx(VjpContext& c, std::string_view op, std::vector<VjpValue> inputs, AttrMap attrs) {
  return c.Emit(OpType::Intern("", op), std::move(inputs), std::move(attrs));
}

VjpValue Adze(VjpContext& c, std::string_view op, std::vector<VjpValue> inputs, AttrMap attrs) {
  return c.Emit(OpType::Intern(kAdzeDomain, op), std::move(inputs), std::move(attrs));
}

VjpValue FloatScalar(VjpContext& c, VjpValue like, double value) {
  if (c.Info(like).dtype == DType::kFloat64) return c.Constant(Tensor::Scalar(value));
  return c.Constant(Tensor::Scalar(static_cast<float>(value)));
}

VjpValue Ints(VjpContext& c, std::vector<int64_t> values) {
  return c.Constant(Tensor::FromValues<int64_t>({static_cast<int64_t>(values.size())},
                                                std::span<const int64_t>(values)));
}

VjpValue Times(VjpContext& c, VjpValue a, double factor) {
  return factor == 1 ? a : Mul(c, a, FloatScalar(c, a, factor));
}

Shape ShapeOf(const VjpContext& c, VjpValue v) { return c.Info(v).shape.value_or(Shape()); }

int RankOf(const VjpContext& c, VjpValue v) { return static_cast<int>(ShapeOf(c, v).size()); }

std::optional<std::vector<int64_t>> ConstantInts(const VjpContext& c, VjpValue v) {
  const ValueInfo info = c.Info(v);
  if (info.constant != nullptr) return ToInt64s(info.constant->view());
  return std::nullopt;
}

VjpValue Reshape(VjpContext& c, VjpValue v, std::vector<int64_t> shape) {
  return Onnx(c, "Reshape", {v, Ints(c, std::move(shape))});
}

VjpValue ShapeValue(VjpContext& c, VjpValue v) {
  const auto dims = ToConstDims(ShapeOf(c, v));
  return dims ? Ints(c, *dims) : Onnx(c, "Shape", {v});
}

VjpValue ReshapeLike(VjpContext& c, VjpValue v, VjpValue like) {
  if (ShapeOf(c, v) == ShapeOf(c, like)) return v;
  return Onnx(c, "Reshape", {v, ShapeValue(c, like)});
}

VjpValue Transpose(VjpContext& c, VjpValue v, std::vector<int64_t> perm) {
  return Onnx(c, "Transpose", {v}, {{"perm", std::move(perm)}});
}

VjpValue SwapLastTwo(VjpContext& c, VjpValue v) {
  std::vector<int64_t> perm;
  for (int i = 0; i < RankOf(c, v); ++i) perm.push_back(i);
  if (perm.size() >= 2) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return Transpose(c, v, std::move(perm));
}

VjpValue ExpandLike(VjpContext& c, VjpValue v, VjpValue like) {
  if (ShapeOf(c, v) == ShapeOf(c, like)) return v;
  return Onnx(c, "Expand", {v, ShapeValue(c, like)});
}

VjpValue ReduceSum(VjpContext& c, VjpValue v, std::vector<int64_t> axes, bool keepdims) {
  return Onnx(c, "ReduceSum", {v, Ints(c, std::move(axes))}, {{"keepdims", int64_t{keepdims}}});
}

VjpValue ReduceMean(VjpContext& c, VjpValue v, std::vector<int64_t> axes) {
  return Onnx(c, "ReduceMean", {v, Ints(c, std::move(axes))});
}

VjpValue PerElement(VjpContext& c, VjpValue v, VjpValue x) {
  const Dim all = NumElements(ShapeOf(c, x));
  const Dim kept = NumElements(ShapeOf(c, v));
  if (const std::optional<Dim> count = all.DivExact(kept); count && count->is_const()) {
    return Times(c, v, 1.0 / static_cast<double>(count->value()));
  }
  const VjpValue count = Div(c, Onnx(c, "Size", {x}), Onnx(c, "Size", {v}));
  return Div(c, v, Onnx(c, "CastLike", {count, v}));
}

Result<VjpValue> SumTo(VjpContext& c, VjpValue v, VjpValue to) {
  const Shape from = ShapeOf(c, v);
  const Shape target = ShapeOf(c, to);
  if (from == target || !v.present()) return v;
  std::vector<int64_t> axes;
  const size_t missing = from.size() - target.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (i >= missing && target[i - missing] == from[i]) continue;
    if (i >= missing && !target[i - missing].IsConst(1)) {
      return Unsupported("dimension " + target[i - missing].ToString() + " of '" +
                         std::string(c.Info(to).name) + "' may be repeated to " +
                         from[i].ToString() + " or not, so its gradient cannot be planned");
    }
    axes.push_back(static_cast<int64_t>(i));
  }
  return ReshapeLike(c, ReduceSum(c, v, std::move(axes), missing == 0), to);
}

VjpValue AlongAxis(VjpContext& c, VjpValue vector, int axis, int rank) {
  std::vector<int64_t> shape(static_cast<size_t>(rank - axis), 1);
  if (shape.size() <= 1) return vector;
  shape[0] = -1;
  return Reshape(c, vector, std::move(shape));
}

VjpValue SumToAxis(VjpContext& c, VjpValue v, int axis, VjpValue like) {
  // Images: pooling has a kernel, in their own layout.
  const Shape shape = ShapeOf(c, v);
  if (axis == 1 && (shape.size() == 3 || shape.size() == 4)) {
    const auto size = ToConstDims(Shape(shape.begin() + 2, shape.end()));
    if (size) {
      v = Times(c, Onnx(c, "GlobalAveragePool", {v}), static_cast<double>(NumElements(*size)));
    }
  }
  std::vector<int64_t> axes;
  for (int i = 0; i < RankOf(c, v); ++i) {
    if (i != axis) axes.push_back(i);
  }
  if (!axes.empty()) v = ReduceSum(c, v, std::move(axes), false);
  return ReshapeLike(c, v, like);
}

VjpValue Gate(VjpContext& c, VjpValue g, VjpValue x, double lo, double hi, bool closed) {
  return Adze(c, "Gate", {g, x},
              {{"closed", int64_t{closed}},
               {"hi", static_cast<float>(hi)},
               {"lo", static_cast<float>(lo)}});
}

}  // namespace adze::vjp
