#include "quant/integer_form.h"

#include <algorithm>

#include "passes/pass_util.h"

namespace adze {
namespace {

bool IsFloat32(const Graph& graph, ValueId id) {
  return id != kNoId && graph.value(id).type.dtype == DType::kFloat32;
}

bool HasRank(const Graph& graph, ValueId id, size_t min, size_t max) {
  const auto& shape = graph.value(id).type.shape;
  return shape && shape->size() >= min && shape->size() <= max;
}

std::string NoComputeForm(const Graph& graph, const Node& n, NodeId id, const QuantRole& role) {
  if (!n.op.Is("Conv") && !n.op.Is("Gemm") && !n.op.Is("MatMul")) {
    return "the operator has no integer form";
  }
  const ValueId weight = graph.input(id, role.weight_input);
  if (weight == kNoId || !graph.value(weight).is_constant()) return "its weight is not constant";
  if (!IsFloat32(graph, weight)) return "its weight is not float32";
  const ValueId bias = graph.input(id, role.bias_input);
  if (bias != kNoId && !graph.value(bias).is_constant()) return "its bias is not constant";
  if (bias != kNoId && !IsFloat32(graph, bias)) return "its bias is not float32";
  if (graph.value(weight).constant.size() == 0) return "its weight is empty";
  if (n.op.Is("Conv")) {
    return HasRank(graph, n.inputs[0], 3, 4) ? "" : "only 1-D and 2-D convolutions run on integers";
  }
  if (graph.value(weight).constant.rank() != 2) return "its weight is not a matrix";
  if (!HasRank(graph, n.inputs[0], 2, kMaxRank)) return "its input is not a matrix";
  if (n.op.Is("Gemm")) {
    if (n.attrs.Int("transA", 0) != 0) return "transA is set";
    if (n.attrs.Float("alpha", 1) != 1) return "alpha is not 1";
    if (bias != kNoId) {
      if (n.attrs.Float("beta", 1) != 1) return "beta is not 1";
      const Tensor& b = graph.value(bias).constant;
      const int64_t columns =
          graph.value(weight).constant.dims()[static_cast<size_t>(WeightAxis(graph, id))];
      const bool per_column = b.size() == columns && (b.rank() == 0 || b.dims().back() == columns);
      if (b.size() != 1 && !per_column) return "its bias differs from row to row";
    }
  }
  return "";
}

// A constant weight has an encoding of its own; it cannot be an activation as well.
bool IsWeight(const Graph& graph, ValueId id) {
  if (!graph.value(id).is_constant()) return false;
  const auto users = graph.users(id);
  return std::any_of(users.begin(), users.end(), [&](NodeId u) {
    const OpDef* const def = FindOp(graph.node(u).op);
    return def != nullptr && def->quant.kind == QuantKind::kCompute &&
           graph.input(u, def->quant.weight_input) == id;
  });
}

// A constant that decides how an operator computes, such as the bounds of Clip, must be one.
bool OthersAreConstant(const Graph& graph, NodeId id, const std::vector<int>& data) {
  const Node& n = graph.node(id);
  for (int i = 0; i < static_cast<int>(n.inputs.size()); ++i) {
    const ValueId in = n.inputs[static_cast<size_t>(i)];
    if (in == kNoId || std::find(data.begin(), data.end(), i) != data.end()) continue;
    if (IsFloat32(graph, in) && !graph.value(in).is_constant()) return false;
  }
  return true;
}

}  // namespace

std::vector<int> DataInputs(const Node& node, const OpDef& def) {
  const bool variadic = def.max_inputs < 0;
  const int wanted = def.quant.kind == QuantKind::kArithmetic ? 2 : 1;
  std::vector<int> out;
  for (int i = 0; i < static_cast<int>(node.inputs.size()) && (variadic || i < wanted); ++i) {
    if (node.inputs[static_cast<size_t>(i)] != kNoId) out.push_back(i);
  }
  return out;
}

std::string NoIntegerForm(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr) return "the operator is unknown";
  if (!n.regions.empty()) return "control flow runs in float";
  const QuantKind kind = def->quant.kind;
  if (kind == QuantKind::kFloat || kind == QuantKind::kFixedRange) {
    return "the operator has no integer form";
  }
  if (kind == QuantKind::kArithmetic && !n.op.Is("Add") && !n.op.Is("Sub") && !n.op.Is("Mul")) {
    return "the operator has no integer form";
  }
  const std::vector<int> data = DataInputs(n, *def);
  for (const int i : data) {
    const ValueId in = n.inputs[static_cast<size_t>(i)];
    if (!IsFloat32(graph, in)) return "its input is not float32";
    if (IsWeight(graph, in)) return "its input is the weight of another operator";
  }
  for (const ValueId out : n.outputs) {
    if (out == kNoId) continue;
    if (!IsFloat32(graph, out) && !graph.users(out).empty()) return "an output is not float32";
  }
  if (kind == QuantKind::kCompute) return NoComputeForm(graph, n, id, def->quant);
  if (!OthersAreConstant(graph, id, data)) return "a parameter is computed";
  if (n.op.Is("Resize") && n.attrs.String("mode", "nearest") != "nearest") {
    return "interpolation runs in float";
  }
  return "";
}

bool NeedsEqualScales(const OpDef& def) { return def.quant.kind == QuantKind::kSameScale; }

int WeightAxis(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.op.Is("Conv")) return 0;
  if (n.op.Is("Gemm")) return n.attrs.Int("transB", 0) != 0 ? 0 : 1;
  return 1;  // MatMul with a matrix
}

bool IsRequantize(const Graph& graph, NodeId id) {
  return graph.node(id).op.Is(kAdzeDomain, "Requantize");
}

std::vector<NodeId> FusableChain(const Graph& graph, NodeId id, bool clamps_only) {
  const OpDef* const def = FindOp(graph.node(id).op);
  if (def == nullptr || graph.node(id).outputs.size() != 1) return {};
  const bool compute = def->quant.kind == QuantKind::kCompute;
  if (!compute && !graph.node(id).op.Is("Add")) return {};
  // The only reader of a node's result, if it is one that could run on integers.
  const auto reader = [&](NodeId node) {
    const ValueId out = graph.node(node).outputs[0];
    if (graph.users(out).size() != 1 || graph.IsRegionOutput(out)) return kNoId;
    const NodeId user = graph.users(out)[0];
    const bool fits =
        graph.node(user).parent == graph.node(node).parent && NoIntegerForm(graph, user).empty();
    return fits ? user : kNoId;
  };
  const NodeId activation = reader(id);
  if (activation == kNoId || !FindOp(graph.node(activation).op)->quant.is_activation ||
      graph.input(activation, 0) != graph.node(id).outputs[0]) {
    return {};
  }
  const Node& a = graph.node(activation);
  if (a.op.Is("Relu") || a.op.Is("Clip")) return {activation};
  if (!compute || clamps_only) return {};
  // Only a Conv's output channels are axis 1.
  const NodeId scale = graph.node(id).op.Is("Conv") ? reader(activation) : kNoId;
  if (scale != kNoId && ChannelFactor(graph, scale) != kNoId) return {activation, scale};
  return {activation};
}

bool ReadsFused(const Graph& graph, NodeId id, const std::vector<NodePlan>& plans) {
  const std::vector<ValueId>& inputs = graph.node(id).inputs;
  return std::any_of(inputs.begin(), inputs.end(), [&](ValueId in) {
    const NodeId producer = in == kNoId ? kNoId : graph.value(in).producer;
    return producer != kNoId && plans[static_cast<size_t>(producer)] == NodePlan::kFusedBefore;
  });
}

std::vector<ValueId> QuantizedValues(const Graph& graph, NodeId id,
                                     const std::vector<NodePlan>& plans) {
  const Node& n = graph.node(id);
  std::vector<ValueId> out;
  if (!ReadsFused(graph, id, plans)) {
    for (const int i : DataInputs(n, *FindOp(n.op))) {
      out.push_back(CanonicalValue(graph, n.inputs[static_cast<size_t>(i)]));
    }
  }
  if (plans[static_cast<size_t>(id)] != NodePlan::kInteger) return out;
  for (const ValueId v : n.outputs) {
    if (v != kNoId && IsFloat32(graph, v)) out.push_back(v);
  }
  return out;
}

int64_t NodeMacs(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr || def->macs == nullptr) return 0;
  // Shares hardly depend on the sizes of free dimensions: one sample, and images of 64 pixels a
  // side.
  DimBindings bindings;
  const auto collect = [&](const std::vector<ValueId>& values) {
    for (const ValueId v : values) {
      if (v == kNoId || !graph.value(v).type.shape) continue;
      for (const Dim& d : *graph.value(v).type.shape) d.CollectSymbols(&bindings);
    }
  };
  collect(n.inputs);
  collect(n.outputs);
  for (auto& [name, size] : bindings) size = 64;
  for (const ValueId in : graph.top().inputs) {
    const auto& shape = graph.value(in).type.shape;
    if (!shape || shape->empty()) continue;
    DimBindings batch;
    (*shape)[0].CollectSymbols(&batch);
    for (const auto& [name, unused] : batch) bindings[name] = 1;
  }
  std::vector<std::vector<int64_t>> dims;
  dims.reserve(n.inputs.size() + n.outputs.size());
  const auto views = [&](const std::vector<ValueId>& values, std::vector<ConstTensorView>* out) {
    for (const ValueId v : values) {
      ConstTensorView view;
      if (v != kNoId) {
        const TensorType& type = graph.value(v).type;
        const auto concrete = type.shape ? EvaluateShape(*type.shape, bindings) : std::nullopt;
        if (!concrete || NumElements(*concrete) < 0) return false;
        dims.push_back(*concrete);
        view = {type.dtype, dims.back(), nullptr};
      }
      out->push_back(view);
    }
    return true;
  };
  std::vector<ConstTensorView> inputs;
  std::vector<ConstTensorView> outputs;
  if (!views(n.inputs, &inputs) || !views(n.outputs, &outputs)) return 0;
  return def->macs(n.attrs, inputs, outputs);
}

FloatNode DescribeFloatNode(const Graph& graph, NodeId id, std::string reason) {
  const Node& n = graph.node(id);
  std::string name = n.name;
  for (size_t i = 0; name.empty() && i < n.outputs.size(); ++i) {
    if (n.outputs[i] != kNoId) name = graph.value(n.outputs[i]).name;
  }
  return {std::move(name), n.op.ToString(), std::move(reason)};
}

}  // namespace adze
