#include "ir/patch.h"

#include <algorithm>
#include <map>

namespace adze {

ValueId Patch::AddConstant(std::string name, Tensor tensor,
                           std::shared_ptr<const QuantType> quant) {
  constants_.push_back({std::move(name), std::move(tensor), std::move(quant), next_id_});
  return next_id_++;
}

ValueId Patch::AddNode(OpType op, std::string name, std::vector<ValueId> inputs, AttrMap attrs,
                       std::string output_name) {
  nodes_.push_back({op, std::move(name), std::move(inputs), std::move(attrs),
                    std::move(output_name), next_id_, nullptr});
  return next_id_++;
}

void Patch::SetQuant(ValueId value, std::shared_ptr<const QuantType> quant) {
  for (NewNode& n : nodes_) {
    if (n.id == value) n.quant = quant;
  }
}

void Patch::Replace(ValueId old, ValueId replacement) {
  replacements_.emplace_back(old, replacement);
}

void Patch::KeepName(ValueId old, ValueId value) { kept_names_.emplace_back(old, value); }

void Patch::SetAttr(NodeId node, std::string name, AttrValue value) {
  attrs_.push_back({node, std::move(name), std::move(value)});
}

Status Patch::Apply(Graph& graph, std::vector<std::pair<ValueId, ValueId>>* replaced) const {
  const ValueId first_new = graph.num_values();
  std::map<ValueId, ValueId> real;  // ids promised by the patch -> ids in the graph
  const auto resolve = [&](ValueId id) {
    const auto it = real.find(id);
    return it == real.end() ? id : it->second;
  };
  for (const NewConstant& c : constants_) {
    real[c.id] = graph.AddConstant(graph.UniqueName(c.name), c.tensor, c.quant);
  }
  const RegionId region = graph.node(anchor_).parent;
  for (const NewNode& n : nodes_) {
    std::vector<ValueId> inputs;
    for (ValueId in : n.inputs) inputs.push_back(resolve(in));
    const NodeId id = graph.AddNode(n.op, n.name, std::move(inputs),
                                    {graph.UniqueName(n.output_name)}, n.attrs, region, anchor_);
    const ValueId out = graph.node(id).outputs[0];
    real[n.id] = out;
    graph.SetQuant(out, n.quant);
    ADZE_TRY(InferNode(graph, id));
  }
  for (const auto& [old_id, new_id] : replacements_) {
    const ValueId to = resolve(new_id);
    if (replaced != nullptr) replaced->emplace_back(old_id, to);
    const bool is_new = to >= first_new;
    const bool was_output = graph.IsRegionOutput(old_id);
    const std::string name = graph.value(old_id).name;
    const std::vector<std::string> origins = graph.value(old_id).origins;
    if (was_output && !is_new && (graph.value(to).producer == kNoId || graph.IsRegionOutput(to))) {
      return InternalError("patch replaces the output '" + name +
                           "' by a value that cannot take its name");
    }
    graph.ReplaceUses(old_id, to);
    if (is_new || was_output) {
      // The name moves: free it on the value that dies first.
      const std::string old_new_name = graph.value(to).name;
      graph.Rename(old_id, graph.UniqueName(name + "_replaced"));
      graph.Rename(to, name);
      if (is_new) graph.DropOrigin(to, old_new_name);
    } else {
      graph.AddOrigin(to, name);
    }
    for (const std::string& origin : origins) graph.AddOrigin(to, origin);
  }
  for (const auto& [old_id, value] : kept_names_) {
    graph.AddOrigin(resolve(value), graph.value(old_id).name);
    for (const std::string& origin : std::vector(graph.value(old_id).origins)) {
      graph.AddOrigin(resolve(value), origin);
    }
  }
  for (const NewAttr& a : attrs_) graph.SetAttr(a.node, a.name, a.value);
  return OkStatus();
}

}  // namespace adze
