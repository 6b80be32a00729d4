// `auto`: chooses among the ranges that observers propose by what they do to the network's outputs.
#ifndef ADZE_CALIB_AUTO_SELECT_H_
#define ADZE_CALIB_AUTO_SELECT_H_

#include <string>
#include <vector>

#include "calib/collect.h"
#include "calib/quantize.h"
#include "quant/quantization_plan.h"

namespace adze {

// The candidates of one group: distinct quantizers, each with the first observer that proposed it.
struct Candidates {
  std::vector<AffineParams> params;
  std::vector<int> of_observer;  // per observer (AllObservers order): index into params
};

// Groups the proposals (one per observer): ranges whose ends differ by less than `tolerance` of the
// width count as one.
Candidates Shortlist(const std::vector<AffineParams>& proposals, const ObserverSpec& spec,
                     double tolerance);

// For each group, the index into its Candidates::params with the smallest output error when only
// that group's tensors are quantized (fake-quantized in the float network, on a few samples with
// the steps before the tensor not repeated). The number of runs is bounded: at most about
// `budget_runs` inferences of the whole network.
Result<std::vector<int>> MeasureCandidates(const Graph& graph, const QuantizationPlan& plan,
                                           const std::vector<Candidates>& candidates,
                                           const ObserverSpec& spec, const Dataset& dataset,
                                           const QuantizeSettings& settings, double budget_runs,
                                           ThreadPool* pool);

// SQNR in dB of the outputs of each quantized graph against the float graph, mean over outputs of
// error power over signal power, on `samples` samples.
Result<std::vector<double>> OutputSqnr(const Graph& graph,
                                       const std::vector<const Graph*>& quantized,
                                       const Dataset& dataset, const std::string& split,
                                       int64_t samples, Isa isa, ThreadPool* pool);

// Error power over signal power of `values` against `reference`, accumulated over samples and
// outputs.
struct OutputError {
  std::vector<double> error;  // per output
  std::vector<double> signal;
  void Collect(size_t output, std::span<const float> reference, std::span<const float> values);
  double Finish() const;  // mean over outputs of error / signal
};

}  // namespace adze

#endif  // ADZE_CALIB_AUTO_SELECT_H_
