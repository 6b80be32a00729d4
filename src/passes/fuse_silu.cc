// fuse_silu: x * Sigmoid(x) becomes adze.Silu.
#include "passes/fuse_util.h"

namespace adze {
namespace {

// Yes(x).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const NodeId gate = SelfGate(graph, id, "Sigmoid");
  if (gate == kNoId) return Match::NotApplicable();
  const ValueId inner = graph.node(gate).outputs[0];
  if (auto reason = WhyNotInner(graph, inner, gate, graph.node(id).outputs[0], true, context)) {
    return Match::No(*std::move(reason));
  }
  if (IsQuantized(graph, inner)) {
    return Match::No("value '" + graph.value(inner).name + "' has its own quantization");
  }
  return Match::Yes({graph.node(gate).inputs[0]});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId out =
      patch.AddNode(OpType::Intern(kAdzeDomain, "Silu"), n.name, {match.id(0)}, {}, y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseSiluPass = {
    .name = "fuse_silu",
    .summary = "x * Sigmoid(x) becomes one operator",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
