// Constant: the value of an attribute. ConstantOfShape: one value repeated over a shape that is
// computed.
#include <cstring>

#include "ops/shape_util.h"
#include "ops/strided.h"

namespace adze {
namespace {

// The one attribute that holds the value, as a view of memory that lives as long as `attrs`.
// `dims_buffer` holds the dimension of a list.
Result<ConstTensorView> ReadValue(const AttrMap& attrs, int64_t* dims_buffer) {
  if (attrs.size() != 1) {
    return InvalidInput("has " + std::to_string(attrs.size()) +
                        " attributes, must have exactly one value");
  }
  const auto list = [&](DType dtype, size_t size, const void* data) {
    *dims_buffer = static_cast<int64_t>(size);
    return ConstTensorView{dtype, {dims_buffer, 1}, data};
  };
  const auto& [name, value] = *attrs.begin();
  if (const auto* t = std::get_if<Tensor>(&value)) {
    if (!t->defined()) return InvalidInput("value is an undefined tensor");
    return t->view();
  }
  if (const auto* v = std::get_if<float>(&value)) return ConstTensorView{DType::kFloat32, {}, v};
  if (const auto* v = std::get_if<int64_t>(&value)) return ConstTensorView{DType::kInt64, {}, v};
  if (const auto* v = std::get_if<std::vector<float>>(&value)) {
    return list(DType::kFloat32, v->size(), v->data());
  }
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) {
    return list(DType::kInt64, v->size(), v->data());
  }
  return Unsupported("attribute '" + name + "': strings are not supported");
}

Status InferConstant(InferContext& ctx) {
  int64_t buffer;
  ADZE_ASSIGN(const ConstTensorView value, ReadValue(ctx.attrs, &buffer));
  ADZE_TRY(SetShape(ctx, 0, value.dtype, Shape(value.dims.begin(), value.dims.end())));
  if ((IsInteger(value.dtype) || value.dtype == DType::kBool) &&
      value.size() <= static_cast<int64_t>(kMaxKnownElements)) {
    const std::vector<int64_t> v = ToInt64s(value);
    SetElements(ctx, 0, std::vector<Dim>(v.begin(), v.end()));
  }
  return OkStatus();
}

Status EvalConstant(const EvalContext& ctx) {
  int64_t buffer;
  ADZE_ASSIGN(const ConstTensorView value, ReadValue(ctx.attrs, &buffer));
  ADZE_TRY(CheckDims(ctx.out(0).dims, value.dims));
  const size_t bytes = static_cast<size_t>(value.size()) * SizeOf(value.dtype);
  if (bytes != 0) std::memcpy(ctx.out(0).data, value.data, bytes);
  return OkStatus();
}

// Null: float32 zero.
Result<const Tensor*> ReadFill(const AttrMap& attrs) {
  const Tensor* const value = attrs.TensorOrNull("value");
  if (value != nullptr && (!value->defined() || value->size() != 1)) {
    return InvalidInput("value has shape " + DimsToString(value->dims()) + ", must be one element");
  }
  return value;
}

Status InferConstantOfShape(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  ADZE_ASSIGN(const Tensor* const value, ReadFill(ctx.attrs));
  const DType dtype = value == nullptr ? DType::kFloat32 : value->dtype();
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(auto shape, ShapeInput(ctx, 0, "shape"));
  if (!shape) return OkStatus();
  ADZE_TRY(SetShape(ctx, 0, dtype, std::move(*shape)));
  const Dim n = NumElements(*ctx.output(0).shape);
  if (IsInteger(dtype) && n.is_const() && n.value() <= static_cast<int64_t>(kMaxKnownElements)) {
    SetElements(ctx, 0,
                std::vector<Dim>(static_cast<size_t>(n.value()), IntegerAt(value->view(), 0)));
  }
  return OkStatus();
}

Status EvalConstantOfShape(const EvalContext& ctx) {
  static constexpr uint64_t kZero = 0;
  ADZE_ASSIGN(const Tensor* const value, ReadFill(ctx.attrs));
  ADZE_ASSIGN(const SmallInts shape, ReadInts(ctx.in(0), "shape"));
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckDims(y.dims, shape.span()));
  StridedBox box;
  box.Add(y.size(), 1, 0);
  CopyStrided(box, SizeOf(y.dtype), y.data, value == nullptr ? &kZero : value->raw());
  return OkStatus();
}

constexpr AttrDef kConstantAttrs[] = {
    {"value", AttrKind::kTensor},         {"value_float", AttrKind::kFloat},
    {"value_floats", AttrKind::kFloats},  {"value_int", AttrKind::kInt},
    {"value_ints", AttrKind::kInts},      {"value_string", AttrKind::kString},
    {"value_strings", AttrKind::kStrings}};
constexpr AttrDef kConstantOfShapeAttrs[] = {{"value", AttrKind::kTensor}};

}  // namespace

extern constexpr OpDef kConstantOp = {
    .name = "Constant",
    .summary = "The value of its attribute",
    .min_inputs = 0,
    .max_inputs = 0,
    .attrs = kConstantAttrs,
    .infer = InferConstant,
    .eval = EvalConstant,
};

extern constexpr OpDef kConstantOfShapeOp = {
    .name = "ConstantOfShape",
    .summary = "One value over a computed shape",
    .attrs = kConstantOfShapeAttrs,
    .infer = InferConstantOfShape,
    .eval = EvalConstantOfShape,
};

}  // namespace adze
