#include "calib/fisher.h"

#include <algorithm>
#include <memory>

#include "calib/collect.h"
#include "lower/lower.h"
#include "passes/differentiate.h"
#include "passes/pass.h"
#include "runtime/executor.h"

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

// One executor, and where the gradients are in its plan.
struct Lane {
  ThreadPool pool{1};
  std::unique_ptr<Executor> executor;
};

double MeanSquare(const ConstTensorView& t) {
  double sum = 0;
  const int64_t n = t.size();
  const float* const v = t.as<float>();
  for (int64_t i = 0; i < n; ++i) sum += double{v[i]} * v[i];
  return n == 0 ? 0 : sum / static_cast<double>(n);
}

}  // namespace

Result<std::vector<double>> CollectFisher(const Graph& graph, const Dataset& dataset,
                                          const FisherOptions& options, ThreadPool* pool) {
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, options.split, options.samples, pool));
  Graph with_loss = graph;
  DifferentiateOptions differentiate;
  ADZE_ASSIGN(const ValueId loss, AppendLoss(with_loss));
  differentiate.of = {loss};
  differentiate.with_respect_to = options.values;
  differentiate.unit_seed = true;
  ADZE_ASSIGN(Graph gradients, Differentiate(with_loss, differentiate));
  ADZE_TRY(RunPipeline(gradients, "simplify"));
  LowerOptions lower;
  lower.isa = options.isa;
  lower.taps = gradients.top().outputs;
  lower.only_taps = true;
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(gradients, lower));

  // A few samples at a time, one a thread; sums are taken in the order of samples.
  const int64_t batches = reader.num_batches();
  const int threads = static_cast<int>(std::min<int64_t>(pool->num_threads(), batches));
  std::vector<Lane> lanes(static_cast<size_t>(threads));
  for (Lane& lane : lanes) lane.executor = std::make_unique<Executor>(lowered.plan, &lane.pool);
  ThreadPool workers(threads);
  std::vector<double> total(options.values.size(), 0);
  for (int64_t done = 0; done < batches; done += threads) {
    const size_t count = static_cast<size_t>(std::min<int64_t>(threads, batches - done));
    std::vector<SampleReader::Batch> window(count);
    std::vector<Status> statuses(count);
    std::vector<std::vector<double>> squares(count, std::vector<double>(total.size()));
    for (SampleReader::Batch& batch : window) ADZE_TRY(reader.Next(&batch));
    workers.ParallelFor(static_cast<int64_t>(count), [&](int64_t i, int worker) {
      const size_t k = static_cast<size_t>(i);
      Executor& executor = *lanes[static_cast<size_t>(worker)].executor;
      statuses[k] = executor.Run(window[k].inputs);
      for (size_t v = 0; statuses[k].ok() && v < total.size(); ++v) {
        squares[k][v] = MeanSquare(executor.RawValue(lowered.taps[v]));
      }
    });
    for (size_t k = 0; k < count; ++k) {
      if (!statuses[k].ok()) return statuses[k].WithContext("sample '" + window[k].id + "'");
      for (size_t v = 0; v < total.size(); ++v) total[v] += squares[k][v];
    }
  }
  for (double& v : total) v /= static_cast<double>(batches);
  return total;
}

}  // namespace adze
