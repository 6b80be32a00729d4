// inline_if: an If whose condition is a constant becomes the nodes of the branch that is taken.
#include <map>

#include "passes/pass_util.h"

namespace adze {
namespace {

// Copies a region's nodes in front of `before` (or to the end of `region`). `map` grows by what
// they compute.
class Cloner {
 public:
  explicit Cloner(Graph& graph) : graph_(graph) {}

  void CloneNodes(RegionId from, RegionId region, NodeId before) {
    for (NodeId id : std::vector(graph_.region(from).nodes)) CloneNode(id, region, before);
  }
  ValueId Map(ValueId id) const {
    const auto it = map_.find(id);
    return it == map_.end() ? id : it->second;
  }
  // After the originals are erased: the copies take over their names.
  void RestoreNames() {
    for (const auto& [copy, name] : names_) {
      if (graph_.UniqueName(name) != name) continue;
      const std::string temporary = graph_.value(copy).name;
      graph_.Rename(copy, name);
      graph_.DropOrigin(copy, temporary);
    }
  }

 private:
  void CloneNode(NodeId id, RegionId region, NodeId before) {
    const Node n = graph_.node(id);
    std::vector<ValueId> inputs;
    for (ValueId in : n.inputs) inputs.push_back(in == kNoId ? kNoId : Map(in));
    std::vector<std::string> outputs;
    for (ValueId out : n.outputs) {
      outputs.push_back(out == kNoId ? "" : graph_.UniqueName(graph_.value(out).name));
    }
    const NodeId copy = graph_.AddNode(n.op, n.name, std::move(inputs), std::move(outputs), n.attrs,
                                       region, before);
    for (const auto& [name, inner] : n.regions) {
      const RegionId inner_copy = graph_.AddRegion(copy, name);
      for (ValueId in : std::vector(graph_.region(inner).inputs)) {
        const Value v = graph_.value(in);
        Remember(in, graph_.AddInput(graph_.UniqueName(v.name), v.type, inner_copy));
      }
      CloneNodes(inner, inner_copy, kNoId);
      for (ValueId out : std::vector(graph_.region(inner).outputs)) {
        graph_.AddOutput(Map(out), inner_copy);
      }
    }
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] == kNoId) continue;
      const ValueId out = graph_.node(copy).outputs[i];
      graph_.SetType(out, graph_.value(n.outputs[i]).type);
      Remember(n.outputs[i], out);
    }
  }
  void Remember(ValueId from, ValueId to) {
    map_[from] = to;
    names_.emplace_back(to, graph_.value(from).name);
    for (const std::string& origin : std::vector(graph_.value(from).origins)) {
      graph_.AddOrigin(to, origin);
    }
  }

  Graph& graph_;
  std::map<ValueId, ValueId> map_;
  std::vector<std::pair<ValueId, std::string>> names_;
};

RegionId TakenBranch(const Graph& graph, const Node& n) {
  if (!n.op.Is("If") || n.inputs.size() != 1) return kNoId;
  const auto condition = Integers(graph, n.inputs[0]);
  if (!condition || condition->size() != 1) return kNoId;
  for (const auto& [name, region] : n.regions) {
    if (name == ((*condition)[0] != 0 ? "then_branch" : "else_branch")) return region;
  }
  return kNoId;
}

Result<int64_t> Run(Graph& graph, const PassContext& context) {
  int64_t inlined = 0;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    if (graph.node(id).dead) continue;
    const RegionId branch = TakenBranch(graph, graph.node(id));
    if (branch == kNoId) continue;
    const std::vector<ValueId> outputs = graph.node(id).outputs;
    const std::vector<ValueId> results = graph.region(branch).outputs;
    bool possible = results.size() == outputs.size();
    for (ValueId out : outputs) possible = possible && (out == kNoId || !context.IsPreserved(out));
    if (!possible) continue;
    const RegionId parent = graph.node(id).parent;
    Cloner cloner(graph);
    cloner.CloneNodes(branch, parent, id);
    std::vector<std::pair<ValueId, std::string>> names;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == kNoId) continue;
      // An Identity carries the name of the If's output; eliminate_identity removes it where it
      // can.
      const std::string name = graph.value(outputs[i]).name;
      const NodeId identity =
          graph.AddNode(OpType::Intern("", "Identity"), "", {cloner.Map(results[i])},
                        {graph.UniqueName(name)}, {}, parent, id);
      const ValueId to = graph.node(identity).outputs[0];
      graph.SetType(to, graph.value(outputs[i]).type);
      for (const std::string& origin : std::vector(graph.value(outputs[i]).origins)) {
        graph.AddOrigin(to, origin);
      }
      graph.ReplaceUses(outputs[i], to);
      names.emplace_back(to, name);
    }
    graph.EraseNode(id);
    cloner.RestoreNames();
    for (const auto& [value, name] : names) {
      const std::string temporary = graph.value(value).name;
      graph.Rename(value, name);
      graph.DropOrigin(value, temporary);
    }
    ++inlined;
  }
  return inlined;
}

}  // namespace

extern constexpr PassDef kInlineIfPass = {
    .name = "inline_if",
    .summary = "Replaces an If with a constant condition by the branch that is taken",
    .run = Run,
};

}  // namespace adze
