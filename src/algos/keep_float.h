// A quantized network with some layers left in float: mixed precision without calibrating again.
#ifndef ADZE_ALGOS_KEEP_FLOAT_H_
#define ADZE_ALGOS_KEEP_FLOAT_H_

#include <set>
#include <string>

#include "algos/quantize.h"

namespace adze {

// What QuantizeModel made of a network when everything was quantized: the part that any mixture is
// made from. The graphs have the same nodes and values under the same ids, but for biases.
struct FullyQuantized {
  Graph equalized;  // QuantizeResult::equalized_graph
  Graph adjusted;   // QuantizeResult::adjusted
  Encodings encodings;
};

struct MixedNetwork {
  Encodings encodings;  // those of `base` that are still needed
  Graph adjusted;       // the float network that they belong to
  Graph graph;          // quantized
  ApplyReport report;
  QuantizationPlan plan;  // of FullyQuantized::equalized
};

// Quantizes all but settings.keep_float. Layers in float get back the weights and biases that they
// had before rounding and correction; what only they read is not rounded. Every other setting must
// be the one that `base` was made with. Refuses names that are no layer's result.
Result<MixedNetwork> KeepInFloat(const FullyQuantized& base, const QuantSettings& settings);

// Gives layers of `graph`, multiply-accumulates by the names of their results, the weights and
// biases that the layers of these names have in `original`.
Status RestoreWeights(const std::set<std::string>& layers, const Graph& original, Graph* graph);

}  // namespace adze

#endif  // ADZE_ALGOS_KEEP_FLOAT_H_
