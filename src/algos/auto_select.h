// `auto`: chooses among the ranges that observers propose by what they do to the network's outputs.
#ifndef ADZE_ALGOS_AUTO_SELECT_H_
#define ADZE_ALGOS_AUTO_SELECT_H_

#include <limits>
#include <string>
#include <vector>

#include "algos/quantize.h"
#include "calib/collect.h"
#include "quant/quantization_plan.h"

namespace adze {

// The candidates of one group: distinct quantizers, each with the first observer that proposed it.
struct Candidates {
  std::vector<AffineParams> params;
  std::vector<int> of_observer;  // per observer (AllObservers order): index into params
};

// Groups the proposals (one per observer): ranges whose ends differ by less than `tolerance` of the
// width count as one.
Candidates Shortlist(const std::vector<AffineParams>& proposals, DType storage, double tolerance);

// Output error (OutputError::Finish) of the network quantized with every group's first candidate
// (the base), and with one group at a time changed to another of its candidates.
struct CandidateErrors {
  double base = 0;
  std::vector<std::vector<double>> of;  // [group][candidate]
};

// Measures them by fake quantization of `simulated` (the float network with rounded weights)
// against `graph`, on a few samples, with the steps before the tensor not repeated. The work is
// about that of `budget_runs` inferences of the whole network; where that does not reach, the
// groups furthest from the outputs are not measured: all their candidates count as the base.
Result<CandidateErrors> MeasureCandidates(const Graph& graph, Graph simulated,
                                          const QuantizationPlan& plan,
                                          const std::vector<Candidates>& candidates,
                                          const Dataset& dataset, const QuantizeSettings& settings,
                                          double budget_runs, ThreadPool* pool);

// Makes a network that ends in Softmax end before it. Errors of probabilities are those of a few
// samples with close decisions; errors of logits tell networks apart on a few dozen. Only where the
// logits are not rounded.
void EndAtLogits(Graph* graph);

// The weights of `plan` rounded to their encodings, as float32.
void RoundWeights(Graph* graph, const QuantizationPlan& plan, const Encodings& weights);

// SQNR in dB of the outputs of each quantized graph against the float graph, mean over outputs of
// error power over signal power, on `samples` samples. A graph that is twice `drop_db` behind the
// best after kRaceBatches batches, or `drop_db` after four times as many, is not run any further:
// its figure is that of those, or `drop_db` behind the best if that is less. The float outputs are
// kept in `references` for the next call with the same graph and samples, unless they are large.
inline constexpr int64_t kRaceBatches = 8;
using ReferenceOutputs = std::vector<std::vector<Tensor>>;  // per batch and output
Result<std::vector<double>> OutputSqnr(const Graph& graph,
                                       const std::vector<const Graph*>& quantized,
                                       const Dataset& dataset, const std::string& split,
                                       int64_t samples, Isa isa, ThreadPool* pool,
                                       double drop_db = std::numeric_limits<double>::infinity(),
                                       ReferenceOutputs* references = nullptr);

// Error power over signal power of `values` against `reference`, accumulated over samples and
// outputs.
struct OutputError {
  std::vector<double> error;  // per output
  std::vector<double> signal;
  void Collect(size_t output, std::span<const float> reference, std::span<const float> values);
  double Finish() const;  // mean over outputs of error / signal
};

}  // namespace adze

#endif  // ADZE_ALGOS_AUTO_SELECT_H_
