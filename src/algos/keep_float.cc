#include "algos/keep_float.h"

namespace adze {
namespace {

// Input `index` of the node, a constant or absent, becomes what it is in `original`.
void Restore(Graph* graph, NodeId node, int index, const Graph& original, NodeId original_node) {
  if (index < 0) return;
  const ValueId from = original.input(original_node, index);
  const ValueId now = graph->input(node, index);
  if (from == kNoId) {
    if (now != kNoId) graph->SetInput(node, index, kNoId);
    return;
  }
  const Value& v = original.value(from);
  if (!v.is_constant()) return;
  if (now != kNoId && graph->users(now).size() == 1 && !graph->IsRegionOutput(now)) {
    graph->SetConstant(now, v.constant);
    return;
  }
  // Shared with layers that are quantized.
  graph->SetInput(node, index, graph->AddConstant(graph->UniqueName(v.name + "_kept"), v.constant));
}

// The multiply-accumulate whose (first) result has that name; kNoId if there is none.
NodeId FindLayer(const Graph& graph, const std::string& name) {
  const ValueId value = graph.FindValue(name);
  const Node* const node = value == kNoId ? nullptr : graph.producer(value);
  if (node == nullptr) return kNoId;
  const OpDef* const def = FindOp(node->op);
  const bool computes = def != nullptr && def->quant.kind == QuantKind::kCompute;
  return computes ? graph.value(value).producer : kNoId;
}

}  // namespace

Status RestoreWeights(const std::set<std::string>& layers, const Graph& original, Graph* graph) {
  for (const std::string& name : layers) {
    const NodeId node = FindLayer(*graph, name);
    const NodeId original_node = FindLayer(original, name);
    if (node == kNoId || original_node == kNoId) {
      return UsageError("no multiply-accumulate layer has a result called '" + name + "'");
    }
    const QuantRole& role = FindOp(graph->node(node).op)->quant;
    Restore(graph, node, role.weight_input, original, original_node);
    Restore(graph, node, role.bias_input, original, original_node);
  }
  graph->EraseUnusedConstants();
  return OkStatus();
}

Result<MixedNetwork> KeepInFloat(const FullyQuantized& base, const QuantSettings& settings) {
  MixedNetwork mixed;
  mixed.plan = PlanQuantization(base.equalized, settings);
  mixed.adjusted = base.adjusted;
  ADZE_TRY(RestoreWeights(settings.keep_float, base.equalized, &mixed.adjusted));
  mixed.encodings.graph_hash = GraphHash(mixed.adjusted);
  const auto take = [&](const std::string& name) {
    const auto e = base.encodings.tensors.find(name);
    if (e == base.encodings.tensors.end()) {
      return InternalError("tensor '" + name + "' was not quantized before");
    }
    mixed.encodings.tensors.insert(*e);
    return OkStatus();
  };
  for (const ActivationGroup& group : mixed.plan.groups) {
    for (const ValueId v : group.values) ADZE_TRY(take(EncodingName(base.equalized, v)));
  }
  for (const WeightUse& use : mixed.plan.weights) {
    ADZE_TRY(take(base.equalized.value(use.weight).name));
  }
  mixed.graph = mixed.adjusted;
  ADZE_ASSIGN(mixed.report, ApplyEncodings(mixed.graph, mixed.encodings));
  mixed.report.float_nodes = mixed.plan.float_nodes;
  return mixed;
}

}  // namespace adze
