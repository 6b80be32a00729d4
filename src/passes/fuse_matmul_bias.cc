// fuse_matmul_bias: MatMul with a constant matrix, of any rank, followed by the addition of a bias
// per column becomes adze.MatMul. (Matrices became Gemm in matmul_add_to_gemm.)
#include "passes/fuse_util.h"
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
  const ValueId bias = n.inputs[product == n.inputs[0] ? 1 : 0];
  const Value& b = graph.value(bias);
  if (!AsScaleShift(graph, id, LinearNode::kLastAxis, linear->outputs, &reason)) {
    return Match::No(std::move(reason));
  }
  if (b.constant.rank() != 1 || b.constant.size() != linear->outputs) {
    return Match::No("the bias is not a vector with one number per column");
  }
  if (auto needed = WhyNeeded(graph, product, context)) return Match::No(*std::move(needed));
  return Match::Yes({matmul, bias});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& matmul = graph.node(match.id(0));
  const ValueId y = graph.node(id).outputs[0];
  Patch patch(graph, id);
  patch.Replace(
      y, patch.AddNode(OpType::Intern(kAdzeDomain, "MatMul"), matmul.name,
                       {matmul.inputs[0], matmul.inputs[1], match.id(1)}, {}, graph.value(y).name));
  return patch;
}

}  // namespace

extern constexpr PassDef kFuseMatMulBiasPass = {
    .name = "fuse_matmul_bias",
    .summary = "A bias becomes part of the MatMul before it",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
