// fold_mul_add: Mul, Div, Add and Sub by one constant per output channel, right after a Conv,
// ConvTranspose, Gemm or MatMul, go into its weight and bias.
#include "passes/linear_util.h"

namespace adze {
namespace {

// The operator before `id` and what `id` does to its output; nullopt with a reason if that is close
// to the pattern.
std::optional<LinearNode> Find(const Graph& graph, NodeId id, ScaleShift* scale_shift,
                               std::string* reason) {
  const ValueId x = VariableOperand(graph, id);
  const NodeId before = ProducerOf(graph, x, id);
  if (before == kNoId) return std::nullopt;
  std::optional<LinearNode> linear = AsLinear(graph, before, reason);
  if (!linear) return std::nullopt;
  const auto found = AsScaleShift(graph, id, linear->channel_axis, linear->outputs, reason);
  if (!found) return std::nullopt;
  *scale_shift = *found;
  return linear;
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Mul") && !n.op.Is("Div") && !n.op.Is("Add") && !n.op.Is("Sub")) {
    return Match::NotApplicable();
  }
  std::string reason;
  ScaleShift scale_shift;
  const auto linear = Find(graph, id, &scale_shift, &reason);
  if (!linear) return reason.empty() ? Match::NotApplicable() : Match::No(std::move(reason));
  if (auto needed = WhyNeeded(graph, scale_shift.x, context)) return Match::No(*std::move(needed));
  if (scale_shift.shifts() && !linear->can_have_bias) return Match::No("a MatMul has no bias");
  if (scale_shift.scales() && graph.users(linear->weight).size() > 1) {
    return Match::No("the weight has other users");
  }
  return Match::Yes();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  std::string reason;
  ScaleShift scale_shift;
  const auto linear = Find(graph, id, &scale_shift, &reason);
  const ValueId y = graph.node(id).outputs[0];
  Patch patch(graph, id);
  patch.Replace(y, AddRescaled(patch, graph, *linear, scale_shift.scale, scale_shift.shift, y));
  return patch;
}

}  // namespace

extern constexpr PassDef kFoldMulAddPass = {
    .name = "fold_mul_add",
    .summary = "Folds per-channel Mul, Div, Add and Sub into the weights before them",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
