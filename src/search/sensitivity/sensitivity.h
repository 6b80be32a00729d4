// How much each layer matters: each alone quantized, and each alone left in float, by the error of
// the outputs and by what the task counts. Only what a change reaches runs again.
#ifndef ADZE_SEARCH_SENSITIVITY_SENSITIVITY_H_
#define ADZE_SEARCH_SENSITIVITY_SENSITIVITY_H_

#include <string>
#include <vector>

#include "algos/quantize.h"
#include "base/progress.h"
#include "data/dataset.h"

namespace adze {

struct SensitivityOptions {
  QuantizeSettings quantize;  // how layers are quantized; its split calibrates
  std::string split;          // that judges
  int64_t samples = 64;       // of it at most, spread evenly
  Isa isa = Isa::kGeneric;
  ProgressSink* progress = nullptr;
};

// Of one network beside the float network.
struct OutputEffect {
  double sqnr_db = 0;    // mean over outputs of error over signal, before a last Softmax
  double flip_rate = 0;  // of the judged output; NaN where it is no row of scores
  double mean_kl = 0;    // nats; NaN likewise
  double drop = 0;       // of the metric, in its unit; NaN where data have no labels
};

struct LayerSensitivity {
  std::string name;    // of the node, or of its result
  std::string result;  // as --keep-float takes it
  std::string op;
  int64_t macs = 0;
  int64_t parameters = 0;  // of its weight
  OutputEffect quantized;  // its weight, bias and input alone are quantized
  OutputEffect kept;       // it alone is in float
  double gain_db = 0;      // of the fully quantized network by keeping it in float
};

struct Sensitivity {
  std::vector<LayerSensitivity> layers;  // in order of execution
  OutputEffect all;                      // every layer quantized
  std::string metric;                    // of `drop`; empty: none
  int64_t samples = 0;
  // Spearman's rank correlations over layers: noise of a layer alone beside the gain of keeping it
  // in float, and beside its flips (NaN without decisions).
  double agreement_kept = 0;
  double agreement_flips = 0;
  double seconds = 0;         // of measuring, without quantizing
  double share_repeated = 0;  // multiply-accumulates that ran over those of whole networks
};

// `graph`: lifted, simplified, with gates joined, float. Weights and biases are those of the fully
// quantized network. Refuses networks of which nothing can be quantized. Deterministic.
Result<Sensitivity> MeasureSensitivity(const Graph& graph, const Dataset& dataset,
                                       const SensitivityOptions& options, ThreadPool* pool);

// Spearman's rank correlation, ranks of ties averaged; NaN for fewer than two or equal numbers.
double RankCorrelation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace adze

#endif  // ADZE_SEARCH_SENSITIVITY_SENSITIVITY_H_
