// fuse_residual_add: Conv followed by the addition of a tensor of the same shape becomes adze.Conv
// with a residual. With integers the value between keeps its quantizer in inter_scale and
// inter_zero_point (of its codes seen as uint8), and the kernel re-rounds to it in registers, so no
// bit changes.
#include "passes/fuse_util.h"

namespace adze {
namespace {

// Why operand `inner` of Add `id`, the output of a Conv, cannot be fused with the other operand as
// residual.
std::optional<std::string> WhyNot(const Graph& graph, NodeId id, ValueId inner, ValueId residual,
                                  const PassContext& context) {
  const ValueId y = graph.node(id).outputs[0];
  const NodeId conv = graph.value(inner).producer;
  if (graph.input(conv, 3) != kNoId) return "the Conv has a residual already";
  if (HasActivation(graph.node(conv))) return "the activation comes before the addition";
  if (inner == residual) return "both operands are the Conv's output";
  if (!SameShape(graph, inner, residual) || !SameShape(graph, inner, y)) {
    return "the operands differ in shape";
  }
  if (graph.value(residual).is_constant()) return "the other operand is a constant";
  if (auto reason = WhyNoKernel(graph, conv)) return reason;
  if (auto reason = WhyNeeded(graph, inner, context)) return reason;
  const bool any =
      IsQuantized(graph, inner) || IsQuantized(graph, residual) || IsQuantized(graph, y);
  if (any && !(Is8BitPerTensor(graph, inner) && Is8BitPerTensor(graph, residual) &&
               Is8BitPerTensor(graph, y))) {
    return "operands and sum are not all 8-bit integers";
  }
  if (any && IsNarrow(graph.value(inner).type.quant->storage)) {
    return "the value between has fewer than 8 bits";
  }
  return std::nullopt;
}

// Yes(the value between, the residual).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!(n.op.Is("Add") || n.op.Is(kAdzeDomain, "Add")) || n.inputs.size() != 2) {
    return Match::NotApplicable();
  }
  std::string reason;
  for (size_t i = 0; i < 2; ++i) {
    const NodeId conv = ProducerOf(graph, n.inputs[i], id);
    if (conv == kNoId || !IsFusable(graph.node(conv)) || graph.node(conv).op.name() != "Conv") {
      continue;
    }
    const auto why = WhyNot(graph, id, n.inputs[i], n.inputs[1 - i], context);
    if (!why) return Match::Yes({n.inputs[i], n.inputs[1 - i]});
    if (reason.empty()) reason = *why;
  }
  return reason.empty() ? Match::NotApplicable() : Match::No(std::move(reason));
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Value& inner = graph.value(match.id(0));
  const Node& conv = graph.node(inner.producer);
  std::vector<ValueId> inputs = conv.inputs;
  inputs.resize(4, kNoId);
  inputs[3] = match.id(1);
  AttrMap attrs = conv.attrs;
  if (inner.type.quant) {
    const QuantType& q = *inner.type.quant;
    attrs.Set("inter_scale", q.scale[0]);
    const int64_t shift = q.storage == DType::kInt8 ? 128 : 0;
    attrs.Set("inter_zero_point", int64_t{q.zero_point[0]} + shift);
  }
  const Node& n = graph.node(id);
  for (const auto& [name, value] : n.attrs) attrs.Set(name, value);  // the bounds of adze.Add
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId out = patch.AddNode(OpType::Intern(kAdzeDomain, "Conv"), conv.name,
                                    std::move(inputs), std::move(attrs), y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseResidualAddPass = {
    .name = "fuse_residual_add",
    .summary = "An addition becomes part of the Conv before it",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
