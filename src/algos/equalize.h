// Equalization of the inputs of depthwise convolutions: each channel of such an input is scaled up to
// the range of the tensor, by the weights that produce it, and back by the depthwise weights. With
// weights quantized per channel this costs no accuracy anywhere, and the one scale that activations
// have per tensor then serves every channel. It is the cross-layer equalization of Nagel et al.,
// "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), restricted to the
// pairs of layers where it is free, with measured ranges instead of weight ranges.
//
// The network computes the same function: Relu commutes with positive scales. Behind a Clip from 0 to
// a bound (ReLU6) a channel is scaled up to that bound only as far as its measured maximum, with a
// margin, stays below it; larger values than were seen in calibration are clipped.
#ifndef ADZE_ALGOS_EQUALIZE_H_
#define ADZE_ALGOS_EQUALIZE_H_

#include <vector>

#include "calib/records.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

struct Equalization {
  ValueId value = kNoId;      // what the depthwise convolution reads
  NodeId producer = kNoId;    // the Conv that computes it, or what its activation reads
  NodeId depthwise = kNoId;
  std::vector<float> scale;   // per channel, finite, > 0
};

// Where the network can be equalized; `statistics` must hold channel records of the depthwise
// convolutions' inputs (those without are left out). In graph order.
std::vector<Equalization> FindEqualizations(const Graph& graph, const QuantizationPlan& plan,
                                            const Statistics& statistics);

// Scales the weights and biases of `graph`, and the tensor's extremes and channel records in
// `statistics`; its histogram is that of the unscaled tensor.
void Equalize(const Equalization& e, Graph* graph, Statistics* statistics);

}  // namespace adze

#endif  // ADZE_ALGOS_EQUALIZE_H_
