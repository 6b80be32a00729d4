#include "quant/quantization_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/integer_form.h"

namespace adze {
namespace {

class UnionFind {
 public:
  explicit UnionFind(int size) : parent_(static_cast<size_t>(size)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int Find(int i) {
    while (parent_[static_cast<size_t>(i)] != i) {
      int& p = parent_[static_cast<size_t>(i)];
      p = parent_[static_cast<size_t>(p)];
      i = p;
    }
    return i;
  }
  // The smaller id becomes the root, so roots do not depend on the order of unions.
  void Union(int a, int b) {
    a = Find(a);
    b = Find(b);
    if (a != b) parent_[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<int> parent_;
};

class Planner {
 public:
  Planner(const Graph& graph, const QuantSettings& settings)
      : graph_(graph),
        settings_(settings),
        size_(static_cast<size_t>(graph.num_nodes())),
        reasons_(size_),
        fused_(size_, false),
        kept_(size_, false),
        reaches_compute_(size_, false) {
    plan_.nodes.assign(size_, NodePlan::kIgnore);
    for (const NodeId id : graph_.top().nodes) {
      const ValueId out = graph_.node(id).outputs.empty() ? kNoId : graph_.node(id).outputs[0];
      kept_[static_cast<size_t>(id)] =
          out != kNoId && IsCompute(id) && settings_.keep_float.contains(graph_.value(out).name);
    }
  }

  QuantizationPlan Run() {
    Reach();
    Forward();
    Backward();
    SpareKept();
    Report();
    Groups();
    Weights();
    plan_.int8_macs_share = MacsShare();
    return std::move(plan_);
  }

 private:
  const OpDef* Def(NodeId id) const { return FindOp(graph_.node(id).op); }
  NodePlan& plan(NodeId id) { return plan_.nodes[static_cast<size_t>(id)]; }
  bool IsInteger(NodeId id) {
    return plan(id) != NodePlan::kIgnore && plan(id) != NodePlan::kFloat;
  }
  bool IsCompute(NodeId id) const {
    const OpDef* const def = Def(id);
    return def != nullptr && def->quant.kind == QuantKind::kCompute;
  }
  static bool MovesData(const OpDef& def) { return def.quant.kind == QuantKind::kSameScale; }

  // Which nodes lie before a multiply-accumulate operator with an integer form.
  void Reach() {
    const std::vector<NodeId>& order = graph_.top().nodes;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      for (const ValueId out : graph_.node(*it).outputs) {
        if (out == kNoId) continue;
        for (const NodeId user : graph_.users(out)) {
          if (graph_.node(user).parent != 0 || reaches_compute_[static_cast<size_t>(user)] ||
              (IsCompute(user) && !kept_[static_cast<size_t>(user)] &&
               NoIntegerForm(graph_, user).empty())) {
            reaches_compute_[static_cast<size_t>(*it)] = true;
          }
        }
      }
    }
  }

  bool IsIntegerValue(ValueId id) {
    const Value& v = graph_.value(CanonicalValue(graph_, id));
    return v.is_constant() || (v.producer != kNoId && IsInteger(v.producer) &&
                               plan(v.producer) != NodePlan::kFloatResult);
  }

  bool InTail(NodeId id) const {
    return settings_.float_tail && !reaches_compute_[static_cast<size_t>(id)];
  }

  void SetInteger(NodeId id) {
    plan(id) = NodePlan::kInteger;
    reasons_[static_cast<size_t>(id)].clear();
    if (IsCompute(id) && InTail(id)) {
      plan(id) = NodePlan::kFloatResult;
      return;
    }
    NodeId last = id;
    for (const NodeId next : FusableChain(graph_, id, !settings_.fuse_activations)) {
      plan(last) = NodePlan::kFusedBefore;
      plan(next) = NodePlan::kInteger;
      fused_[static_cast<size_t>(next)] = true;
      last = next;
    }
  }

  void Forward() {
    for (const NodeId id : graph_.top().nodes) {
      if (IsRequantize(graph_, id) || !HasFloatOutput(id) || fused_[static_cast<size_t>(id)]) {
        continue;
      }
      plan(id) = NodePlan::kFloat;
      std::string& reason = reasons_[static_cast<size_t>(id)];
      reason = NoIntegerForm(graph_, id);
      if (kept_[static_cast<size_t>(id)]) reason = "it is kept in float";
      if (!reason.empty()) continue;
      if (!IsCompute(id)) {
        for (const int i : DataInputs(graph_.node(id), *Def(id))) {
          const ValueId in = graph_.input(id, i);
          if (!IsIntegerValue(in)) {
            reason = "its input '" + EncodingName(graph_, CanonicalValue(graph_, in)) +
                     "' is not computed in integers";
            break;
          }
        }
        if (InTail(id)) {
          reason = "it lies behind the last multiply-accumulate operator";
        }
        if (!reason.empty()) continue;
      }
      SetInteger(id);
    }
  }

  // Data movement whose result only integer operators read runs on integers too, whatever it reads:
  // the image that is padded or sliced before the first convolution.
  void Backward() {
    const std::vector<NodeId>& order = graph_.top().nodes;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      const NodeId id = *it;
      if (plan(id) != NodePlan::kFloat || !MovesData(*Def(id)) ||
          !NoIntegerForm(graph_, id).empty()) {
        continue;
      }
      bool all_integer = true;
      bool any = false;
      for (const ValueId out : graph_.node(id).outputs) {
        if (out == kNoId) continue;
        all_integer = all_integer && OnlyIntegerUsers(out);
        any = any || !graph_.users(out).empty();
      }
      if (all_integer && any) SetInteger(id);
    }
  }

  // What only kept nodes read is not rounded: multiply-accumulates before them yield float results,
  // and whatever lies between runs in float too.
  void SpareKept() {
    std::vector<bool> spared = kept_;
    const auto only_spared_users = [&](ValueId out) {
      if (out == kNoId) return true;
      const auto users = graph_.users(out);
      return !users.empty() && !graph_.IsRegionOutput(out) &&
             std::all_of(users.begin(), users.end(),
                         [&](NodeId u) { return spared[static_cast<size_t>(u)]; });
    };
    const std::vector<NodeId>& order = graph_.top().nodes;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      const NodeId id = *it;
      const std::vector<ValueId>& outputs = graph_.node(id).outputs;
      if (!IsInteger(id) || !std::all_of(outputs.begin(), outputs.end(), only_spared_users)) {
        continue;
      }
      if (IsCompute(id)) {
        plan(id) = NodePlan::kFloatResult;
      } else {
        plan(id) = NodePlan::kFloat;
        spared[static_cast<size_t>(id)] = true;
        reasons_[static_cast<size_t>(id)] = "only layers kept in float read its result";
      }
    }
  }

  bool OnlyIntegerUsers(ValueId id) {
    if (graph_.IsRegionOutput(id)) return false;
    const auto users = graph_.users(id);
    return std::all_of(users.begin(), users.end(), [&](NodeId u) {
      if (graph_.node(u).parent != 0) return false;
      return IsRequantize(graph_, u) ? OnlyIntegerUsers(graph_.node(u).outputs[0]) : IsInteger(u);
    });
  }

  bool HasFloatOutput(NodeId id) const {
    const Node& n = graph_.node(id);
    return std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId out) {
      return out != kNoId && graph_.value(out).type.dtype != DType::kUndefined &&
             IsFloat(graph_.value(out).type.dtype);
    });
  }

  void Report() {
    for (const NodeId id : graph_.top().nodes) {
      if (plan(id) != NodePlan::kFloat) continue;
      plan_.float_nodes.push_back(DescribeFloatNode(graph_, id, reasons_[static_cast<size_t>(id)]));
    }
  }

  void Groups() {
    UnionFind sets(graph_.num_values());
    std::vector<bool> quantized(static_cast<size_t>(graph_.num_values()), false);
    for (const NodeId id : graph_.top().nodes) {
      if (!IsInteger(id)) continue;
      const std::vector<ValueId> values = QuantizedValues(graph_, id, plan_.nodes);
      for (const ValueId v : values) quantized[static_cast<size_t>(v)] = true;
      if (NeedsEqualScales(*Def(id))) {
        for (const ValueId v : values) sets.Union(values[0], v);
      }
    }
    plan_.group_of.assign(static_cast<size_t>(graph_.num_values()), -1);
    for (ValueId v = 0; v < graph_.num_values(); ++v) {
      if (!quantized[static_cast<size_t>(v)]) continue;
      int& index = plan_.group_of[static_cast<size_t>(sets.Find(v))];
      if (index < 0) {
        index = static_cast<int>(plan_.groups.size());
        plan_.groups.emplace_back();
      }
      plan_.group_of[static_cast<size_t>(v)] = index;
      plan_.groups[static_cast<size_t>(index)].values.push_back(v);
    }
    for (ActivationGroup& group : plan_.groups) {
      FindSources(&group);
      group.storage = settings_.activation;
    }
    for (const NodeId id : graph_.top().nodes) {
      if (!IsInteger(id) || !KeptInt8(id)) continue;
      const int g =
          plan_.group_of[static_cast<size_t>(CanonicalValue(graph_, graph_.input(id, 0)))];
      if (g >= 0) {
        plan_.groups[static_cast<size_t>(g)].storage =
            IntegerOf(8, RangeOf(settings_.activation).min < 0);
      }
    }
  }

  bool KeptInt8(NodeId id) const {
    return IsCompute(id) &&
           settings_.keep_int8.contains(graph_.value(graph_.node(id).outputs[0]).name);
  }

  void FindSources(ActivationGroup* group) {
    group->needs_statistics = false;
    for (const ValueId v : group->values) {
      const NodeId producer = graph_.value(v).producer;
      const OpDef* const def = producer == kNoId ? nullptr : Def(producer);
      const bool is_integer = producer != kNoId && IsInteger(producer);
      if (is_integer && def != nullptr && NeedsEqualScales(*def)) continue;
      group->sources.push_back(v);
      if (def != nullptr && def->quant.fixed_range) {
        const QuantRole& q = def->quant;
        group->fixed_min =
            group->has_fixed_range ? std::min(group->fixed_min, q.fixed_min) : q.fixed_min;
        group->fixed_max =
            group->has_fixed_range ? std::max(group->fixed_max, q.fixed_max) : q.fixed_max;
        group->has_fixed_range = true;
      } else {
        group->needs_statistics = true;
      }
    }
  }

  void Weights() {
    for (const NodeId id : graph_.top().nodes) {
      if (!IsInteger(id) || !IsCompute(id)) continue;
      const int input = Def(id)->quant.weight_input;
      plan_.weights.push_back(
          {id, graph_.input(id, input), WeightAxis(graph_, id),
           KeptInt8(id) ? DType::kInt8 : IntegerOf(settings_.weight_bits, true)});
    }
  }

  double MacsShare() {
    double integer = 0;
    double all = 0;
    for (const NodeId id : graph_.top().nodes) {
      const double macs = static_cast<double>(NodeMacs(graph_, id));
      all += macs;
      if (IsInteger(id)) integer += macs;
    }
    return all > 0 ? integer / all : 1.0;
  }

  const Graph& graph_;
  const QuantSettings& settings_;
  size_t size_;
  std::vector<std::string> reasons_;
  std::vector<bool> fused_;
  std::vector<bool> kept_;
  std::vector<bool> reaches_compute_;
  QuantizationPlan plan_;
};

}  // namespace

QuantizationPlan PlanQuantization(const Graph& graph, const QuantSettings& settings) {
  return Planner(graph, settings).Run();
}

ValueId CanonicalValue(const Graph& graph, ValueId id) {
  while (id != kNoId) {
    const NodeId producer = graph.value(id).producer;
    if (producer == kNoId || !IsRequantize(graph, producer)) break;
    id = graph.input(producer, 0);
  }
  return id;
}

std::string EncodingName(const Graph& graph, ValueId canonical) {
  const Value& v = graph.value(canonical);
  if (v.type.quant != nullptr) {
    for (const NodeId user : graph.users(canonical)) {
      if (!IsRequantize(graph, user)) continue;
      const ValueId out = graph.node(user).outputs[0];
      if (graph.IsGraphOutput(out)) return graph.value(out).name;
    }
  }
  return v.name;
}

Result<TensorEncoding> WeightEncoding(const Graph& graph, const WeightUse& use, int weight_limit) {
  const Value& v = graph.value(use.weight);
  const int axis = use.axis;
  const std::vector<int64_t>& dims = v.constant.dims();
  TensorEncoding e;
  e.type.storage = use.storage;
  e.type.axis = axis;
  e.provenance.observer = "weight";
  if (v.constant.dtype() != DType::kFloat32) {
    return InternalError("weight '" + v.name + "' is not float32");
  }
  const float* const w = v.constant.data<float>();
  const int64_t channels = dims[static_cast<size_t>(axis)];
  int64_t inner = 1;
  for (size_t i = static_cast<size_t>(axis) + 1; i < dims.size(); ++i) inner *= dims[i];
  std::vector<float> bound(static_cast<size_t>(channels), 0.0f);
  for (int64_t i = 0; i < v.constant.size(); ++i) {
    if (!std::isfinite(w[i])) {
      return InvalidInput("weight '" + v.name + "' holds " +
                          (std::isnan(w[i]) ? "NaN" : "an infinity"));
    }
    float& b = bound[static_cast<size_t>(i / inner % channels)];
    b = std::max(b, std::abs(w[i]));
    e.provenance.range_min = std::min(e.provenance.range_min, w[i]);
    e.provenance.range_max = std::max(e.provenance.range_max, w[i]);
  }
  for (const float b : bound) {
    const auto largest = static_cast<float>(RangeOf(use.storage).max);
    const float reach =
        largest <= weight_limit ? b : b * largest / static_cast<float>(weight_limit);
    e.type.scale.push_back(ChooseAffineParams(-reach, reach, use.storage, true).scale);
  }
  e.type.zero_point.assign(bound.size(), 0);
  return e;
}

}  // namespace adze
