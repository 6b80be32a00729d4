// Bias correction: rounding a weight shifts the mean of the layer's output by dW * E[x]; the bias
// takes it back. Analytic form of Nagel et al., "Data-Free Quantization Through Weight Equalization
// and Bias Correction" (2019), with measured input means: b[o] -= sum_{c,k} (Wq - W)[o,c,k] *
// E[x_c] * p_k, where p_k is the share of output positions whose tap k lies on the image and not on
// the padding.
#ifndef ADZE_ALGOS_BIAS_CORRECTION_H_
#define ADZE_ALGOS_BIAS_CORRECTION_H_

#include <span>
#include <string>
#include <vector>

#include "calib/collect.h"
#include "calib/records.h"
#include "formats/encodings/encodings.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// The shift of the mean of each output channel. `weight` is float32 [out][in / groups][k...] (Conv)
// or a matrix [out][in]; `scale` has one entry per output channel, codes lie in [-127, 127]; `mean`
// one per input channel, `inside` p_k for every tap.
std::vector<double> OutputShift(std::span<const float> weight, int64_t out, int64_t in_per_group,
                                int64_t groups, std::span<const float> scale,
                                std::span<const double> mean, std::span<const double> inside);

// Whether input 2 of the node is a constant float bias of `channels` numbers, or absent.
bool HasPlainBias(const Graph& graph, NodeId node, int64_t channels);

// Gives the node a bias of its own that is smaller by `shift` than its present one (none: zeros).
void SubtractFromBias(Graph* graph, NodeId node, std::span<const double> shift);

// The inputs whose channel means CorrectBiases wants: canonical values (see CanonicalValue), each
// once.
std::vector<ValueId> BiasCorrectionInputs(const Graph& graph, const QuantizationPlan& plan);

// Corrects the biases of all Conv and Gemm (transB = 1) nodes in `plan.weights` whose input has
// channel records; a Conv without bias gets one. Returns how many nodes it corrected.
int64_t CorrectBiases(Graph* graph, const QuantizationPlan& plan, const Encodings& weights,
                      const Statistics& statistics);

// The empirical form, for multiply-accumulates with a float result (NodePlan::kFloatResult), where
// all errors of the network arrive: what the mean of each output channel of `quantized` lacks
// against `graph` on `samples` samples is added to the bias in `adjusted`, from which `quantized`
// was made. Returns how many nodes it corrected: Conv and Gemm with or without a bias.
Result<int64_t> CorrectResults(const Graph& graph, const Graph& quantized,
                               const QuantizationPlan& plan, const Dataset& dataset,
                               const std::string& split, int64_t samples, Isa isa, ThreadPool* pool,
                               Graph* adjusted);

}  // namespace adze

#endif  // ADZE_ALGOS_BIAS_CORRECTION_H_
