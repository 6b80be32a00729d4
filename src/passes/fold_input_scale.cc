// fold_input_scale: Mul, Div, Add and Sub by one constant per input channel, right before a Conv,
// Gemm or MatMul, go into its weight and bias. An offset in front of a padded convolution stays:
// padding inserts zeros behind it.
#include <algorithm>

#include "passes/linear_util.h"

namespace adze {
namespace {

bool IsPadded(const Node& n) {
  const std::string_view auto_pad = n.attrs.String("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") return true;
  const std::span<const int64_t> pads = n.attrs.Ints("pads");
  return std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p != 0; });
}

std::optional<LinearNode> Find(const Graph& graph, NodeId id, ScaleShift* scale_shift,
                               std::string* reason) {
  const NodeId before = ProducerOf(graph, graph.node(id).inputs[0], id);
  if (before == kNoId || VariableOperand(graph, before) == kNoId) return std::nullopt;
  std::string why;
  std::optional<LinearNode> linear = AsLinear(graph, id, &why);
  if (!linear) {
    const Node& m = graph.node(before);
    if (m.op.Is("Mul") || m.op.Is("Div") || m.op.Is("Add") || m.op.Is("Sub")) *reason = why;
    return std::nullopt;
  }
  const auto found = AsScaleShift(graph, before, linear->channel_axis, linear->inputs, reason);
  if (!found) return std::nullopt;
  *scale_shift = *found;
  return linear;
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Conv") && !n.op.Is("Gemm") && !n.op.Is("MatMul")) return Match::NotApplicable();
  std::string reason;
  ScaleShift scale_shift;
  const auto linear = Find(graph, id, &scale_shift, &reason);
  if (!linear) return reason.empty() ? Match::NotApplicable() : Match::No(std::move(reason));
  if (auto needed = WhyNeeded(graph, n.inputs[0], context)) return Match::No(*std::move(needed));
  if (graph.users(linear->weight).size() > 1) return Match::No("the weight has other users");
  if (scale_shift.shifts()) {
    if (!linear->can_have_bias) return Match::No("a MatMul has no bias");
    if (n.op.Is("Conv") && IsPadded(n)) return Match::No("the offset does not reach the padding");
  }
  return Match::Yes();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  std::string reason;
  ScaleShift ss;
  const auto linear = Find(graph, id, &ss, &reason);
  const std::span<const float> old = graph.value(linear->weight).constant.values<float>();
  const double alpha = graph.node(id).attrs.Float("alpha", 1);  // of a Gemm
  std::vector<float> weight(old.size());
  std::vector<double> bias = BiasOf(graph, *linear);
  for (size_t i = 0; i < old.size(); ++i) {
    const auto in = static_cast<size_t>(linear->input_of[i]);
    weight[i] = static_cast<float>(old[i] * ss.scale[in]);
    bias[static_cast<size_t>(linear->output_of[i])] += alpha * old[i] * ss.shift[in];
  }
  Patch patch(graph, id);
  const ValueId y = graph.node(id).outputs[0];
  patch.Replace(y, AddLinear(patch, graph, *linear, ss.x, weight, bias, y));
  return patch;
}

}  // namespace

extern constexpr PassDef kFoldInputScalePass = {
    .name = "fold_input_scale",
    .summary = "Folds per-channel Mul, Div, Add and Sub into the weights behind them",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
