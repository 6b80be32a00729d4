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
// The network computes the same function: Relu and MaxPool commute with positive scales. Behind a
// Clip from 0 to a bound (ReLU6) a channel is scaled up only as far as its measured maximum, with a
// margin, stays below the bound; values much larger than were measured are clipped.
#ifndef ADZE_ALGOS_EQUALIZE_H_
#define ADZE_ALGOS_EQUALIZE_H_

#include <vector>

#include "calib/records.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// Tensors that share a scale (an ActivationGroup), to be equalized together.
struct Equalization {
  struct Use {
    NodeId conv = kNoId;        // writes or reads the tensor
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

// Scales the weights and biases.
void Equalize(const Equalization& e, Graph* graph);

}  // namespace adze

#endif  // ADZE_ALGOS_EQUALIZE_H_
