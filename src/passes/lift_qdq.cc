// lift_qdq: QuantizeLinear and DequantizeLinear nodes become types of values, whoever wrote them.
//   DQ(integer constant)      a quantized constant
//   Q(float constant) -> DQ   the same, rounded here
//   x -> Q -> DQ              x gets the type if nothing else reads it, else adze.Requantize
//   x -> Q, integers used     x gets the type if nothing else reads it; Q stays and copies codes
//   DQ(other integers)        its output gets the type: the operator relabels
// Where a DequantizeLinear's output is an output of the graph, adze.Requantize computes it: borders
// stay float32. What is left as it was: scales that are not constant.
#include <algorithm>
#include <cmath>

#include "passes/qdq_util.h"

namespace adze {
namespace {

// `old`, a dequantized value, is represented by `typed` from now on; erases its producer.
void Represent(Graph& graph, ValueId old, ValueId typed) {
  const NodeId producer = graph.value(old).producer;
  if (graph.IsRegionOutput(old)) {
    const std::string name = graph.value(old).name;
    const NodeId border =
        graph.AddNode(OpType::Intern(kAdzeDomain, "Requantize"), graph.node(producer).name, {typed},
                      {graph.UniqueName(name)}, {}, graph.node(producer).parent, producer);
    const ValueId result = graph.node(border).outputs[0];
    graph.SetType(result, {DType::kFloat32, graph.value(old).type.shape, nullptr});
    for (RegionId r = 0; r < graph.num_regions(); ++r) {
      for (size_t i = 0; i < graph.region(r).outputs.size(); ++i) {
        if (graph.region(r).outputs[i] == old) graph.SetOutput(r, static_cast<int>(i), result);
      }
    }
    const std::vector<std::string> origins = graph.value(old).origins;
    graph.ReplaceUses(old, typed);
    graph.EraseNode(producer);
    TakeName(graph, result, name);
    for (const std::string& origin : origins) graph.AddOrigin(result, origin);
    return;
  }
  graph.ReplaceUses(old, typed);
  graph.AddOrigin(typed, graph.value(old).name);
  for (const std::string& origin : std::vector(graph.value(old).origins)) {
    graph.AddOrigin(typed, origin);
  }
  graph.EraseNode(producer);
}

// DQ of a constant. The float tensor's name is the tensor's name; that of the integers becomes an
// origin.
bool LiftConstant(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const ValueId integers = n.inputs[0];
  const Value& w = graph.value(integers);
  if (!w.is_constant() || w.type.quant || graph.IsRegionOutput(n.outputs[0])) return false;
  const QuantPtr q = ReadQuantNode(graph, id);
  if (!q || q->storage != w.constant.dtype()) return false;
  if (!q->per_tensor() && q->axis >= w.constant.rank()) return false;
  const int64_t scales = ScaleIndex(w.constant.dims(), *q).count();
  if (scales != static_cast<int64_t>(q->scale.size())) return false;
  const std::string name = graph.value(n.outputs[0]).name;
  const std::vector<std::string> origins = w.origins;
  const std::string integer_name = w.name;
  const ValueId typed = graph.AddConstant(graph.UniqueName(name), w.constant, q);
  Represent(graph, n.outputs[0], typed);
  TakeName(graph, typed, name);
  graph.AddOrigin(typed, integer_name);
  for (const std::string& origin : origins) graph.AddOrigin(typed, origin);
  return true;
}

// The value that carries the type of Q `id`, which reads x: x itself, or a new one.
Result<ValueId> TypedValue(Graph& graph, NodeId id, const QuantPtr& q, const PassContext& context) {
  const Node n = graph.node(id);
  const ValueId x = n.inputs[0];
  const std::string name = graph.UniqueName(graph.value(x).name + "_quantized");
  if (const Tensor* const constant = ConstantOrNull(graph, x)) {
    std::vector<Tensor> inputs = {*constant, graph.value(n.inputs[1]).constant};
    if (graph.input(id, 2) != kNoId) inputs.push_back(graph.value(n.inputs[2]).constant);
    const OpDef* const def = FindOp(OpType::Intern("", "QuantizeLinear"));
    ADZE_ASSIGN(std::vector<Tensor> integers, EvaluateOp(*def, n.attrs, inputs, 1));
    return graph.AddConstant(name, std::move(integers[0]), q);
  }
  const NodeId producer = ProducerOf(graph, x, id);
  if (producer != kNoId && !graph.value(x).type.quant && graph.users(x).size() == 1 &&
      !graph.IsRegionOutput(x) && !context.IsPreserved(x)) {
    graph.SetQuant(x, q);
    return x;
  }
  const NodeId copy = graph.AddNode(OpType::Intern(kAdzeDomain, "Requantize"), n.name, {x}, {name},
                                    {}, n.parent, id);
  const ValueId typed = graph.node(copy).outputs[0];
  graph.SetType(typed, {DType::kFloat32, graph.value(x).type.shape, q});
  return typed;
}

// x -> Q whose integers leave the graph or are used as such. Rounding a rounded value again changes
// nothing, and what computes x can run on integers.
bool LiftResult(Graph& graph, NodeId id, const QuantPtr& q, const PassContext& context) {
  const ValueId x = graph.node(id).inputs[0];
  if (ProducerOf(graph, x, id) == kNoId || graph.value(x).type.quant || !q->per_tensor() ||
      SizeOf(q->storage) != 1 || !std::isfinite(255 * q->scale[0]) || graph.users(x).size() != 1 ||
      graph.IsRegionOutput(x) || context.IsPreserved(x)) {
    return false;
  }
  graph.SetQuant(x, q);
  return true;
}

// x -> Q -> DQ. False when the pattern is not there.
Result<bool> LiftPair(Graph& graph, NodeId id, const PassContext& context) {
  const Node n = graph.node(id);
  if (graph.value(n.inputs[0]).type.dtype != DType::kFloat32) return false;
  const QuantPtr q = ReadQuantNode(graph, id);
  const bool constant = graph.value(n.inputs[0]).is_constant();
  if (!q || (!constant && !q->per_tensor())) return false;
  std::vector<NodeId> pairs;
  for (NodeId user : graph.users(n.outputs[0])) {
    if (!IsDequantize(graph.node(user)) || graph.node(user).inputs[0] != n.outputs[0]) continue;
    const QuantPtr back = ReadQuantNode(graph, user);
    if (back && *back == *q && graph.node(user).parent == n.parent) pairs.push_back(user);
  }
  if (pairs.empty()) return !constant && LiftResult(graph, id, q, context);
  std::sort(pairs.begin(), pairs.end());
  ADZE_ASSIGN(const ValueId typed, TypedValue(graph, id, q, context));
  for (NodeId pair : pairs) Represent(graph, graph.node(pair).outputs[0], typed);
  const ValueId integers = n.outputs[0];
  if (graph.users(integers).empty() && !graph.IsRegionOutput(integers)) graph.EraseNode(id);
  return true;
}

// DQ of integers that no Q made.
bool LiftRelabel(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const ValueId y = n.outputs[0];
  const NodeId producer = graph.value(n.inputs[0]).producer;
  if (graph.value(n.inputs[0]).is_constant() || IsQuantized(graph, y) || graph.IsRegionOutput(y) ||
      (producer != kNoId && IsQuantize(graph.node(producer)))) {
    return false;
  }
  const QuantPtr q = ReadQuantNode(graph, id);
  if (!q || !q->per_tensor() || q->storage == DType::kInt32) return false;
  graph.SetType(y, {DType::kFloat32, graph.value(y).type.shape, q});
  return true;
}

Result<int64_t> Run(Graph& graph, const PassContext& context) {
  int64_t changes = 0;
  for (RegionId region = 0; region < graph.num_regions(); ++region) {
    for (NodeId id : std::vector(graph.region(region).nodes)) {
      if (graph.node(id).dead) continue;
      bool changed = false;
      if (IsDequantize(graph.node(id))) {
        changed = LiftConstant(graph, id) || LiftRelabel(graph, id);
      } else if (IsQuantize(graph.node(id))) {
        ADZE_ASSIGN(changed, LiftPair(graph, id, context));
      }
      changes += changed ? 1 : 0;
    }
  }
  return changes;
}

}  // namespace

extern constexpr PassDef kLiftQdqPass = {
    .name = "lift_qdq",
    .summary = "QuantizeLinear and DequantizeLinear become types of values",
    .run = Run,
};

}  // namespace adze
