// Post-training quantization, end to end: graph and data in, encodings and quantized graph out.
#ifndef ADZE_ALGOS_QUANTIZE_H_
#define ADZE_ALGOS_QUANTIZE_H_

#include <optional>
#include <string>
#include <vector>

#include "calib/collect.h"
#include "calib/observers/observer.h"
#include "formats/encodings/encodings.h"
#include "quant/quantization_plan.h"

namespace adze {

struct QuantizeSettings {
  QuantSettings quant;
  std::string observer = "auto";  // "auto" or a name of AllObservers()
  double percentile = 99.99;
  bool equalization = true;     // channels before depthwise convolutions (equalize.h)
  bool bias_correction = true;  // take back the mean error that rounding makes (bias_correction.h)
  bool adaptive_rounding = true;  // of weights, by their effect on the layer's output
                                  // (adaptive_rounding.h)
  std::string split = "all";
  int64_t samples = 256;
  int64_t auto_samples =
      16;  // subset on which `auto` measures output error: spread evenly over the samples
  Isa isa = Isa::kGeneric;
  Progress progress;
  const Statistics* statistics = nullptr;  // collected earlier: then data is read for `auto` only
};

// What was chosen for one group of activation tensors.
struct TensorChoice {
  std::string tensor;    // EncodingName of the group's first value
  std::string observer;  // "mse" …, "fixed"
  RealRange range;
  int candidates = 0;  // how many distinct ranges `auto` measured; 0 or 1: nothing to choose
};

// Whole-network output SQNR of the integer plan on auto's subset.
struct ObserverScore {
  std::string observer;  // "auto" included
  double sqnr_db = 0;
};

struct QuantizeResult {
  Encodings encodings;
  Graph graph;  // quantized
  Statistics statistics;
  std::vector<TensorChoice> choices;
  std::vector<ObserverScore> scores;  // filled by `auto`
  ApplyReport report;
  // The float network that the encodings belong to: equalized and with corrected biases.
  Graph adjusted;
  // The same before weights were rounded and biases corrected: equal to the given network but for
  // float rounding.
  Graph equalized_graph;
  int64_t equalized = 0;         // tensors whose channels were equalized
  int64_t rounded = 0;           // layers whose weights were rounded adaptively
  int64_t corrected_biases = 0;  // nodes whose bias was corrected
  double collect_s = 0;          // reading data and float inference with statistics
  double auto_s = 0;
  double apply_s = 0;
};

// `graph` must be inferred; run the "simplify" pipeline first. Deterministic: the same input gives
// the same bytes for any number of threads.
Result<QuantizeResult> QuantizeModel(const Graph& graph, const Dataset& dataset,
                                     const QuantizeSettings& settings, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_ALGOS_QUANTIZE_H_
