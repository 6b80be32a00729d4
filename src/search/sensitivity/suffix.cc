#include "search/sensitivity/suffix.h"

#include <map>

namespace adze {

Suffix SuffixFrom(const Graph& graph, const std::set<NodeId>& changed) {
  Suffix s{graph, graph.top().inputs};
  if (graph.num_regions() > 1) return s;
  Graph& g = s.graph;
  std::set<NodeId> reached;
  std::set<ValueId> reached_values;
  for (const NodeId id : graph.top().nodes) {
    bool reach = changed.contains(id);
    for (const ValueId in : graph.node(id).inputs) reach = reach || reached_values.contains(in);
    if (!reach) continue;
    reached.insert(id);
    reached_values.insert(graph.node(id).outputs.begin(), graph.node(id).outputs.end());
  }
  std::map<ValueId, ValueId> given;
  const auto as_input = [&](ValueId v) {
    if (v == kNoId || reached_values.contains(v) || graph.value(v).is_constant() ||
        graph.value(v).producer == kNoId) {
      return v;
    }
    const auto [it, added] = given.try_emplace(v, kNoId);
    if (added) {
      it->second = g.AddInput(g.UniqueName(graph.value(v).name + "_given"), graph.value(v).type);
      s.inputs.push_back(v);
    }
    return it->second;
  };
  for (const NodeId id : reached) {
    const size_t count = graph.node(id).inputs.size();
    for (size_t i = 0; i < count; ++i) {
      const ValueId from = graph.node(id).inputs[i];
      const ValueId to = as_input(from);
      if (to != from) g.SetInput(id, static_cast<int>(i), to);
    }
  }
  for (size_t i = 0; i < graph.top().outputs.size(); ++i) {
    const ValueId from = graph.top().outputs[i];
    const ValueId to = as_input(from);
    if (to != from) g.SetOutput(0, static_cast<int>(i), to);
  }
  const std::vector<NodeId> order = graph.top().nodes;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    if (!reached.contains(*it)) g.EraseNode(*it);
  }
  g.EraseUnusedConstants();
  return s;
}

}  // namespace adze
