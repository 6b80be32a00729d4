// fuse_activation: Conv, Gemm, MatMul or an 8-bit Add followed by Relu or Clip becomes one adze
// operator with act_min and act_max. With a value between that has its own quantizer this is exact
// only if the activation's output has the same one: then the clamp commutes with the rounding.
#include <cmath>

#include "passes/fuse_util.h"

namespace adze {
namespace {

// An addition of 8-bit values whose clamped sum is 8-bit too. Float additions have no clamp of
// their own.
bool IsIntegerAdd(const Graph& graph, NodeId add, ValueId clamped) {
  const Node& n = graph.node(add);
  return n.op.Is("Add") && Is8BitPerTensor(graph, clamped) && Is8BitPerTensor(graph, n.inputs[0]) &&
         Is8BitPerTensor(graph, n.inputs[1]);
}

// Yes(the multiply-accumulate node or addition).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Relu") && !n.op.Is("Clip")) return Match::NotApplicable();
  const ValueId inner = n.inputs[0];
  const NodeId before = ProducerOf(graph, inner, id);
  if (before == kNoId) return Match::NotApplicable();
  const bool add = IsIntegerAdd(graph, before, n.outputs[0]);
  if (!add && !IsFusable(graph.node(before))) return Match::NotApplicable();
  const auto bounds = ClampBounds(graph, id);
  if (!bounds) return Match::No("the bounds are not constant");
  if (!(bounds->lo <= bounds->hi)) return Match::No("the bounds are in the wrong order");
  if (HasActivation(graph.node(before))) return Match::No("it has an activation already");
  if (add && (graph.value(graph.node(before).inputs[0]).is_constant() ||
              graph.value(graph.node(before).inputs[1]).is_constant())) {
    return Match::No("an operand of the addition is constant");
  }
  if (!add) {
    if (auto reason = WhyNoKernel(graph, before)) return Match::No(*std::move(reason));
  }
  if (auto reason = WhyNotInner(graph, inner, before, n.outputs[0], false, context)) {
    return Match::No(*std::move(reason));
  }
  if (IsQuantized(graph, inner) && !SameQuant(graph, inner, n.outputs[0])) {
    return Match::No("value '" + graph.value(inner).name + "' has its own quantization");
  }
  return Match::Yes({before});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Node& before = graph.node(match.id(0));
  const Bounds bounds = *ClampBounds(graph, id);
  AttrMap attrs = before.attrs;
  if (std::isfinite(bounds.lo)) attrs.Set("act_min", bounds.lo);
  if (std::isfinite(bounds.hi)) attrs.Set("act_max", bounds.hi);
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId out = patch.AddNode(OpType::Intern(kAdzeDomain, before.op.name()), before.name,
                                    before.inputs, std::move(attrs), y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseActivationPass = {
    .name = "fuse_activation",
    .summary = "Relu and Clip become part of the Conv, Gemm, MatMul or 8-bit Add before them",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
