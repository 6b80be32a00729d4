// fuse_hard_swish: HardSwish(x) = x * clip(x + 3, 0, 6) / 6 = x * HardSigmoid(x; 1/6, 1/2), spelled
// out in any of the usual ways, becomes one operator.
#include <cmath>

#include "passes/fuse_util.h"

namespace adze {
namespace {

struct Found {
  ValueId x = kNoId;
  std::vector<ValueId> inner;  // values that disappear
};

bool Near(float a, float b) { return std::abs(a - b) <= 1e-6f * std::abs(b); }

// The input of a division by 6 (or multiplication by 1/6), or kNoId.
ValueId DividedBySix(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.inputs.size() != 2) return kNoId;
  const auto is = [&](size_t i, float wanted) {
    const auto v = UniformFloat(graph, n.inputs[i]);
    return v && Near(*v, wanted);
  };
  if (n.op.Is("Div")) return is(1, 6) ? n.inputs[0] : kNoId;
  if (!n.op.Is("Mul")) return kNoId;
  return is(1, 1.0f / 6) ? n.inputs[0] : is(0, 1.0f / 6) ? n.inputs[1] : kNoId;
}

// x if `id` is clip(x + 3, 0, 6), else kNoId. Appends the values inside.
ValueId ClippedPlusThree(const Graph& graph, ValueId id, NodeId user, std::vector<ValueId>* inner) {
  const NodeId clip = ProducerOf(graph, id, user, "Clip");
  if (clip == kNoId) return kNoId;
  const auto bounds = ClampBounds(graph, clip);
  if (!bounds || bounds->lo != 0 || bounds->hi != 6) return kNoId;
  const ValueId sum = graph.node(clip).inputs[0];
  const NodeId add = ProducerOf(graph, sum, user, "Add");
  if (add == kNoId) return kNoId;
  inner->insert(inner->end(), {id, sum});
  for (size_t i = 0; i < 2; ++i) {
    if (UniformFloat(graph, graph.node(add).inputs[1 - i]) == 3.0f)
      return graph.node(add).inputs[i];
  }
  return kNoId;
}

std::optional<Found> Find(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (const NodeId gate = SelfGate(graph, id, "HardSigmoid"); gate != kNoId) {
    const AttrMap& attrs = graph.node(gate).attrs;
    if (!Near(attrs.Float("alpha", 0.2f), 1.0f / 6) || attrs.Float("beta", 0.5f) != 0.5f) {
      return std::nullopt;
    }
    return Found{graph.node(gate).inputs[0], {graph.node(gate).outputs[0]}};
  }
  // (x * clip) / 6
  if (const ValueId product = DividedBySix(graph, id); product != kNoId) {
    const NodeId mul = ProducerOf(graph, product, id, "Mul");
    if (mul == kNoId || graph.node(mul).inputs.size() != 2) return std::nullopt;
    for (size_t i = 0; i < 2; ++i) {
      Found found{kNoId, {product}};
      found.x = ClippedPlusThree(graph, graph.node(mul).inputs[i], id, &found.inner);
      if (found.x != kNoId && found.x == graph.node(mul).inputs[1 - i]) return found;
    }
    return std::nullopt;
  }
  // x * (clip / 6)
  if (!n.op.Is("Mul") || n.inputs.size() != 2) return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const NodeId div = ProducerOf(graph, n.inputs[i], id);
    const ValueId clip = div == kNoId ? kNoId : DividedBySix(graph, div);
    if (clip == kNoId) continue;
    Found found{kNoId, {n.inputs[i]}};
    found.x = ClippedPlusThree(graph, clip, id, &found.inner);
    if (found.x != kNoId && found.x == n.inputs[1 - i]) return found;
  }
  return std::nullopt;
}

// Yes(x).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const auto found = Find(graph, id);
  if (!found) return Match::NotApplicable();
  for (ValueId inner : found->inner) {
    if (auto reason = WhyNotInner(graph, inner, graph.value(inner).producer,
                                  graph.node(id).outputs[0], true, context)) {
      return Match::No(*std::move(reason));
    }
    if (IsQuantized(graph, inner)) {
      return Match::No("value '" + graph.value(inner).name + "' has its own quantization");
    }
  }
  return Match::Yes({found->x});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId out =
      patch.AddNode(OpType::Intern("", "HardSwish"), n.name, {match.id(0)}, {}, y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseHardSwishPass = {
    .name = "fuse_hard_swish",
    .summary = "The parts of HardSwish become one operator",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
