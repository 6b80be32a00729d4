#include "calib/fisher.h"

#include "calib/gradient_squares.h"
#include "passes/differentiate.h"

namespace adze {
namespace {

// Appends a node with one output and infers it.
Result<ValueId> Append(Graph& g, const char* op, std::vector<ValueId> inputs, AttrMap attrs = {}) {
  const NodeId node = g.AddNode(OpType::Intern("", op), "", std::move(inputs),
                                {g.UniqueName("fisher")}, std::move(attrs));
  ADZE_TRY(InferNode(g, node));
  return g.node(node).outputs[0];
}

// The sum over the batch of -log p(the network's own class). The class goes through integers, so
// that it counts as given.
Result<ValueId> AppendLoss(Graph& g) {
  ValueId scores = g.top().outputs[0];
  if (const Node* const last = g.producer(scores); last != nullptr && last->op.Is("Softmax")) {
    scores = last->inputs[0];
  }
  const TensorType type = g.value(scores).type;
  if (type.dtype != DType::kFloat32 || !type.shape || type.shape->size() != 2 ||
      !(*type.shape)[1].is_const()) {
    return Unsupported("output '" + g.value(scores).name +
                       "' is no float32 [batch, classes]: there is no class");
  }
  ADZE_ASSIGN(const ValueId best,
              Append(g, "ArgMax", {scores}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}}));
  const ValueId depth =
      g.AddConstant(g.UniqueName("fisher"), Tensor::Scalar((*type.shape)[1].value()));
  const ValueId marks =
      g.AddConstant(g.UniqueName("fisher"), Tensor::FromValues<float>({2}, {0, -1}));
  ADZE_ASSIGN(const ValueId chosen, Append(g, "OneHot", {best, depth, marks}));
  ADZE_ASSIGN(const ValueId logs, Append(g, "LogSoftmax", {scores}));
  ADZE_ASSIGN(const ValueId terms, Append(g, "Mul", {logs, chosen}));
  return Append(g, "ReduceSum", {terms}, {{"keepdims", int64_t{0}}});
}

}  // namespace

Result<std::vector<double>> CollectFisher(const Graph& graph, const Dataset& dataset,
                                          const FisherOptions& options, ThreadPool* pool) {
  Graph with_loss = graph;
  DifferentiateOptions differentiate;
  ADZE_ASSIGN(const ValueId loss, AppendLoss(with_loss));
  differentiate.of = {loss};
  differentiate.with_respect_to = options.values;
  differentiate.unit_seed = true;
  ADZE_ASSIGN(Graph gradients, Differentiate(with_loss, differentiate));
  return MeanGradientSquares(graph, std::move(gradients), options.values.size(), nullptr, dataset,
                             {options.split, options.samples, options.isa}, pool);
}

}  // namespace adze
