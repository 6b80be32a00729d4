// Collects the facts: one pass of both networks over the data, tensors compared and recorded side
// by side.
#ifndef ADZE_SEARCH_DIAGNOSIS_GATHER_H_
#define ADZE_SEARCH_DIAGNOSIS_GATHER_H_

#include <map>
#include <optional>
#include <vector>

#include "data/dataset.h"
#include "quant/encodings.h"
#include "search/diagnosis/facts.h"
#include "search/diagnosis/layer_match.h"

namespace adze {

struct GatherInput {
  const Graph& reference;
  const Graph& quantized;
  const Dataset& dataset;
  CompareOptions compare;                  // its `observe` is set here
  const Statistics* calibrated = nullptr;  // of the float network's tensors by name; null: unknown
  std::vector<BiasRepair> repairs;         // made when the encodings were applied
};

struct Facts {
  std::vector<LayerFacts> layers;  // in order of execution
  // Of the quantized network's multiply-accumulates, where the float network has the same ones.
  std::map<NodeId, FloatWeights> unrounded;
};

// Refuses what CompareTensors refuses, networks without a tensor in common, and tensors of the
// float network that hold NaN or infinities.
Result<Facts> GatherFacts(const GatherInput& input, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_GATHER_H_
