// fuse_nonlinear: Silu, HardSwish, Sigmoid, HardSigmoid or LeakyRelu, and a Mul by channel factors
// behind it, become part of the integer Conv, Gemm or MatMul before them, whose kernel rounds only
// the last result. (Relu and Clip are fuse_activation's: they are bounds of the codes.)
#include <algorithm>
#include <cmath>

#include "passes/fuse_util.h"

namespace adze {
namespace {

constexpr const char* kActivations[] = {"HardSigmoid", "HardSwish", "LeakyRelu", "Sigmoid", "Silu"};

bool IsActivation(const Node& n) {
  for (const char* name : kActivations) {
    if (n.op.name() == name && (n.op.domain().empty() || n.op.domain() == kAdzeDomain)) return true;
  }
  return false;
}

// The kernel keeps every number finite and normal.
std::optional<std::string> WhyNotFinite(const Graph& graph, NodeId id, NodeId activation) {
  const AttrMap& attrs = graph.node(activation).attrs;
  if (!std::isfinite(attrs.Float("alpha", 0)) || !std::isfinite(attrs.Float("beta", 0))) {
    return "alpha or beta is not finite";
  }
  if (!std::isnormal(graph.value(graph.node(id).outputs[0]).type.quant->scale[0])) {
    return "the scale of the result is not a normal number";
  }
  if (activation == id) return std::nullopt;
  const auto factors = graph.value(ChannelFactor(graph, id)).constant.values<float>();
  const bool finite =
      std::all_of(factors.begin(), factors.end(), [](float f) { return std::isfinite(f); });
  return finite ? std::nullopt : std::optional<std::string>("a factor is not finite");
}

// Yes(the multiply-accumulate node, the activation).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  NodeId activation = id;
  if (const ValueId factor = ChannelFactor(graph, id); factor != kNoId) {
    activation = ProducerOf(graph, n.inputs[n.inputs[0] == factor ? 1 : 0], id);
  }
  if (activation == kNoId || !IsActivation(graph.node(activation)) ||
      !IsQuantized(graph, n.outputs[0])) {
    return Match::NotApplicable();
  }
  const ValueId inner = graph.node(activation).inputs[0];
  const NodeId before = ProducerOf(graph, inner, activation);
  if (before == kNoId || !IsFusable(graph.node(before))) return Match::NotApplicable();
  const Node& b = graph.node(before);
  if (!Is8BitPerTensor(graph, n.outputs[0]) || !Is8BitPerTensor(graph, b.inputs[0]) ||
      !IsQuantized(graph, b.inputs[1])) {
    return Match::No("it does not run on 8-bit integers");
  }
  if (activation != id && b.op.name() != "Conv") {
    return Match::No("the factors are not those of its output channels");
  }
  if (auto reason = WhyNotFinite(graph, id, activation)) return Match::No(*std::move(reason));
  if (b.op.domain() == kAdzeDomain) return Match::No("it has an activation or residual already");
  if (auto reason = WhyNoKernel(graph, before)) return Match::No(*std::move(reason));
  for (const auto& [value, producer] :
       {std::pair{inner, before}, std::pair{graph.node(activation).outputs[0], activation}}) {
    if (value == n.outputs[0]) continue;
    if (IsQuantized(graph, value)) {
      return Match::No("value '" + graph.value(value).name + "' has its own quantization");
    }
    if (auto reason = WhyNotInner(graph, value, producer, n.outputs[0], true, context)) {
      return Match::No(*std::move(reason));
    }
  }
  return Match::Yes({before, activation});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& before = graph.node(match.id(0));
  const Node& activation = graph.node(match.id(1));
  const std::string name(activation.op.name());
  AttrMap attrs = before.attrs;
  attrs.Set("activation", name);
  if (name == "LeakyRelu") attrs.Set("act_alpha", activation.attrs.Float("alpha", 0.01f));
  if (name == "HardSigmoid") attrs.Set("act_alpha", activation.attrs.Float("alpha", 0.2f));
  if (name == "HardSigmoid") attrs.Set("act_beta", activation.attrs.Float("beta", 0.5f));
  std::vector<ValueId> inputs = before.inputs;
  if (match.id(1) != id) {
    inputs.resize(4, kNoId);
    inputs.push_back(ChannelFactor(graph, id));
  }
  const Value& y = graph.value(graph.node(id).outputs[0]);
  Patch patch(graph, id);
  const ValueId out = patch.AddNode(OpType::Intern(kAdzeDomain, before.op.name()), before.name,
                                    std::move(inputs), std::move(attrs), y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(graph.node(id).outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseNonlinearPass = {
    .name = "fuse_nonlinear",
    .summary = "Silu, HardSwish and the like become part of the integer Conv or Gemm before them",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
