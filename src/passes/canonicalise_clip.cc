// canonicalise_clip: Min and Max with a scalar constant, Clip and Relu in a row become one clamp:
// Relu if it only has the lower bound 0, else Clip. y = min(max(x, lo), hi), for lo <= hi.
#include <algorithm>
#include <limits>

#include "passes/linear_util.h"

namespace adze {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A node as a clamp of one value; Min and Max included.
struct Clamp {
  ValueId x = kNoId;
  Bounds bounds = {-kInf, kInf};
};
std::optional<Clamp> AsClamp(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.outputs.empty() || graph.value(n.outputs[0]).type.dtype != DType::kFloat32) {
    return std::nullopt;
  }
  if (const auto bounds = ClampBounds(graph, id)) return Clamp{n.inputs[0], *bounds};
  const bool min = n.op.Is("Min");
  if ((!min && !n.op.Is("Max")) || n.inputs.size() != 2) return std::nullopt;
  const ValueId x = VariableOperand(graph, id);
  if (x == kNoId || !SameShape(graph, x, n.outputs[0])) return std::nullopt;
  const auto bound = UniformFloat(graph, n.inputs[x == n.inputs[0] ? 1 : 0]);
  if (!bound) return std::nullopt;
  return Clamp{x, min ? Bounds{-kInf, *bound} : Bounds{*bound, kInf}};
}

bool IsRelu(const Bounds& b) { return b.lo == 0 && b.hi >= std::numeric_limits<float>::max(); }

// Yes(the clamp before, or kNoId).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const auto clamp = AsClamp(graph, id);
  if (!clamp) return Match::NotApplicable();
  const Node& n = graph.node(id);
  if (clamp->bounds.lo > clamp->bounds.hi) return Match::No("its bounds are in the wrong order");
  const NodeId before = ProducerOf(graph, clamp->x, id);
  const auto inner = before == kNoId ? std::nullopt : AsClamp(graph, before);
  if (inner && inner->bounds.lo <= inner->bounds.hi) {
    if (auto needed = WhyNeeded(graph, clamp->x, context)) return Match::No(*std::move(needed));
    if (IsQuantized(graph, clamp->x)) return Match::No("the value between is quantized");
    return Match::Yes({before});
  }
  const bool canonical = n.op.Is("Relu") || (n.op.Is("Clip") && !IsRelu(clamp->bounds));
  return canonical ? Match::NotApplicable() : Match::Yes({kNoId});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  Clamp clamp = *AsClamp(graph, id);
  if (match.id(0) != kNoId) {
    // A clamp of a clamp has the bounds of the first, clamped by the second.
    const Clamp inner = *AsClamp(graph, match.id(0));
    const auto bound = [&](float v) {
      return std::min(std::max(v, clamp.bounds.lo), clamp.bounds.hi);
    };
    clamp = {inner.x, {bound(inner.bounds.lo), bound(inner.bounds.hi)}};
  }
  const Node& n = graph.node(id);
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  std::vector<ValueId> inputs = {clamp.x};
  const bool relu = IsRelu(clamp.bounds);
  if (!relu) {
    inputs.push_back(clamp.bounds.lo == -kInf
                         ? kNoId
                         : patch.AddConstant(y.name + "_min", Tensor::Scalar(clamp.bounds.lo)));
    if (clamp.bounds.hi != kInf) {
      inputs.push_back(patch.AddConstant(y.name + "_max", Tensor::Scalar(clamp.bounds.hi)));
    }
    if (inputs.back() == kNoId) inputs.pop_back();
  }
  const ValueId out = patch.AddNode(OpType::Intern("", relu ? "Relu" : "Clip"), n.name,
                                    std::move(inputs), {}, y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kCanonicaliseClipPass = {
    .name = "canonicalise_clip",
    .summary = "Min, Max, Clip and Relu become one Relu or Clip",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
