// A quantized network as a float one: weights are the real numbers that their codes stand for, and
// an adze.FakeQuant stands where a value is rounded. Any format can be simulated, and what-ifs are
// edits of copies.
#ifndef ADZE_SEARCH_DIAGNOSIS_SIMULATION_H_
#define ADZE_SEARCH_DIAGNOSIS_SIMULATION_H_

#include <map>
#include <span>
#include <vector>

#include "ir/graph.h"
#include "search/diagnosis/facts.h"
#include "search/diagnosis/layer_match.h"

namespace adze {

struct Simulation {
  Graph graph;                         // nodes and values of the quantized network keep their ids
  std::map<ValueId, NodeId> rounding;  // value of the quantized network -> its adze.FakeQuant
};

// Refuses formats per channel of activations and quantized values in inner regions.
Result<Simulation> Simulate(const Graph& quantized);

// Edits of a copy of Simulation::graph; `fake` is one of Simulation::rounding.

void SetCodes(Graph* graph, NodeId fake, const Codes& codes);
// The same real range or more, in 65536 codes: as good as not rounded, and clipped as before, which
// may be the only trace of a Relu.
Codes FineCodes(const Codes& codes, const TensorRecord* seen);
// Every channel (axis 1) has its own range: multiplied by a factor before and divided behind.
Status SetChannelFactors(Graph* graph, NodeId fake, std::span<const float> factors);
// Of a multiply-accumulate. An undefined bias stays as it is.
void SetWeights(Graph* graph, NodeId node, const FloatWeights& weights);

// The codes of the node's weight; of int8 without -128.
IntRange WeightCodes(const Graph& graph, NodeId node);
// `weight` of `node` rounded to those codes, symmetric, with one scale per output channel, or
// `scales` where they are given.
Tensor RoundWeight(const Graph& graph, NodeId node, const Tensor& weight,
                   std::span<const double> scales = {});

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_SIMULATION_H_
