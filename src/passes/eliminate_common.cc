// eliminate_common: of two nodes that compute the same from the same inputs, the later one goes.
#include <algorithm>

#include "passes/pass_util.h"

namespace adze {
namespace {

bool ComputesTheSame(const Graph& graph, const Node& a, const Node& b) {
  if (!(a.op == b.op) || a.inputs != b.inputs || a.outputs.size() != b.outputs.size() ||
      !(a.attrs == b.attrs) || !a.regions.empty() || !b.regions.empty()) {
    return false;
  }
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    const ValueId x = a.outputs[i];
    const ValueId y = b.outputs[i];
    // The later node may leave out an output that the earlier one has.
    if (y == kNoId) continue;
    if (x == kNoId || !SameQuant(graph, x, y)) return false;
  }
  return true;
}

// Yes(the earlier node).
Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  // An unknown operator might draw random numbers.
  if (FindOp(n.op) == nullptr || n.inputs.empty() || n.inputs[0] == kNoId) {
    return Match::NotApplicable();
  }
  for (NodeId other : graph.users(n.inputs[0])) {
    const Node& m = graph.node(other);
    if (other == id || m.parent != n.parent || !ComputesTheSame(graph, m, n)) continue;
    const std::vector<NodeId>& order = graph.region(n.parent).nodes;
    if (std::find(order.begin(), order.end(), other) > std::find(order.begin(), order.end(), id)) {
      continue;
    }
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] == kNoId) continue;
      if (auto reason = WhyNotReplaceable(graph, n.outputs[i], m.outputs[i])) {
        return Match::No(*std::move(reason));
      }
    }
    return Match::Yes({other});
  }
  return Match::NotApplicable();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  Patch patch(graph, id);
  const Node& n = graph.node(id);
  for (size_t i = 0; i < n.outputs.size(); ++i) {
    if (n.outputs[i] != kNoId) patch.Replace(n.outputs[i], graph.node(match.id(0)).outputs[i]);
  }
  return patch;
}

}  // namespace

extern constexpr PassDef kEliminateCommonPass = {
    .name = "eliminate_common",
    .summary = "Computes common subexpressions once",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
