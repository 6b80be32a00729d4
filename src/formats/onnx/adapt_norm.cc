// Normalisations and the functions along one axis.
#include "formats/onnx/adapt.h"
#include "ops/op_util.h"

namespace adze::onnx {

// Before opset 14 the node trained when it had more than one output; `spatial` (opset 7 and 8)
// chose statistics per channel or per element.
Status AdaptBatchNormalization(AdaptNode& n) {
  if (n.opset < 9) {
    ADZE_ASSIGN(const auto spatial, TakeAttr<int64_t>(n, "spatial"));
    if (spatial && *spatial != 1) return Unsupported("spatial = 0 is not supported");
  }
  for (size_t i = 1; i < n.outputs.size(); ++i) {
    if (n.output_used[i]) {
      return Unsupported("training outputs are used, only inference is supported");
    }
  }
  if (!n.outputs.empty()) n.outputs.resize(1);
  return OkStatus();
}

// Softmax, LogSoftmax, Hardmax: before opset 13 the input was viewed as a matrix, all dimensions
// from `axis` on (default 1) forming its rows. That is the same as today's where no dimension after
// `axis` exceeds 1; otherwise the view is spelled out with Flatten and Reshape.
Status AdaptSoftmax(AdaptNode& n) {
  ADZE_ASSIGN(const auto attr, TakeAttr<int64_t>(n, "axis"));
  const Shape* const shape = InputShape(n, 0);
  if (shape == nullptr) {
    return Unsupported("the rank of its input is not known, which opset " +
                       std::to_string(n.opset) + " needs");
  }
  const int rank = static_cast<int>(shape->size());
  ADZE_ASSIGN(const int axis, NormalizeAxis(attr.value_or(1), rank));
  bool same = true;
  for (int i = axis + 1; i < rank; ++i) same = same && (*shape)[static_cast<size_t>(i)].IsConst(1);
  if (same) {
    n.attrs.Set("axis", int64_t{axis});
    return OkStatus();
  }
  const auto dims = ToConstDims(*shape);
  const ValueId x = n.inputs[0];
  ValueId shape_value = kNoId;
  if (dims) {
    shape_value = AddInts(n, "shape", *dims);
  } else {
    ADZE_ASSIGN(shape_value, EmitBefore(n, "Shape", {x}, {}, "shape"));
  }
  ADZE_ASSIGN(const ValueId matrix,
              EmitBefore(n, "Flatten", {x}, {{"axis", int64_t{axis}}}, "rows"));
  AttrMap attrs = std::move(n.attrs);
  attrs.Set("axis", int64_t{1});
  ADZE_ASSIGN(const ValueId result, EmitBefore(n, std::string(n.op.name()).c_str(), {matrix},
                                               std::move(attrs), "result"));
  n.op = OpType::Intern("", "Reshape");
  n.inputs = {result, shape_value};
  n.attrs = {};
  return OkStatus();
}

// Before opset 21 scale and bias had one element per group, now one per channel.
Status AdaptGroupNormalization(AdaptNode& n) {
  const AttrValue* const groups_attr = n.attrs.Find("num_groups");
  const int64_t* const groups = groups_attr ? std::get_if<int64_t>(groups_attr) : nullptr;
  const Shape* const shape = InputShape(n, 0);
  if (groups == nullptr || *groups < 1) return InvalidInput("attribute 'num_groups' is missing");
  if (shape == nullptr || shape->size() < 2 || !(*shape)[1].is_const()) {
    return Unsupported("the number of channels is not known");
  }
  const int64_t channels = (*shape)[1].value();
  for (size_t i = 1; i <= 2; ++i) {
    const Tensor* const t = ConstantInput(n, i);
    if (t == nullptr || !IsFloat(t->dtype()) || t->rank() != 1) {
      return Unsupported("scale and bias must be constant lists");
    }
    if (t->size() != *groups || channels % *groups != 0) {
      return InvalidInput("scale and bias must have one element per group");
    }
    ADZE_ASSIGN(Tensor wide, Tensor::TryAllocate(t->dtype(), {channels}));
    for (int64_t c = 0; c < channels; ++c) {
      SetFloatAt(wide.mutable_view(), c, FloatAt(t->view(), c / (channels / *groups)));
    }
    SetInput(n, i, AddConstant(n, i == 1 ? "scale" : "bias", std::move(wide)));
  }
  return OkStatus();
}

}  // namespace adze::onnx
