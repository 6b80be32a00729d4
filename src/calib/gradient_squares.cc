#include "calib/gradient_squares.h"

#include <algorithm>
#include <memory>

#include "calib/collect.h"
#include "lower/lower.h"
#include "passes/pass.h"
#include "runtime/executor.h"

namespace adze {
namespace {

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

Result<std::vector<double>> MeanGradientSquares(const Graph& network, Graph gradients,
                                                size_t values, const Seeds& seeds,
                                                const Dataset& dataset,
                                                const GradientSamples& options, ThreadPool* pool) {
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(network, dataset, options.split, options.samples, pool));
  ADZE_TRY(RunPipeline(gradients, "simplify"));
  LowerOptions lower;
  lower.isa = options.isa;
  const std::vector<ValueId>& outputs = gradients.top().outputs;
  lower.taps.assign(outputs.end() - static_cast<ptrdiff_t>(values), outputs.end());
  lower.only_taps = true;
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(gradients, lower));

  // A few samples at a time, one a thread; sums are taken in the order of samples.
  const int64_t batches = reader.num_batches();
  const int threads = static_cast<int>(std::min<int64_t>(pool->num_threads(), batches));
  std::vector<Lane> lanes(static_cast<size_t>(threads));
  for (Lane& lane : lanes) lane.executor = std::make_unique<Executor>(lowered.plan, &lane.pool);
  ThreadPool workers(threads);
  std::vector<double> total(values, 0);
  for (int64_t done = 0; done < batches; done += threads) {
    const size_t count = static_cast<size_t>(std::min<int64_t>(threads, batches - done));
    std::vector<SampleReader::Batch> window(count);
    std::vector<Status> statuses(count);
    std::vector<std::vector<double>> squares(count, std::vector<double>(total.size()));
    for (SampleReader::Batch& batch : window) ADZE_TRY(reader.Next(&batch));
    workers.ParallelFor(static_cast<int64_t>(count), [&](int64_t i, int worker) {
      const size_t k = static_cast<size_t>(i);
      Executor& executor = *lanes[static_cast<size_t>(worker)].executor;
      const std::vector<Tensor> extra = seeds ? seeds(done + i) : std::vector<Tensor>();
      std::vector<ConstTensorView> inputs = window[k].inputs;
      for (const Tensor& t : extra) inputs.push_back(t.view());
      statuses[k] = executor.Run(inputs);
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
