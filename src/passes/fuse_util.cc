#include "passes/fuse_util.h"

namespace adze {

bool IsFusable(const Node& n) {
  if (!n.op.domain().empty() && n.op.domain() != kAdzeDomain) return false;
  return n.op.name() == "Conv" || n.op.name() == "Gemm" || n.op.name() == "MatMul";
}

bool HasActivation(const Node& n) {
  return n.attrs.Has("act_min") || n.attrs.Has("act_max") || n.attrs.Has("activation");
}

bool Is8BitPerTensor(const Graph& graph, ValueId id) {
  const auto& q = graph.value(id).type.quant;
  return q && q->per_tensor() && SizeOf(q->storage) == 1;
}

std::optional<std::string> WhyNoKernel(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!graph.value(n.inputs[1]).is_constant()) return "the weight is not constant";
  const ValueId bias = graph.input(id, 2);
  if (bias != kNoId && !graph.value(bias).is_constant()) return "the bias is not constant";
  return std::nullopt;
}

std::optional<std::string> WhyNotInner(const Graph& graph, ValueId id, NodeId producer,
                                       ValueId result, bool approximate,
                                       const PassContext& context) {
  const bool integer = IsQuantized(graph, graph.node(producer).inputs[0]) &&
                       IsQuantized(graph, result) && !IsQuantized(graph, id);
  if ((integer || approximate) && context.IsPreserved(id) && !graph.IsRegionOutput(id) &&
      graph.users(id).size() == 1) {
    return std::nullopt;
  }
  return WhyNeeded(graph, id, context);
}

NodeId SelfGate(const Graph& graph, NodeId mul, std::string_view op) {
  const Node& n = graph.node(mul);
  if (!n.op.Is("Mul") || n.inputs.size() != 2) return kNoId;
  for (size_t i = 0; i < 2; ++i) {
    const NodeId gate = ProducerOf(graph, n.inputs[i], mul, op);
    if (gate != kNoId && graph.node(gate).inputs[0] == n.inputs[1 - i]) return gate;
  }
  return kNoId;
}

}  // namespace adze
