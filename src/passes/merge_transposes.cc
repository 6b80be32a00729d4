// merge_transposes: two Transposes in a row become one, and a Transpose that only moves dimensions
// of size 1 becomes a Reshape.
#include "passes/pass_util.h"

namespace adze {
namespace {

// The permutation of a Transpose of rank `rank`; reversal is the default.
std::vector<int64_t> Permutation(const Node& n, size_t rank) {
  const std::span<const int64_t> perm = n.attrs.Ints("perm");
  if (!perm.empty()) return {perm.begin(), perm.end()};
  std::vector<int64_t> reversed;
  for (size_t i = rank; i-- > 0;) reversed.push_back(static_cast<int64_t>(i));
  return reversed;
}

bool MovesOnlyOnes(const Shape& from, const std::vector<int64_t>& perm) {
  int64_t last = -1;
  for (int64_t p : perm) {
    if (from[static_cast<size_t>(p)].IsConst(1)) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

// Yes(the Transpose before, or kNoId to make a Reshape).
Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Transpose")) return Match::NotApplicable();
  const Shape* const from = ShapeOrNull(graph, n.inputs[0]);
  const Shape* const to = ShapeOrNull(graph, n.outputs[0]);
  if (from == nullptr || to == nullptr) return Match::No("the shape is not known");
  const NodeId before = ProducerOf(graph, n.inputs[0], id, "Transpose");
  if (before != kNoId) {
    if (!SameQuant(graph, n.inputs[0], graph.node(before).inputs[0])) {
      return Match::No("the transposes are quantized differently");
    }
    return Match::Yes({before});
  }
  const std::vector<int64_t> perm = Permutation(n, from->size());
  bool identity = true;
  for (size_t i = 0; i < perm.size(); ++i)
    identity = identity && perm[i] == static_cast<int64_t>(i);
  if (identity || !MovesOnlyOnes(*from, perm)) return Match::NotApplicable();
  if (!ReshapeTarget(*from, *to)) return Match::No("a Reshape would need more symbolic dimensions");
  return Match::Yes({kNoId});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& out = graph.value(n.outputs[0]);
  const Shape& from = *ShapeOrNull(graph, n.inputs[0]);
  Patch patch(graph, id);
  ValueId merged;
  if (match.id(0) == kNoId) {
    const ValueId shape =
        patch.AddConstant(out.name + "_shape", Int64Tensor(*ReshapeTarget(from, *out.type.shape)));
    merged =
        patch.AddNode(OpType::Intern("", "Reshape"), n.name, {n.inputs[0], shape}, {}, out.name);
  } else {
    const Node& before = graph.node(match.id(0));
    const std::vector<int64_t> first = Permutation(before, from.size());
    std::vector<int64_t> perm;
    for (int64_t p : Permutation(n, from.size())) perm.push_back(first[static_cast<size_t>(p)]);
    AttrMap attrs;
    attrs.Set("perm", std::move(perm));
    merged = patch.AddNode(n.op, n.name, {before.inputs[0]}, std::move(attrs), out.name);
  }
  patch.SetQuant(merged, out.type.quant);
  patch.Replace(n.outputs[0], merged);
  return patch;
}

}  // namespace

extern constexpr PassDef kMergeTransposesPass = {
    .name = "merge_transposes",
    .summary = "Merges consecutive Transposes; one that only moves ones becomes a Reshape",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
