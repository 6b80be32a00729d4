// matmul_add_to_gemm: a MatMul of matrices with a constant weight followed by the addition of a
// bias becomes a Gemm.
#include "passes/linear_util.h"

namespace adze {
namespace {

// Yes(the MatMul, the bias).
Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Add")) return Match::NotApplicable();
  const ValueId product = VariableOperand(graph, id);
  const NodeId matmul = ProducerOf(graph, product, id, "MatMul");
  if (matmul == kNoId) return Match::NotApplicable();
  std::string reason;
  const auto linear = AsLinear(graph, matmul, &reason);
  if (!linear) return Match::No(std::move(reason));
  const Shape* const x = ShapeOrNull(graph, graph.node(matmul).inputs[0]);
  if (x == nullptr || x->size() != 2) return Match::No("the input is not a matrix");
  const auto bias = AsScaleShift(graph, id, LinearNode::kLastAxis, linear->outputs, &reason);
  if (!bias) return Match::No(std::move(reason));
  if (auto needed = WhyNeeded(graph, product, context)) return Match::No(*std::move(needed));
  return Match::Yes({matmul, n.inputs[product == n.inputs[0] ? 1 : 0]});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& matmul = graph.node(match.id(0));
  const ValueId y = graph.node(id).outputs[0];
  const Value& old = graph.value(match.id(1));
  const int64_t columns = graph.value(matmul.inputs[1]).constant.dims()[1];
  Patch patch(graph, id);
  ValueId bias = match.id(1);
  if (old.constant.rank() != 1 || old.constant.size() != columns) {
    std::vector<float> values(static_cast<size_t>(columns));
    const std::span<const float> given = old.constant.values<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = given[given.size() == 1 ? 0 : i];
    bias = patch.AddConstant(old.name, FloatTensor({columns}, values));
    SupersedeConstant(patch, graph, match.id(1), bias);
  }
  patch.Replace(y,
                patch.AddNode(OpType::Intern("", "Gemm"), matmul.name,
                              {matmul.inputs[0], matmul.inputs[1], bias}, {}, graph.value(y).name));
  return patch;
}

}  // namespace

extern constexpr PassDef kMatMulAddToGemmPass = {
    .name = "matmul_add_to_gemm",
    .summary = "MatMul of matrices and Add become Gemm",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
