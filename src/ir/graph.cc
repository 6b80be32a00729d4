#include "ir/graph.h"

#include <algorithm>

#include "base/check.h"

namespace adze {

Graph::Graph() { regions_.emplace_back(); }

ValueId Graph::input(NodeId id, int i) const {
  const Node& n = node(id);
  return i >= 0 && i < static_cast<int>(n.inputs.size()) ? n.inputs[static_cast<size_t>(i)] : kNoId;
}

const Node* Graph::producer(ValueId id) const {
  if (id == kNoId || value(id).producer == kNoId) return nullptr;
  return &node(value(id).producer);
}

bool Graph::IsGraphOutput(ValueId id) const {
  return std::find(top().outputs.begin(), top().outputs.end(), id) != top().outputs.end();
}

bool Graph::IsRegionOutput(ValueId id) const {
  return std::any_of(regions_.begin(), regions_.end(), [&](const Region& r) {
    return std::find(r.outputs.begin(), r.outputs.end(), id) != r.outputs.end();
  });
}

ValueId Graph::FindValue(std::string_view name) const {
  if (const auto it = by_name_.find(std::string(name)); it != by_name_.end()) return it->second;
  for (ValueId id = 0; id < num_values(); ++id) {
    const Value& v = value(id);
    if (!v.dead && std::find(v.origins.begin(), v.origins.end(), name) != v.origins.end())
      return id;
  }
  return kNoId;
}

std::string Graph::UniqueName(std::string_view wish) const {
  std::string name(wish.empty() ? "value" : wish);
  if (!by_name_.contains(name)) return name;
  for (int i = 1;; ++i) {
    const std::string candidate = name + "_" + std::to_string(i);
    if (!by_name_.contains(candidate)) return candidate;
  }
}

ValueId Graph::NewValue(std::string name) {
  const ValueId id = num_values();
  Value v;
  v.name = UniqueName(name);
  by_name_.emplace(v.name, id);
  values_.push_back(std::move(v));
  users_.emplace_back();
  return id;
}

void Graph::KillValue(ValueId id) {
  Value& v = mutable_value(id);
  v.dead = true;
  v.constant = Tensor();
  by_name_.erase(v.name);
}

ValueId Graph::AddInput(std::string name, TensorType type, RegionId region) {
  const ValueId id = NewValue(std::move(name));
  mutable_value(id).type = std::move(type);
  regions_[static_cast<size_t>(region)].inputs.push_back(id);
  return id;
}

ValueId Graph::AddConstant(std::string name, Tensor tensor,
                           std::shared_ptr<const QuantType> quant) {
  ADZE_CHECK(tensor.defined());
  const ValueId id = NewValue(std::move(name));
  Value& v = mutable_value(id);
  v.type.dtype = quant ? DType::kFloat32 : tensor.dtype();
  v.type.shape = ToShape(tensor.dims());
  v.type.quant = std::move(quant);
  v.constant = std::move(tensor);
  return id;
}

NodeId Graph::AddNode(OpType op, std::string name, std::vector<ValueId> inputs,
                      std::vector<std::string> output_names, AttrMap attrs, RegionId region,
                      NodeId before) {
  const NodeId id = num_nodes();
  Node n;
  n.op = op;
  n.name = std::move(name);
  n.attrs = std::move(attrs);
  n.parent = region;
  for (size_t i = 0; i < output_names.size(); ++i) {
    if (output_names[i].empty()) {
      n.outputs.push_back(kNoId);
      continue;
    }
    const ValueId out = NewValue(std::move(output_names[i]));
    mutable_value(out).producer = id;
    mutable_value(out).output_index = static_cast<int>(i);
    n.outputs.push_back(out);
  }
  for (ValueId in : inputs) {
    if (in != kNoId) users_[static_cast<size_t>(in)].push_back(id);
  }
  n.inputs = std::move(inputs);
  nodes_.push_back(std::move(n));
  std::vector<NodeId>& list = regions_[static_cast<size_t>(region)].nodes;
  const auto position = before == kNoId ? list.end() : std::find(list.begin(), list.end(), before);
  ADZE_CHECK(before == kNoId || position != list.end());
  list.insert(position, id);
  return id;
}

RegionId Graph::AddRegion(NodeId owner, std::string attr_name) {
  const RegionId id = num_regions();
  regions_.emplace_back();
  regions_.back().owner = owner;
  mutable_node(owner).regions.emplace_back(std::move(attr_name), id);
  return id;
}

void Graph::AddOutput(ValueId value, RegionId region) {
  regions_[static_cast<size_t>(region)].outputs.push_back(value);
}

void Graph::RemoveUse(ValueId value, NodeId node) {
  if (value == kNoId) return;
  std::vector<NodeId>& list = users_[static_cast<size_t>(value)];
  const auto it = std::find(list.begin(), list.end(), node);
  ADZE_CHECK(it != list.end());
  list.erase(it);
}

void Graph::SetInput(NodeId node, int index, ValueId value) {
  Node& n = mutable_node(node);
  if (index >= static_cast<int>(n.inputs.size())) {
    n.inputs.resize(static_cast<size_t>(index) + 1, kNoId);
  }
  RemoveUse(n.inputs[static_cast<size_t>(index)], node);
  n.inputs[static_cast<size_t>(index)] = value;
  if (value != kNoId) users_[static_cast<size_t>(value)].push_back(node);
}

void Graph::SetOutput(RegionId region, int index, ValueId value) {
  regions_[static_cast<size_t>(region)].outputs[static_cast<size_t>(index)] = value;
}

void Graph::SetElements(ValueId id, std::optional<std::vector<Dim>> elements) {
  Value& v = mutable_value(id);
  v.has_elements = elements.has_value();
  v.elements = elements ? std::move(*elements) : std::vector<Dim>();
}

void Graph::SetConstant(ValueId id, Tensor tensor) {
  Value& v = mutable_value(id);
  ADZE_CHECK(v.is_constant());
  if (!v.type.quant) v.type.dtype = tensor.dtype();
  v.type.shape = ToShape(tensor.dims());
  v.constant = std::move(tensor);
}

void Graph::SetAttr(NodeId id, std::string_view name, AttrValue value) {
  mutable_node(id).attrs.Set(name, std::move(value));
}

void Graph::Rename(ValueId id, std::string name) {
  Value& v = mutable_value(id);
  if (v.name == name) return;
  ADZE_CHECK(!by_name_.contains(name));
  const std::string old = v.name;
  by_name_.erase(old);
  std::erase(v.origins, name);
  by_name_.emplace(name, id);
  v.name = std::move(name);
  AddOrigin(id, old);
}

void Graph::AddOrigin(ValueId id, std::string_view name) {
  Value& v = mutable_value(id);
  if (v.name == name) return;
  if (std::find(v.origins.begin(), v.origins.end(), name) == v.origins.end()) {
    v.origins.emplace_back(name);
  }
}

void Graph::DropOrigin(ValueId id, std::string_view name) {
  std::erase(mutable_value(id).origins, name);
}

void Graph::ReplaceUses(ValueId from, ValueId to) {
  if (from == to) return;
  std::vector<NodeId> moved = std::move(users_[static_cast<size_t>(from)]);
  users_[static_cast<size_t>(from)].clear();
  for (NodeId user : moved) {
    std::vector<ValueId>& inputs = mutable_node(user).inputs;
    std::replace(inputs.begin(), inputs.end(), from, to);
    users_[static_cast<size_t>(to)].push_back(user);
  }
  for (Region& r : regions_) std::replace(r.outputs.begin(), r.outputs.end(), from, to);
}

void Graph::EraseNode(NodeId id) {
  Node& n = mutable_node(id);
  ADZE_CHECK(!n.dead);
  for (const auto& [name, region] : n.regions) {
    Region& r = regions_[static_cast<size_t>(region)];
    r.outputs.clear();
    const std::vector<NodeId> inner(r.nodes.rbegin(), r.nodes.rend());
    for (NodeId child : inner) EraseNode(child);
    for (ValueId v : r.inputs) KillValue(v);
    r.inputs.clear();
  }
  for (ValueId out : n.outputs) {
    if (out == kNoId) continue;
    ADZE_CHECK(users(out).empty() && !IsRegionOutput(out));
    KillValue(out);
  }
  for (ValueId in : n.inputs) RemoveUse(in, id);
  n.inputs.clear();
  n.outputs.clear();
  n.dead = true;
  std::erase(regions_[static_cast<size_t>(n.parent)].nodes, id);
}

void Graph::EraseUnusedConstants() {
  for (ValueId id = 0; id < num_values(); ++id) {
    const Value& v = value(id);
    if (!v.dead && v.is_constant() && users(id).empty() && !IsRegionOutput(id)) KillValue(id);
  }
}

std::string DescribeNode(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  std::string name = n.name;
  if (name.empty()) {
    for (ValueId out : n.outputs) {
      if (out != kNoId) {
        name = graph.value(out).name;
        break;
      }
    }
  }
  return "node '" + name + "' (" + n.op.ToString() + ")";
}

}  // namespace adze
