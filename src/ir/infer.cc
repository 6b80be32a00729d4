// Shape and type inference over a graph: feeds the operators' shape rules and stores what they
// derive.
#include <algorithm>

#include "ir/graph.h"

namespace adze {
namespace {

ValueInfo InfoOf(const Value& v) {
  ValueInfo info{v.type.dtype, v.type.shape, std::nullopt, nullptr, v.name};
  if (v.has_elements) info.elements = v.elements;
  if (v.is_constant() && !v.type.quant) info.constant = &v.constant;
  return info;
}

// Combines what was known with what the rule derived: constants win over symbols, the derived
// symbol over the stored.
Result<Shape> MergeShapes(const Shape& known, const Shape& derived) {
  const auto contradiction = [&] {
    return InvalidInput("computes shape " + ShapeToString(derived) + " but " +
                        ShapeToString(known) + " is declared");
  };
  if (known.size() != derived.size()) return contradiction();
  Shape merged = derived;
  for (size_t i = 0; i < known.size(); ++i) {
    if (!known[i].is_const()) continue;
    if (derived[i].is_const() && derived[i] != known[i]) return contradiction();
    merged[i] = known[i];
  }
  return merged;
}

Status StoreOutput(Graph& graph, ValueId id, ValueInfo info) {
  const Value& v = graph.value(id);
  TensorType type = v.type;
  if (info.dtype != DType::kUndefined) {
    if (type.dtype != DType::kUndefined && type.dtype != info.dtype) {
      return InvalidInput("output '" + v.name + "' is " + DTypeName(info.dtype) + " but " +
                          DTypeName(type.dtype) + " is declared");
    }
    type.dtype = info.dtype;
  }
  if (info.shape) {
    std::vector<int64_t> known;  // a free dimension is 1 at least, or the tensor is empty
    for (const Dim& d : *info.shape) {
      if (!d.is_const()) continue;
      known.push_back(d.value());
      if (d.value() < 0) {
        return InvalidInput("output '" + v.name + "' would have shape " +
                            ShapeToString(*info.shape));
      }
    }
    if (info.shape->size() > static_cast<size_t>(kMaxRank)) {
      return Unsupported("output '" + v.name + "' has rank " + std::to_string(info.shape->size()) +
                         ", at most " + std::to_string(kMaxRank) + " is supported");
    }
    if (NumElements(known) < 0) {
      return InvalidInput("output '" + v.name + "' of shape " + ShapeToString(*info.shape) +
                          " is too large");
    }
    if (type.shape) {
      Result<Shape> merged = MergeShapes(*type.shape, *info.shape);
      ADZE_TRY(merged);
      type.shape = std::move(merged).value();
    } else {
      type.shape = std::move(info.shape);
    }
  }
  graph.SetType(id, std::move(type));
  graph.SetElements(id, std::move(info.elements));
  return OkStatus();
}

Status InferRegion(Graph& graph, RegionId region, int depth);

// The outputs of If take what both branches agree on.
Status InferBranches(Graph& graph, NodeId id, int depth) {
  for (const auto& [name, region] : std::vector(graph.node(id).regions)) {
    ADZE_TRY(InferRegion(graph, region, depth + 1));
  }
  const Node& n = graph.node(id);
  if (!n.op.Is("If") || n.regions.size() != 2) return OkStatus();
  const std::vector<ValueId> a = graph.region(n.regions[0].second).outputs;
  const std::vector<ValueId> b = graph.region(n.regions[1].second).outputs;
  if (a.size() != n.outputs.size() || b.size() != n.outputs.size()) {
    return InvalidInput("its branches have " + std::to_string(a.size()) + " and " +
                        std::to_string(b.size()) + " outputs, the node has " +
                        std::to_string(n.outputs.size()));
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (graph.node(id).outputs[i] == kNoId) continue;
    const TensorType& x = graph.value(a[i]).type;
    const TensorType& y = graph.value(b[i]).type;
    TensorType type = graph.value(graph.node(id).outputs[i]).type;
    if (x.dtype == y.dtype && x.dtype != DType::kUndefined) type.dtype = x.dtype;
    if (x.shape && y.shape && *x.shape == *y.shape) type.shape = x.shape;
    graph.SetType(graph.node(id).outputs[i], std::move(type));
  }
  return OkStatus();
}

Status InferRegion(Graph& graph, RegionId region, int depth) {
  if (depth > 16) return Unsupported("control flow is nested deeper than 16 levels");
  for (NodeId id : std::vector(graph.region(region).nodes)) {
    ADZE_TRY(InferNode(graph, id));
    if (!graph.node(id).regions.empty()) {
      if (Status s = InferBranches(graph, id, depth); !s.ok()) {
        return s.WithContext(DescribeNode(graph, id));
      }
    }
  }
  return OkStatus();
}

}  // namespace

Status InferNode(Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr || def->infer == nullptr) return OkStatus();
  const auto fail = [&](const Status& s) { return s.WithContext(DescribeNode(graph, id)); };
  if (Status s = CheckSignature(*def, n.attrs, static_cast<int>(n.inputs.size()),
                                static_cast<int>(n.outputs.size()));
      !s.ok()) {
    return fail(s);
  }
  std::vector<ValueInfo> infos(n.inputs.size());
  std::vector<const ValueInfo*> inputs(n.inputs.size(), nullptr);
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    if (n.inputs[i] == kNoId) {
      // Control flow may omit even its leading inputs.
      if (static_cast<int>(i) < def->min_inputs && def->eval != nullptr) {
        return fail(InvalidInput("required input " + std::to_string(i) + " is omitted"));
      }
      continue;
    }
    infos[i] = InfoOf(graph.value(n.inputs[i]));
    // Without a type nothing can be derived; the outputs stay unknown.
    if (infos[i].dtype == DType::kUndefined) return OkStatus();
    inputs[i] = &infos[i];
  }
  std::vector<ValueInfo> outputs(n.outputs.size());
  InferContext ctx(n.attrs, inputs, outputs);
  if (Status s = def->infer(ctx); !s.ok()) return fail(s);
  const std::vector<ValueId> output_ids = n.outputs;
  for (size_t i = 0; i < output_ids.size(); ++i) {
    if (output_ids[i] == kNoId) continue;
    if (Status s = StoreOutput(graph, output_ids[i], std::move(outputs[i])); !s.ok()) {
      return fail(s);
    }
  }
  return OkStatus();
}

Status InferGraph(Graph& graph) { return InferRegion(graph, 0, 0); }

}  // namespace adze
