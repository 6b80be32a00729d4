#include "lower/lower.h"

#include <string>
#include <vector>

#include "lower/builder.h"
#include "lower/rules.h"
#include "passes/pass.h"

namespace adze {
namespace {

struct LowerRow {
  const char* domain;
  const char* name;
  LowerFn lower;
};

constexpr LowerRow kRows[] = {
#define ADZE_LOWER(domain, name, function) {domain, name, function},
#include "lower/lower_list.inc"
#undef ADZE_LOWER
};

// Contents follow from the input dims alone: such values become part of the plan instead of steps.
bool IsSymbolic(const Value& v) {
  return v.has_elements && !v.type.quant &&
         (v.type.dtype == DType::kInt64 || v.type.dtype == DType::kInt32);
}

// Nodes that something readable depends on, not looking behind symbolic values.
std::vector<bool> NeededNodes(const Graph& graph, std::span<const ValueId> wanted) {
  std::vector<bool> value_needed(static_cast<size_t>(graph.num_values()), false);
  std::vector<bool> needed(static_cast<size_t>(graph.num_nodes()), false);
  for (ValueId id : wanted) value_needed[static_cast<size_t>(id)] = true;
  const std::vector<NodeId>& nodes = graph.top().nodes;
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    const Node& n = graph.node(*it);
    for (ValueId out : n.outputs) {
      if (out != kNoId && value_needed[static_cast<size_t>(out)] && !IsSymbolic(graph.value(out))) {
        needed[static_cast<size_t>(*it)] = true;
      }
    }
    if (!needed[static_cast<size_t>(*it)]) continue;
    for (ValueId in : n.inputs) {
      if (in != kNoId) value_needed[static_cast<size_t>(in)] = true;
    }
  }
  return needed;
}

// Why a node cannot be lowered at all; empty if it can be tried.
std::string Refusal(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr) return DescribeNode(graph, id) + ": the operator is not supported";
  if (def->eval == nullptr) return DescribeNode(graph, id) + ": control flow is not supported";
  for (ValueId out : n.outputs) {
    if (out == kNoId) continue;
    const Value& v = graph.value(out);
    if (v.type.dtype == DType::kUndefined || !v.type.shape) {
      return DescribeNode(graph, id) + ": the shape of output '" + v.name +
             "' depends on data and cannot be planned";
    }
  }
  return "";
}

Status LowerNode(PlanBuilder& b, NodeId id) {
  if (const LowerFn rule = FindLowering(b.graph().node(id).op); rule != nullptr) {
    ADZE_ASSIGN(const bool done, rule(b, id));
    if (done) return OkStatus();
  }
  return LowerGeneric(b, id);
}

}  // namespace

LowerFn FindLowering(OpType op) {
  for (const LowerRow& row : kRows) {
    if (op.Is(row.domain, row.name)) return row.lower;
  }
  return nullptr;
}

Result<LoweredPlan> Lower(const Graph& original, const LowerOptions& options) {
  Graph graph = original;
  PassOptions pass_options;
  pass_options.preserved = options.taps;
  ADZE_ASSIGN(const PassReport report, RunPipeline(graph, "fuse", pass_options));
  const std::vector<ValueId>& taps = report.preserved;

  std::vector<ValueId> wanted;
  if (!options.only_taps) wanted = graph.top().outputs;
  wanted.insert(wanted.end(), taps.begin(), taps.end());
  const std::vector<bool> needed = NeededNodes(graph, wanted);
  std::string refusals;
  for (NodeId id : graph.top().nodes) {
    if (!needed[static_cast<size_t>(id)]) continue;
    const std::string reason = Refusal(graph, id);
    if (!reason.empty()) refusals += (refusals.empty() ? "" : "; ") + reason;
  }
  if (!refusals.empty()) return Unsupported(refusals);

  PlanBuilder b(graph, options.isa);
  for (ValueId id : graph.top().inputs) {
    const Value& v = graph.value(id);
    if (!v.type.shape || v.type.dtype == DType::kUndefined) {
      return Unsupported("input '" + v.name + "' has no shape");
    }
    if (v.type.quant) {
      // The caller gives real numbers; they are quantized on the way in.
      const int32_t input = b.NewTemporary(v.type.dtype, *v.type.shape, Layout::kLogical);
      b.plan_value(input).kind = PlanValueKind::kInput;
      b.plan_value(input).name = v.name;
      b.plan().inputs.push_back(input);
      b.FinishFloat(id, input);
    } else {
      const int32_t input = b.Define(id, Layout::kLogical);
      b.plan_value(input).kind = PlanValueKind::kInput;
      b.plan().inputs.push_back(input);
    }
  }
  for (NodeId id : graph.top().nodes) {
    if (!needed[static_cast<size_t>(id)]) continue;
    if (Status s = LowerNode(b, id); !s.ok()) return s.WithContext(DescribeNode(graph, id));
  }
  LoweredPlan result;
  for (ValueId id : taps) {
    const int32_t value = b.Native(id);
    b.plan_value(value).keep = true;
    result.taps.push_back(value);
  }
  for (ValueId id : graph.top().outputs) {
    if (options.only_taps) break;
    const int32_t value = b.AsLogical(id);
    b.plan_value(value).keep = true;
    if (b.plan_value(value).name.empty()) b.plan_value(value).name = graph.value(id).name;
    b.plan().outputs.push_back(value);
  }
  result.plan = std::make_shared<const Plan>(std::move(b.plan()));
  return result;
}

}  // namespace adze
