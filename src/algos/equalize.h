// Cross-layer equalization: the channels of a tensor between convolutions are scaled up towards the
// range of the tensor by the weights that produce them, and back by the weights that read them, so
// that the one scale which activations have per tensor serves every channel. After Nagel et al.,
// "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), with measured
// ranges of activations instead of ranges of weights.
//
// Where only depthwise convolutions read the tensor all channels get the same range: weights are
// quantized per output channel, so this costs nothing. Where other convolutions read it, scaling
// moves error from activations to weights; the strength, an exponent between 0 and 1 as in
// SmoothQuant (Xiao et al., 2023), is the one with the least predicted error of both.
//
// The network computes the same function: Relu and MaxPool commute with positive scales. Silu,
// HardSwish and their like do not: a Mul with one factor per channel is put behind them (as in
// SmoothQuant), which runs as one with the convolution before it. Behind a
// Clip from 0 to a bound (ReLU6) a channel is scaled up only as far as its measured maximum, with a
// margin, stays below the bound; values much larger than were measured are clipped.
#ifndef ADZE_ALGOS_EQUALIZE_H_
#define ADZE_ALGOS_EQUALIZE_H_

#include <span>
#include <string>
#include <vector>

#include "calib/records.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// Tensors that share a scale (an ActivationGroup), to be equalized together.
struct Equalization {
  struct Use {
    NodeId node = kNoId;        // writes or reads the tensor: a Conv, or a Mul by channel factors
    std::vector<int> channels;  // of the tensor: indices into `scale`
  };
  std::vector<Use> producers;
  std::vector<Use> consumers;
  std::vector<float> scale;  // finite, >= 1
};

// The values whose channel records FindEqualizations wants: inputs of convolutions (those that are
// inputs of the network as well, so that bad data is found where it comes in).
std::vector<ValueId> EqualizationInputs(const Graph& graph, const QuantizationPlan& plan);

// Where the network can be equalized, in the order of `plan.groups`.
std::vector<Equalization> FindEqualizations(const Graph& graph, const QuantizationPlan& plan,
                                            const Statistics& statistics);

// Activations (results of Silu, HardSwish …) behind which channel factors could be put.
std::vector<ValueId> ChannelFactorPlaces(const Graph& graph, const QuantizationPlan& plan);

// Puts a Mul with factors of 1 behind each of these values; what read the value reads the product,
// which is called ChannelFactorName(value) unless that name is taken.
Status InsertChannelFactors(Graph* graph, std::span<const ValueId> places);
std::string ChannelFactorName(const std::string& place);

// Scales the weights, biases and factors.
void Equalize(const Equalization& e, Graph* graph);

}  // namespace adze

#endif  // ADZE_ALGOS_EQUALIZE_H_
