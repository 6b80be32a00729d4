#include "ops/shape_util.h"

#include <algorithm>
#include <utility>

#include "ops/op_util.h"

namespace adze {

Status RequireInputs(const InferContext& ctx, int n) {
  for (int i = 0; i < n; ++i) {
    if (ctx.input(i) == nullptr) return InvalidInput("input " + std::to_string(i) + " is missing");
  }
  return OkStatus();
}

Status RequireSameDType(const InferContext& ctx, int n) {
  ADZE_TRY(RequireInputs(ctx, n));
  for (int i = 1; i < n; ++i) {
    if (ctx.input(i)->dtype != ctx.input(0)->dtype) {
      return InvalidInput(std::string("inputs have different element types ") +
                          DTypeName(ctx.input(0)->dtype) + " and " +
                          DTypeName(ctx.input(i)->dtype));
    }
  }
  return OkStatus();
}

Status SetShape(InferContext& ctx, int i, DType dtype, Shape shape) {
  if (shape.size() > static_cast<size_t>(kMaxRank)) {
    return Unsupported("output would have rank " + std::to_string(shape.size()) + ", at most " +
                       std::to_string(kMaxRank) + " is supported");
  }
  for (const Dim& d : shape) {
    if (d.is_const() && d.value() < 0) {
      return InvalidInput("output would have the negative shape " + ShapeToString(shape));
    }
  }
  if (const auto dims = ToConstDims(shape); dims && NumElements(*dims) < 0) {
    return InvalidInput("output of shape " + ShapeToString(shape) + " is too large");
  }
  ctx.SetOutput(i, dtype, std::move(shape));
  return OkStatus();
}

std::string DimsToString(std::span<const int64_t> dims) {
  return ShapeToString(Shape(dims.begin(), dims.end()));
}

Status CheckDims(std::span<const int64_t> actual, std::span<const int64_t> expected) {
  if (std::equal(actual.begin(), actual.end(), expected.begin(), expected.end())) {
    return OkStatus();
  }
  return InvalidInput("output has shape " + DimsToString(actual) + " but the inputs give " +
                      DimsToString(expected));
}

Result<uint32_t> AxisMask(std::span<const int64_t> axes, int rank) {
  uint32_t mask = 0;
  for (const int64_t a : axes) {
    ADZE_ASSIGN(const int axis, NormalizeAxis(a, rank));
    if (mask >> axis & 1) return InvalidInput("axis " + std::to_string(axis) + " is given twice");
    mask |= 1u << axis;
  }
  return mask;
}

namespace {

Status CheckIntsInput(DType dtype, size_t rank, int64_t size, const char* what) {
  if (!IsInteger(dtype)) {
    return InvalidInput(std::string(what) + " is " + DTypeName(dtype) + ", must be integer");
  }
  if (rank > 1) {
    return InvalidInput(std::string(what) + " has rank " + std::to_string(rank) + ", must be 1");
  }
  if (size > SmallInts::kCapacity) {
    return InvalidInput(std::string(what) + " has " + std::to_string(size) +
                        " values, more than any tensor needs");
  }
  return OkStatus();
}

bool HoldsElements(const ValueInfo& v) {
  if (!(IsInteger(v.dtype) || v.dtype == DType::kBool) || !v.shape || v.shape->size() > 1) {
    return false;
  }
  const Dim n = NumElements(*v.shape);
  return n.is_const() && n.value() <= static_cast<int64_t>(kMaxKnownElements);
}

}  // namespace

Result<SmallInts> ReadInts(const ConstTensorView& t, const char* what) {
  ADZE_TRY(CheckIntsInput(t.dtype, t.dims.size(), t.size(), what));
  SmallInts ints;
  ints.size = static_cast<int>(t.size());
  for (int i = 0; i < ints.size; ++i) ints[i] = IntegerAt(t, i);
  return ints;
}

Result<std::optional<std::vector<Dim>>> ShapeInput(const InferContext& ctx, int i,
                                                   const char* what) {
  const ValueInfo* const v = ctx.input(i);
  if (v == nullptr) return InvalidInput(std::string(what) + " is missing");
  const Dim n = v->shape ? NumElements(*v->shape) : Dim(0);
  ADZE_TRY(CheckIntsInput(v->dtype, v->shape ? v->shape->size() : 0, n.is_const() ? n.value() : 0,
                          what));
  std::optional<std::vector<Dim>> elements = ctx.Elements(i);
  if (elements && elements->size() > static_cast<size_t>(SmallInts::kCapacity)) {
    return InvalidInput(std::string(what) + " has too many values");
  }
  return elements;
}

Result<std::optional<SmallInts>> IntsInput(const InferContext& ctx, int i, const char* what) {
  ADZE_ASSIGN(const auto dims, ShapeInput(ctx, i, what));
  const auto values = dims ? ToConstDims(*dims) : std::nullopt;
  if (!values) return std::optional<SmallInts>();
  SmallInts ints;
  ints.size = static_cast<int>(values->size());
  std::copy(values->begin(), values->end(), ints.values);
  return std::optional<SmallInts>(ints);
}

std::optional<std::vector<Dim>> KnownElements(const InferContext& ctx, int i) {
  const ValueInfo* const v = ctx.input(i);
  return v != nullptr && HoldsElements(*v) ? ctx.Elements(i) : std::nullopt;
}

void SetElements(InferContext& ctx, int i, std::optional<std::vector<Dim>> elements) {
  ValueInfo& out = ctx.output(i);
  if (!elements || !HoldsElements(out)) return;
  if (!NumElements(*out.shape).IsConst(static_cast<int64_t>(elements->size()))) return;
  IntRange range = out.dtype == DType::kBool ? IntRange{0, 1} : RangeOf(out.dtype);
  if (out.dtype == DType::kUInt64) range = {0, INT64_MAX};
  // Dim saturates at 2^62: such a number may stand for another.
  range.min = std::max(range.min, 1 - (int64_t{1} << 62));
  range.max = std::min(range.max, (int64_t{1} << 62) - 1);
  for (const Dim& d : *elements) {
    if (d.is_const() && (d.value() < range.min || d.value() > range.max)) return;
  }
  out.elements = std::move(elements);
}

void ForwardElements(InferContext& ctx, int i, int o) {
  SetElements(ctx, o, KnownElements(ctx, i));
}

Result<int64_t> IndexAt(const ConstTensorView& indices, int64_t i, int64_t dim) {
  const int64_t index = IntegerAt(indices, i);
  if (index >= -dim && index < dim) return index < 0 ? index + dim : index;
  return InvalidInput("index " + std::to_string(index) + " at position " + std::to_string(i) +
                      " is out of range for a dimension of " + std::to_string(dim));
}

Status CheckIndexType(const ValueInfo& indices) {
  if (indices.dtype == DType::kInt64 || indices.dtype == DType::kInt32) return OkStatus();
  return InvalidInput(std::string("indices are ") + DTypeName(indices.dtype) +
                      ", must be int32 or int64");
}

namespace {
constexpr struct {
  int64_t code;
  DType dtype;
} kOnnxTypes[] = {
    {1, DType::kFloat32},   {2, DType::kUInt8},    {3, DType::kInt8},    {4, DType::kUInt16},
    {5, DType::kInt16},     {6, DType::kInt32},    {7, DType::kInt64},   {9, DType::kBool},
    {10, DType::kFloat16},  {11, DType::kFloat64}, {12, DType::kUInt32}, {13, DType::kUInt64},
    {16, DType::kBFloat16}, {21, DType::kUInt4},   {22, DType::kInt4},   {25, DType::kUInt2},
    {26, DType::kInt2},
};
}  // namespace

Result<DType> DTypeFromOnnx(int64_t code) {
  for (const auto& t : kOnnxTypes) {
    if (t.code == code) return t.dtype;
  }
  return Unsupported("ONNX element type " + std::to_string(code) + " is not supported");
}

int64_t DTypeToOnnx(DType dtype) {
  for (const auto& t : kOnnxTypes) {
    if (t.dtype == dtype) return t.code;
  }
  return 0;
}

double NumberAt(const ConstTensorView& t, int64_t i) {
  if (t.dtype == DType::kFloat64) return static_cast<const double*>(t.data)[i];
  if (IsFloat(t.dtype)) return FloatAt(t, i);
  if (t.dtype == DType::kUInt64) {
    return static_cast<double>(static_cast<const uint64_t*>(t.data)[i]);
  }
  return static_cast<double>(IntegerAt(t, i));
}

}  // namespace adze
