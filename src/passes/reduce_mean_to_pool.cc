// reduce_mean_to_pool: a ReduceMean over height and width of an image (rank 4) becomes a
// GlobalAveragePool, for which there are integer kernels and consumers' operators; with keepdims =
// 0 a Reshape drops the dimensions behind it. Exporters write global pooling both ways.
// (Of an image whose symbolic height or width turns out to be 0 the pool gives 0, the mean NaN.)
#include <algorithm>

#include "passes/pass_util.h"

namespace adze {
namespace {

// Whether `axes` are the dimensions 2, 3 ... rank - 1, each once.
bool AreSpatial(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<bool> seen(rank, false);
  for (int64_t axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    if (axis < 2 || axis >= static_cast<int64_t>(rank)) return false;
    if (seen[static_cast<size_t>(axis)]) return false;
    seen[static_cast<size_t>(axis)] = true;
  }
  return axes.size() + 2 == rank;
}

// The shape of the Reshape that drops the pooled dimensions; nullopt when neither 0 nor -1 can
// express it.
std::optional<std::vector<int64_t>> Flat(const Shape& x) {
  Shape pooled = x;
  std::fill(pooled.begin() + 2, pooled.end(), Dim(1));
  return ReshapeTarget(pooled, Shape(x.begin(), x.begin() + 2));
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  if (!n.op.Is("ReduceMean")) return Match::NotApplicable();
  if (graph.value(n.inputs[0]).type.dtype != DType::kFloat32) return Match::No("it is not float32");
  const Shape* const x = ShapeOrNull(graph, n.inputs[0]);
  if (x == nullptr) return Match::No("the shape is not known");
  if (x->size() != 4) return Match::No("the input has no batch, channels, height and width");
  const ValueId axes_id = graph.input(id, 1);
  if (axes_id == kNoId) return Match::No("it does not reduce height and width alone");
  const auto axes = Integers(graph, axes_id);
  if (!axes) return Match::No("the axes are not constant");
  if (!AreSpatial(*axes, x->size())) return Match::No("it does not reduce height and width alone");
  if (std::any_of(x->begin() + 2, x->end(), [](const Dim& d) { return d.IsConst(0); })) {
    return Match::No("there is nothing to average");
  }
  if (n.attrs.Int("keepdims", 1) == 0 && !Flat(*x)) {
    return Match::No("no Reshape expresses the shape without the dimensions");
  }
  return Match::Yes();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& y = graph.value(n.outputs[0]);
  const bool keep = n.attrs.Int("keepdims", 1) != 0;
  Patch patch(graph, id);
  ValueId out = patch.AddNode(OpType::Intern("", "GlobalAveragePool"), n.name, {n.inputs[0]}, {},
                              keep ? y.name : y.name + "_pooled");
  patch.SetQuant(out, y.type.quant);
  if (!keep) {
    const auto target = Flat(*ShapeOrNull(graph, n.inputs[0]));
    const ValueId shape = patch.AddConstant(y.name + "_shape", Int64Tensor(*target));
    const std::string name = n.name.empty() ? "" : n.name + "_reshape";
    out = patch.AddNode(OpType::Intern("", "Reshape"), name, {out, shape}, {}, y.name);
    patch.SetQuant(out, y.type.quant);
  }
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kReduceMeanToPoolPass = {
    .name = "reduce_mean_to_pool",
    .summary = "A mean over height and width becomes GlobalAveragePool",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
