// merge_reshapes: a chain of Reshape, Flatten, Squeeze and Unsqueeze becomes one Reshape with a
// constant target, and a Reshape whose target is computed from shapes gets a constant one ("[0,
// -1]") where that says the same.
#include "passes/pass_util.h"

namespace adze {
namespace {

bool IsReshapeLike(const Node& n) {
  return n.op.Is("Reshape") || n.op.Is("Flatten") || n.op.Is("Squeeze") || n.op.Is("Unsqueeze");
}

// Yes(the value to reshape).
Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  if (!IsReshapeLike(n)) return Match::NotApplicable();
  ValueId source = n.inputs[0];
  const NodeId before = ProducerOf(graph, source, id);
  const bool chain = before != kNoId && IsReshapeLike(graph.node(before));
  const bool computed = n.op.Is("Reshape") && !graph.value(n.inputs[1]).is_constant();
  if (!chain && !computed) return Match::NotApplicable();
  if (chain) {
    if (!SameQuant(graph, source, graph.node(before).inputs[0])) {
      return Match::No("the reshapes are quantized differently");
    }
    source = graph.node(before).inputs[0];
  }
  const Shape* const from = ShapeOrNull(graph, source);
  const Shape* const to = ShapeOrNull(graph, n.outputs[0]);
  if (from == nullptr || to == nullptr) return Match::No("a shape is not known");
  if (!ReshapeTarget(*from, *to))
    return Match::No("the new shape has too many symbolic dimensions");
  return Match::Yes({source});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& out = graph.value(n.outputs[0]);
  const auto target = ReshapeTarget(*ShapeOrNull(graph, match.id(0)), *out.type.shape);
  Patch patch(graph, id);
  const ValueId shape = patch.AddConstant(out.name + "_shape", Int64Tensor(*target));
  const ValueId merged =
      patch.AddNode(OpType::Intern("", "Reshape"), n.name, {match.id(0), shape}, {}, out.name);
  patch.SetQuant(merged, out.type.quant);
  patch.Replace(n.outputs[0], merged);
  return patch;
}

}  // namespace

extern constexpr PassDef kMergeReshapesPass = {
    .name = "merge_reshapes",
    .summary = "Merges chains of Reshape, Flatten, Squeeze and Unsqueeze",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
