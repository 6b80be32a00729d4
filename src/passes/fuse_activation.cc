// fuse_activation: Conv, Gemm or MatMul followed by Relu or Clip becomes one adze operator with act_min and act_max.
// With a value between that has its own quantizer this is exact only if the activation's output has the same one: then
// the clamp commutes with the rounding.
#include <cmath>

#include "passes/fuse_util.h"

namespace adze {
namespace {

// Yes(the multiply-accumulate node).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Relu") && !n.op.Is("Clip")) return Match::NotApplicable();
  const ValueId inner = n.inputs[0];
  const NodeId before = ProducerOf(graph, inner, id);
  if (before == kNoId || !IsFusable(graph.node(before))) return Match::NotApplicable();
  const auto bounds = ClampBounds(graph, id);
  if (!bounds) return Match::No("the bounds are not constant");
  if (!(bounds->lo <= bounds->hi)) return Match::No("the bounds are in the wrong order");
  const AttrMap& attrs = graph.node(before).attrs;
  if (attrs.Has("act_min") || attrs.Has("act_max")) return Match::No("it has an activation already");
  if (auto reason = WhyNoKernel(graph, before)) return Match::No(*std::move(reason));
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
    .summary = "Relu and Clip become part of the Conv, Gemm or MatMul before them",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
