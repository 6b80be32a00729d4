// The layers of a quantized network beside those of its float network: which multiply-accumulate is
// which, and what its weights were before they were rounded.
#ifndef ADZE_SEARCH_DIAGNOSIS_LAYER_MATCH_H_
#define ADZE_SEARCH_DIAGNOSIS_LAYER_MATCH_H_

#include <optional>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace adze {

// The multiply-accumulate that computes `v`, if all between them runs with it, unrounded and from
// one input each; kNoId: none.
NodeId ComputeNode(const Graph& graph, ValueId v);

// `v`, or where it is the real copy of a rounded value (an output of the network), that value.
ValueId RoundedValue(const Graph& graph, ValueId v);

// The multiply-accumulate of the float network whose result, or what an activation makes of it, has
// the name of the result of `node`; kNoId: none.
NodeId SameLayer(const Graph& reference, const Graph& quantized, NodeId node);

// Weights of a layer as real numbers.
struct FloatWeights {
  Tensor weight;
  Tensor bias;          // undefined: none
  bool scaled = false;  // factors were needed
};

// A constant as float32, dequantized if it is quantized.
Result<Tensor> RealConstant(const Value& value);

// Weight and bias of `node`, a multiply-accumulate of the quantized network, as they were before
// rounding: those of the float network, times the factors per channel of an equalization if there
// was one. Empty where the float network has no such layer, or other weights.
std::optional<FloatWeights> UnroundedWeights(const Graph& reference, const Graph& quantized,
                                             NodeId node);

// A weight of `out` channels with `in` inputs of `taps` elements each; element (o, i, k) lies at
// o * out_stride + i * in_stride + k.
struct WeightLayout {
  int64_t out = 1;
  int64_t in = 1;
  int64_t taps = 1;
  int64_t out_stride = 1;
  int64_t in_stride = 1;
  bool in_factors = true;  // false: inputs of different channels, as in a convolution with groups
};

// Factors with which rounded[o, i, k] is about out[o] * in[i] * real[o, i, k], errors of about a
// step (one per output channel) aside. Empty: it is not.
struct WeightFactors {
  std::vector<double> out;
  std::vector<double> in;
};
std::optional<WeightFactors> MatchWeights(std::span<const float> real,
                                          std::span<const float> rounded,
                                          std::span<const double> steps,
                                          const WeightLayout& layout);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_LAYER_MATCH_H_
