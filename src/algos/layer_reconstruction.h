// Layer reconstruction: in graph order, each layer's weights become the codes with which its output
// on inputs x of the quantized network comes closest to the float network's output on its inputs f:
// min over q and scale s of E (s q x - w f)^2 for every output channel. With x beside f the layer
// also makes up for what the layers before it did wrong (asymmetric calibration, as AdaRound, Nagel
// et al. 2020, and GPTAQ, Li et al. 2025, have it). The expectation needs only H = E[x x^T] and
// C = E[x f^T]; it is minimised over rounding up or down by coordinate descent
// (adaptive_rounding.h). Weights of fewer than 8 bits get the best of several scales. The mean part
// of the error goes into the bias.
//
// x comes from the network with rounded weights but float activations where activations have 8
// bits: their rounding is noise that no weight can take back, and least squares on noisy inputs
// shrinks weights, an error that does not average out (CIFAR-10 ResNet-20: 28.3 dB instead
// of 30.3). Narrower activations err systematically: then x are those of the quantized network.
#ifndef ADZE_ALGOS_LAYER_RECONSTRUCTION_H_
#define ADZE_ALGOS_LAYER_RECONSTRUCTION_H_

#include <functional>

#include "algos/adaptive_rounding.h"

namespace adze {

// Quantizes `adjusted` with `weights`, as they are then.
using Rebuild = std::function<Result<Graph>()>;

// `real` is the float network; `adjusted` and `weights` start as it and its encodings, `quantized`
// as what they make, and leave with the weights on their grids. `rebuild` null: x with float
// activations. Layers that RoundAdaptively would skip keep their nearest codes. Returns how many it
// reconstructed.
Result<int64_t> ReconstructLayers(const Graph& real, const QuantizationPlan& plan,
                                  const Dataset& dataset, const RoundingSettings& settings,
                                  const Rebuild& rebuild, ThreadPool* pool, Graph quantized,
                                  Graph* adjusted, Encodings* weights);

}  // namespace adze

#endif  // ADZE_ALGOS_LAYER_RECONSTRUCTION_H_
