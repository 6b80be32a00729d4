// fold_batch_norm: y = (x - mean) / sqrt(var + epsilon) * gamma + beta with constant parameters
// goes into the Conv, ConvTranspose or Gemm before it; alone it becomes Mul and Add, which
// fold_input_scale may fold forward.
#include <cmath>

#include "passes/linear_util.h"

namespace adze {
namespace {

// Per-channel factor and offset of a BatchNormalization with valid constant parameters.
bool ReadParameters(const Graph& graph, const Node& n, std::vector<double>* scale,
                    std::vector<double>* shift) {
  std::span<const float> p[4];
  for (int i = 0; i < 4; ++i) {
    const Tensor* const t = ConstantOrNull(graph, n.inputs[static_cast<size_t>(i) + 1]);
    if (t == nullptr || t->dtype() != DType::kFloat32) return false;
    p[i] = t->values<float>();
    if (p[i].size() != p[0].size()) return false;
  }
  const double epsilon = n.attrs.Float("epsilon", 1e-5f);
  for (size_t c = 0; c < p[0].size(); ++c) {
    const double factor = p[0][c] / std::sqrt(p[3][c] + epsilon);
    scale->push_back(factor);
    shift->push_back(p[1][c] - p[2][c] * factor);
  }
  return true;
}

// Yes(the node to fold into, or kNoId for Mul and Add).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("BatchNormalization")) return Match::NotApplicable();
  if (n.attrs.Int("training_mode", 0) != 0) return Match::No("it is in training mode");
  for (size_t i = 1; i < n.outputs.size(); ++i) {
    if (n.outputs[i] != kNoId) return Match::No("its statistics are outputs");
  }
  if (IsQuantized(graph, n.inputs[0]) || IsQuantized(graph, n.outputs[0])) {
    return Match::No("it is quantized");
  }
  std::vector<double> scale;
  std::vector<double> shift;
  if (!ReadParameters(graph, n, &scale, &shift)) {
    return Match::No("its parameters are not float32 constants");
  }
  const Shape* const shape = ShapeOrNull(graph, n.inputs[0]);
  if (shape == nullptr || shape->size() < 2) return Match::No("the shape is not known");
  const NodeId before = ProducerOf(graph, n.inputs[0], id);
  std::string reason;
  if (before != kNoId && !WhyNeeded(graph, n.inputs[0], context)) {
    const auto linear = AsLinear(graph, before, &reason);
    if (linear && linear->can_have_bias && linear->outputs == static_cast<int64_t>(scale.size()) &&
        graph.users(linear->weight).size() == 1) {
      return Match::Yes({before});
    }
  }
  return Match::Yes({kNoId});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  std::vector<double> scale;
  std::vector<double> shift;
  ADZE_CHECK(ReadParameters(graph, n, &scale, &shift));
  Patch patch(graph, id);
  const ValueId y = n.outputs[0];
  if (match.id(0) != kNoId) {
    std::string reason;
    const auto linear = AsLinear(graph, match.id(0), &reason);
    patch.Replace(y, AddRescaled(patch, graph, *linear, scale, shift, y));
    return patch;
  }
  std::vector<int64_t> dims(ShapeOrNull(graph, n.inputs[0])->size() - 1, 1);
  dims[0] = static_cast<int64_t>(scale.size());
  const std::vector<float> factors(scale.begin(), scale.end());
  const std::vector<float> offsets(shift.begin(), shift.end());
  const std::string& name = graph.value(y).name;
  const ValueId factor = patch.AddConstant(name + "_scale", FloatTensor(dims, factors));
  const ValueId offset = patch.AddConstant(name + "_shift", FloatTensor(dims, offsets));
  // Node names are unique in a file.
  const std::string mul_name = n.name.empty() ? "" : n.name + "_scale";
  const ValueId scaled = patch.AddNode(OpType::Intern("", "Mul"), mul_name, {n.inputs[0], factor},
                                       {}, name + "_scaled");
  patch.Replace(y, patch.AddNode(OpType::Intern("", "Add"), n.name, {scaled, offset}, {}, name));
  return patch;
}

}  // namespace

extern constexpr PassDef kFoldBatchNormPass = {
    .name = "fold_batch_norm",
    .summary = "Folds BatchNormalization into the weights before it, or into Mul and Add",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
