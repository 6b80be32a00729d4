#include "formats/onnx/adapt.h"

#include <algorithm>
#include <utility>

#include "ops/op_util.h"

namespace adze::onnx {

Status Adapt(AdaptNode& n) {
  struct Row {
    std::string_view op;
    int first;
    int last;
    Status (*adapt)(AdaptNode&);
  };
  static constexpr Row kRows[] = {
#define ADZE_ONNX_ADAPT(op, first, last, function) {#op, first, last, function},
#include "formats/onnx/adapt_list.inc"
#undef ADZE_ONNX_ADAPT
  };
  if (!n.op.domain().empty()) return OkStatus();
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) {
    return n.op.name() == r.op && n.opset >= r.first && n.opset <= r.last;
  });
  // Operators that adze does not know stay as they are, so that they can be written back.
  const bool renamed = n.op.Is("Upsample") || n.op.Is("Scatter");
  if (row == std::end(kRows) || (FindOp(n.op) == nullptr && !renamed)) return OkStatus();
  return row->adapt(n);
}

ValueId AddConstant(AdaptNode& n, std::string_view suffix, Tensor tensor) {
  const std::string base = n.outputs.empty() || n.outputs[0].empty() ? n.name : n.outputs[0];
  return n.graph.AddConstant(n.unique_name(base + "_" + std::string(suffix)), std::move(tensor));
}

ValueId AddInts(AdaptNode& n, std::string_view suffix, const std::vector<int64_t>& values) {
  return AddConstant(n, suffix,
                     Tensor::FromValues<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId AddScalarLikeInput(AdaptNode& n, std::string_view suffix, float value) {
  const ValueId x = n.input(0);
  const DType dtype = x == kNoId ? DType::kUndefined : n.graph.value(x).type.dtype;
  Tensor t = Tensor::Allocate(IsFloat(dtype) ? dtype : DType::kFloat32, {});
  SetFloatAt(t.mutable_view(), 0, value);
  return AddConstant(n, suffix, std::move(t));
}

void SetInput(AdaptNode& n, size_t i, ValueId value) {
  if (i >= n.inputs.size()) n.inputs.resize(i + 1, kNoId);
  n.inputs[i] = value;
}

Result<ValueId> EmitBefore(AdaptNode& n, const char* op, std::vector<ValueId> inputs, AttrMap attrs,
                           std::string_view suffix) {
  const std::string base = n.outputs.empty() ? n.name : n.outputs[0];
  const NodeId id = n.graph.AddNode(OpType::Intern("", op), "", std::move(inputs),
                                    {n.unique_name(base + "_" + std::string(suffix))},
                                    std::move(attrs), n.region);
  ADZE_TRY(InferNode(n.graph, id));
  return n.graph.node(id).outputs[0];
}

const Tensor* ConstantInput(const AdaptNode& n, size_t i) {
  const ValueId id = n.input(i);
  if (id == kNoId || !n.graph.value(id).is_constant()) return nullptr;
  return &n.graph.value(id).constant;
}

const Shape* InputShape(const AdaptNode& n, size_t i) {
  const ValueId id = n.input(i);
  if (id == kNoId || !n.graph.value(id).type.shape) return nullptr;
  return &*n.graph.value(id).type.shape;
}

}  // namespace adze::onnx
