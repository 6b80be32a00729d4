// Weights in any number format, activations in float: smaller files for runtimes that multiply in
// float (or dequantize on the fly).
#ifndef ADZE_ALGOS_WEIGHT_ONLY_H_
#define ADZE_ALGOS_WEIGHT_ONLY_H_

#include <optional>
#include <set>
#include <string>

#include "calib/collect.h"
#include "formats/encodings/encodings.h"
#include "numerics/number_format.h"
#include "quant/quantization_plan.h"

namespace adze {

struct WeightOnlySettings {
  const NumberFormat* format = nullptr;
  // Inputs of an output channel that share a scale; 0: all of them. Layers with fewer inputs have
  // one scale per output channel. Empty: what the format says.
  std::optional<int64_t> block_size;
  std::set<std::string> keep_float;  // layers, by the names of their (first) outputs
  std::set<std::string> keep_int8;   // layers in int8, one scale per output channel
  // With data: numbers chosen by the layer's output (layer_reconstruction.h) instead of the nearest
  // ones, and the mean of what is left taken into the bias.
  bool reconstruct = true;
  bool bias_correction = true;
  std::string split = "all";
  int64_t samples = 64;
  Isa isa = Isa::kGeneric;
  Progress progress;
};

struct WeightOnlyResult {
  Encodings encodings;
  Graph graph;     // weights in their formats
  Graph adjusted;  // the float network that the encodings belong to
  int64_t layers = 0;
  int64_t reconstructed = 0;
  int64_t samples = 0;
  double share = 0;  // of the weights of convolutions and matrix products: those that are quantized
  double bits_per_weight = 0;           // of those, scales and codebooks included
  std::vector<FloatNode> float_layers;  // layers that stay as they are
};

// `graph`: inferred, simplified. Kept layers that share a weight with others get a copy. `dataset`
// null: without data, nearest numbers. Deterministic: the
// same input gives the same bytes for any number of threads.
Result<WeightOnlyResult> QuantizeWeights(const Graph& graph, const Dataset* dataset,
                                         const WeightOnlySettings& settings, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_ALGOS_WEIGHT_ONLY_H_
