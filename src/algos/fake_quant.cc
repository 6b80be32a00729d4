#include "algos/fake_quant.h"

#include <algorithm>

namespace adze {

FakeQuantArgs FakeQuantOf(const AffineParams& params, DType storage) {
  const IntRange range = RangeOf(storage);
  return {params.scale, params.zero_point, static_cast<int32_t>(range.min),
          static_cast<int32_t>(range.max)};
}

AttrMap FakeQuantAttrs(const FakeQuantArgs& args) {
  return {{"scale", args.scale},
          {"zero_point", int64_t{args.zero_point}},
          {"qmin", int64_t{args.qmin}},
          {"qmax", int64_t{args.qmax}}};
}

NodeId InsertFakeQuant(Graph* graph, ValueId v, const FakeQuantArgs& args,
                       const std::string& name) {
  const std::vector<NodeId> users(graph->users(v).begin(), graph->users(v).end());
  const std::vector<NodeId>& nodes = graph->top().nodes;
  auto position = nodes.begin();
  if (graph->value(v).producer != kNoId) {
    position = std::next(std::find(nodes.begin(), nodes.end(), graph->value(v).producer));
  }
  const NodeId node =
      graph->AddNode(OpType::Intern(kAdzeDomain, "FakeQuant"), name, {v},
                     {graph->UniqueName(graph->value(v).name + "_fake")}, FakeQuantAttrs(args), 0,
                     position == nodes.end() ? kNoId : *position);
  const ValueId out = graph->node(node).outputs[0];
  graph->SetType(out, graph->value(v).type);
  for (const NodeId u : users) {
    for (int i = 0; i < static_cast<int>(graph->node(u).inputs.size()); ++i) {
      if (graph->input(u, i) == v) graph->SetInput(u, i, out);
    }
  }
  for (RegionId r = 0; r < graph->num_regions(); ++r) {
    for (int i = 0; i < static_cast<int>(graph->region(r).outputs.size()); ++i) {
      if (graph->region(r).outputs[static_cast<size_t>(i)] == v) graph->SetOutput(r, i, out);
    }
  }
  return node;
}

std::vector<ValueId> FakeQuantPoints(const Graph& graph, const ActivationGroup& group) {
  std::vector<ValueId> out = group.sources;
  std::erase_if(out, [&](ValueId v) { return graph.value(v).is_constant(); });
  return out;
}

}  // namespace adze
