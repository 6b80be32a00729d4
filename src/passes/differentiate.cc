#include "passes/differentiate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ops/vjp.h"

namespace adze {
namespace {

bool IsReal(DType dtype) { return dtype == DType::kFloat32 || dtype == DType::kFloat64; }

// Reverse accumulation over the nodes of `out`, a copy of what the differentiated values need.
class Differentiator {
 public:
  Differentiator(const Graph& in, const DifferentiateOptions& options)
      : in_(in), options_(options), map_(static_cast<size_t>(in.num_values()), kNoId) {}

  Result<Graph> Run() {
    ADZE_TRY(CheckOptions());
    ADZE_TRY(CopyForward());
    const std::vector<NodeId> forward = out_.top().nodes;
    MarkActive(forward);
    ADZE_TRY(Seed());
    for (auto node = forward.rbegin(); node != forward.rend(); ++node) ADZE_TRY(PassBack(*node));
    ADZE_TRY(AddOutputs());
    EraseUnneeded();
    return std::move(out_);
  }

 private:
  friend struct RuleContext;

  Status CheckOptions() const;
  Status CopyForward();
  void MarkActive(const std::vector<NodeId>& forward);
  Status Seed();
  Status PassBack(NodeId id);
  Status AddOutputs();
  void EraseUnneeded();

  ValueId MapValue(ValueId id);
  std::vector<bool> NeededNodes() const;
  // The total gradient of a value so far, or kNoId when nothing has reached it.
  Result<ValueId> Total(ValueId id);
  Result<ValueId> Append(OpType op, const std::string& name, std::vector<ValueId> inputs,
                         AttrMap attrs = {});
  bool IsActive(ValueId id) const {
    return id != kNoId && static_cast<size_t>(id) < active_.size() &&
           active_[static_cast<size_t>(id)];
  }
  void Accumulate(ValueId id, ValueId gradient) {
    gradients_[static_cast<size_t>(id)].push_back(gradient);
  }

  const Graph& in_;
  const DifferentiateOptions& options_;
  Graph out_;
  std::vector<ValueId> map_;  // value of in_ -> value of out_
  // Of values of the forward part:
  std::vector<bool> active_;                     // depends on with_respect_to, differentiably
  std::vector<std::vector<ValueId>> gradients_;  // what its users have passed back
};

// Dims that contradict each other.
bool Differ(const Shape& a, const Shape& b) {
  return !std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Dim& p, const Dim& q) {
    return p == q || !p.is_const() || !q.is_const();
  });
}

// What a rule sees of one node, which must not be the graph's own: rules add nodes.
struct RuleContext : VjpContext {
  RuleContext(Differentiator& d, const Node& n, std::vector<ValueId> of_outputs)
      : VjpContext(n.attrs),
        d_(d),
        node_(n),
        of_outputs_(std::move(of_outputs)),
        of_inputs_(n.inputs.size()) {
    for (const ValueId out : n.outputs) {
      if (name_.empty() && out != kNoId) name_ = d.out_.value(out).name;
    }
  }

  int num_inputs() const override { return static_cast<int>(node_.inputs.size()); }
  int num_outputs() const override { return static_cast<int>(node_.outputs.size()); }
  VjpValue input(int i) const override {
    return {i < num_inputs() ? node_.inputs[static_cast<size_t>(i)] : kNoId};
  }
  VjpValue output(int i) const override {
    return {i < num_outputs() ? node_.outputs[static_cast<size_t>(i)] : kNoId};
  }
  VjpValue gradient(int i) const override {
    return {i < num_outputs() ? of_outputs_[static_cast<size_t>(i)] : kNoId};
  }
  bool wanted(int i) const override { return d_.IsActive(input(i).id); }
  void SetGradient(int i, VjpValue value) override { of_inputs_[static_cast<size_t>(i)] = value; }

  VjpValue Emit(OpType op, std::vector<VjpValue> inputs, AttrMap op_attrs) override {
    if (!status.ok()) return {};
    std::vector<ValueId> ids;
    for (const VjpValue v : inputs) ids.push_back(v.id);
    Result<ValueId> made = d_.Append(op, Name(), std::move(ids), std::move(op_attrs));
    if (!made.ok()) status = made.status();
    return {made.ok() ? *made : kNoId};
  }
  VjpValue Constant(Tensor tensor) override {
    return {d_.out_.AddConstant(d_.out_.UniqueName(Name()), std::move(tensor))};
  }
  ValueInfo Info(VjpValue value) const override {
    if (!value.present()) return {};
    const Value& v = d_.out_.value(value.id);
    return {v.type.dtype, v.type.shape, std::nullopt, v.is_constant() ? &v.constant : nullptr,
            v.name};
  }

  // Hands what the rule has set to the inputs.
  Status Finish() {
    ADZE_TRY(status);
    for (int i = 0; i < num_inputs(); ++i) {
      if (!wanted(i)) continue;
      const VjpValue g = of_inputs_[static_cast<size_t>(i)];
      if (!g.present()) {
        return Unsupported("there is no gradient with respect to input " + std::to_string(i));
      }
      const TensorType& to = d_.out_.value(input(i).id).type;
      const TensorType& from = d_.out_.value(g.id).type;
      if (Differ(*from.shape, *to.shape) || (IsReal(to.dtype) && from.dtype != to.dtype)) {
        return InternalError("the gradient of input " + std::to_string(i) + " is " +
                             DTypeName(from.dtype) + ShapeToString(*from.shape) +
                             ", the input is " + DTypeName(to.dtype) + ShapeToString(*to.shape));
      }
      d_.Accumulate(input(i).id, g.id);
    }
    return OkStatus();
  }

  Status status;

 private:
  std::string Name() { return "grad/" + name_ + "/" + std::to_string(counter_++); }
  Differentiator& d_;
  const Node& node_;
  std::vector<ValueId> of_outputs_;
  std::vector<VjpValue> of_inputs_;
  std::string name_;
  int counter_ = 0;
};

Status Differentiator::CheckOptions() const {
  if (options_.of.empty() || options_.with_respect_to.empty()) {
    return UsageError("nothing to differentiate, or nothing to differentiate with respect to");
  }
  for (const std::vector<ValueId>* list : {&options_.of, &options_.with_respect_to}) {
    for (const ValueId id : *list) {
      const Value& v = in_.value(id);
      if (v.producer != kNoId && in_.node(v.producer).parent != 0) {
        return Unsupported("value '" + v.name + "' is inside a branch or loop");
      }
      if (!IsReal(v.type.dtype) || v.type.quant != nullptr) {
        return Unsupported("value '" + v.name + "' is " +
                           (v.type.quant ? "quantized" : DTypeName(v.type.dtype)) +
                           "; only float32 and float64 have gradients");
      }
      if (!v.type.shape) return Unsupported("the shape of value '" + v.name + "' is not known");
      if (std::count(list->begin(), list->end(), id) != 1) {
        return UsageError("value '" + v.name + "' is given twice");
      }
    }
  }
  for (const ValueId id : options_.of) {
    const Value& v = in_.value(id);
    if (options_.unit_seed && !NumElements(*v.type.shape).IsConst(1)) {
      return UsageError("value '" + v.name + "' has shape " + ShapeToString(*v.type.shape) +
                        ", a unit seed needs one element");
    }
  }
  return OkStatus();
}

// The nodes of in_ that `of`, `with_respect_to` and `outputs` need.
std::vector<bool> Differentiator::NeededNodes() const {
  std::vector<bool> value_needed(static_cast<size_t>(in_.num_values()), false);
  for (const auto* list : {&options_.of, &options_.with_respect_to, &options_.outputs}) {
    for (const ValueId id : *list) value_needed[static_cast<size_t>(id)] = true;
  }
  std::vector<bool> needed(static_cast<size_t>(in_.num_nodes()), false);
  const std::vector<NodeId>& nodes = in_.top().nodes;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const Node& n = in_.node(*node);
    const bool wanted = std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId out) {
      return out != kNoId && value_needed[static_cast<size_t>(out)];
    });
    if (!wanted) continue;
    needed[static_cast<size_t>(*node)] = true;
    for (const ValueId id : n.inputs) {
      if (id != kNoId) value_needed[static_cast<size_t>(id)] = true;
    }
  }
  return needed;
}

// The value of out_ for one of in_ that exists already or is a constant.
ValueId Differentiator::MapValue(ValueId id) {
  if (id == kNoId) return kNoId;
  ValueId& to = map_[static_cast<size_t>(id)];
  if (to == kNoId) {
    const Value& v = in_.value(id);
    to = out_.AddConstant(v.name, v.constant, v.type.quant);
    for (const std::string& origin : v.origins) out_.AddOrigin(to, origin);
  }
  return to;
}

Status Differentiator::CopyForward() {
  out_.metadata = in_.metadata;
  for (const ValueId id : in_.top().inputs) {
    map_[static_cast<size_t>(id)] = out_.AddInput(in_.value(id).name, in_.value(id).type);
  }
  for (const ValueId id : options_.with_respect_to) {
    if (!options_.constants_as_inputs || !in_.value(id).is_constant()) continue;
    map_[static_cast<size_t>(id)] = out_.AddInput(in_.value(id).name, in_.value(id).type);
  }
  const std::vector<bool> needed = NeededNodes();
  for (const NodeId id : in_.top().nodes) {
    if (!needed[static_cast<size_t>(id)]) continue;
    const Node& n = in_.node(id);
    if (!n.regions.empty()) {
      return Unsupported(DescribeNode(in_, id) + ": control flow cannot be differentiated");
    }
    std::vector<ValueId> inputs;
    for (const ValueId in : n.inputs) inputs.push_back(MapValue(in));
    std::vector<std::string> names;
    for (const ValueId out : n.outputs) names.push_back(out == kNoId ? "" : in_.value(out).name);
    const NodeId copy = out_.AddNode(n.op, n.name, std::move(inputs), std::move(names), n.attrs);
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] == kNoId) continue;
      const Value& from = in_.value(n.outputs[i]);
      const ValueId to = out_.node(copy).outputs[i];
      map_[static_cast<size_t>(n.outputs[i])] = to;
      out_.SetType(to, from.type);
      if (from.has_elements) out_.SetElements(to, from.elements);
      for (const std::string& origin : from.origins) out_.AddOrigin(to, origin);
    }
  }
  for (const ValueId id : options_.with_respect_to) MapValue(id);  // a constant without users
  return OkStatus();
}

// Gradients flow through floats, and through the codes that QuantizeLinear makes.
void Differentiator::MarkActive(const std::vector<NodeId>& forward) {
  active_.assign(static_cast<size_t>(out_.num_values()), false);
  gradients_.resize(active_.size());
  for (const ValueId id : options_.with_respect_to) {
    active_[static_cast<size_t>(map_[static_cast<size_t>(id)])] = true;
  }
  for (const NodeId id : forward) {
    const Node& n = out_.node(id);
    if (std::none_of(n.inputs.begin(), n.inputs.end(), [&](ValueId in) { return IsActive(in); }))
      continue;
    for (const ValueId out : n.outputs) {
      if (out == kNoId) continue;
      if (IsReal(out_.value(out).type.dtype) || n.op.Is("QuantizeLinear"))
        active_[static_cast<size_t>(out)] = true;
    }
  }
}

Status Differentiator::Seed() {
  for (const ValueId original : options_.of) {
    const ValueId id = map_[static_cast<size_t>(original)];
    const Value& v = out_.value(id);
    const std::string name = out_.UniqueName("seed/" + v.name);
    if (!options_.unit_seed) {
      Accumulate(id, out_.AddInput(name, {v.type.dtype, v.type.shape, nullptr}));
      continue;
    }
    Tensor one = Tensor::Allocate(v.type.dtype, *ToConstDims(*v.type.shape));
    if (v.type.dtype == DType::kFloat64) {
      *one.mutable_data<double>() = 1;
    } else {
      *one.mutable_data<float>() = 1;
    }
    Accumulate(id, out_.AddConstant(name, std::move(one)));
  }
  return OkStatus();
}

Result<ValueId> Differentiator::Append(OpType op, const std::string& name,
                                       std::vector<ValueId> inputs, AttrMap attrs) {
  const NodeId id =
      out_.AddNode(op, "", std::move(inputs), {out_.UniqueName(name)}, std::move(attrs));
  ADZE_TRY(InferNode(out_, id));
  const ValueId value = out_.node(id).outputs[0];
  if (!out_.value(value).type.shape) {
    return Unsupported(DescribeNode(out_, id) + ": its shape depends on data");
  }
  return value;
}

Result<ValueId> Differentiator::Total(ValueId id) {
  std::vector<ValueId>& parts = gradients_[static_cast<size_t>(id)];
  if (parts.empty()) return kNoId;
  const std::string name = "grad/" + out_.value(id).name + "/sum";
  for (size_t i = 1; i < parts.size(); ++i) {
    ADZE_ASSIGN(parts[0], Append(OpType::Intern("", "Add"), name, {parts[0], parts[i]}));
  }
  parts.resize(1);
  return parts[0];
}

Status Differentiator::PassBack(NodeId id) {
  const Node n = out_.node(id);
  if (std::none_of(n.inputs.begin(), n.inputs.end(), [&](ValueId in) { return IsActive(in); }))
    return OkStatus();
  std::vector<ValueId> of_outputs;
  for (const ValueId out : n.outputs) {
    ValueId total = kNoId;
    if (out != kNoId) {
      ADZE_ASSIGN(total, Total(out));
    }
    of_outputs.push_back(total);
  }
  if (std::all_of(of_outputs.begin(), of_outputs.end(), [](ValueId g) { return g == kNoId; }))
    return OkStatus();
  const std::string where = DescribeNode(out_, id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr || def->vjp == nullptr)
    return Unsupported(where + ": adze has no gradient rule for " + n.op.ToString());
  for (const std::vector<ValueId>* list : {&n.inputs, &n.outputs}) {
    for (const ValueId v : *list) {
      if (v == kNoId) continue;
      const Value& value = out_.value(v);
      if (value.type.quant != nullptr)
        return Unsupported(where + ": value '" + value.name + "' is quantized");
      if (!value.type.shape)
        return Unsupported(where + ": the shape of value '" + value.name + "' is not known");
    }
  }
  RuleContext context(*this, n, std::move(of_outputs));
  Status s = def->vjp(context);
  if (s.ok()) s = context.Finish();
  if (!context.status.ok()) s = context.status;
  return s.ok() ? OkStatus() : s.WithContext(where + ", its gradient");
}

Status Differentiator::AddOutputs() {
  for (const ValueId id : options_.outputs) out_.AddOutput(MapValue(id));
  for (const ValueId original : options_.with_respect_to) {
    const ValueId id = map_[static_cast<size_t>(original)];
    const std::string name = out_.value(id).name;
    ADZE_ASSIGN(const ValueId total, Total(id));
    if (total == kNoId) {
      return InvalidInput("nothing that is differentiated depends on value '" + name +
                          "' through floats");
    }
    // A node of its own: one gradient may be that of several values.
    ADZE_ASSIGN(const ValueId out, Append(OpType::Intern("", "Identity"), "grad/" + name, {total}));
    out_.AddOutput(out);
  }
  return OkStatus();
}

void Differentiator::EraseUnneeded() {
  const std::vector<NodeId> nodes = out_.top().nodes;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const std::vector<ValueId>& outputs = out_.node(*node).outputs;
    const bool unused = std::all_of(outputs.begin(), outputs.end(), [&](ValueId out) {
      return out == kNoId || (out_.users(out).empty() && !out_.IsGraphOutput(out));
    });
    if (unused) out_.EraseNode(*node);
  }
  out_.EraseUnusedConstants();
}

}  // namespace

Result<Graph> Differentiate(const Graph& graph, const DifferentiateOptions& options) {
  return Differentiator(graph, options).Run();
}

}  // namespace adze
