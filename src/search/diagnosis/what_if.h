// What fixes are worth: each is applied to a copy of the simulated network, and its outputs are
// compared with those of the float network.
#ifndef ADZE_SEARCH_DIAGNOSIS_WHAT_IF_H_
#define ADZE_SEARCH_DIAGNOSIS_WHAT_IF_H_

#include <string>
#include <vector>

#include "base/progress.h"
#include "data/dataset.h"
#include "search/diagnosis/finding.h"
#include "search/diagnosis/gather.h"
#include "search/diagnosis/simulation.h"

namespace adze {

// A copy of the simulated network with fixes, one per place of a finding.
class WhatIf {
 public:
  // All must outlive the object.
  WhatIf(const Graph& quantized, const Simulation& simulation, const Facts& facts);

  // False: a fix cannot be made, since the float network's weights are not known.
  Result<bool> Apply(const Finding& finding, Graph* graph) const;

 private:
  void SetRanges(const Finding& finding, Graph* graph) const;
  Result<bool> Equalize(const LayerFacts& layer, Graph* graph) const;
  void Unround(ValueId v, Graph* graph) const;
  bool FitBias(const LayerFacts& layer, Graph* graph) const;
  bool RoundPerChannel(NodeId node, Graph* graph) const;
  bool KeepFloat(const std::vector<NodeId>& kept, Graph* graph) const;
  std::vector<NodeId> Readers(ValueId v) const;
  Codes CodesOf(ValueId v) const;
  const LayerFacts* FactsOf(ValueId v) const;

  const Graph& q_;
  const Simulation& simulation_;
  const Facts& facts_;
  std::map<ValueId, size_t> layer_of_;
  std::map<ValueId, ValueId> group_of_;  // values that share one format because they move codes
};

struct WhatIfOptions {
  std::string split = "all";
  int64_t samples = 32;  // at most
  int64_t fixes = 48;    // single ones, at most; those of a kind together come on top
  Isa isa = Isa::kGeneric;
  ProgressSink* progress = nullptr;
};

struct OutputFigures {
  double sqnr_db = 0;       // of the quantized network on integers
  double simulated_db = 0;  // of its simulation, from which gains count
  int64_t samples = 0;
  int64_t fixes = 0;  // measured
};

// Measures the fixes of `findings`, kinds taking turns; appends what several of a kind give
// together.
Result<OutputFigures> MeasureFixes(const Graph& reference, const Graph& quantized,
                                   const Facts& facts, const Dataset& dataset,
                                   const WhatIfOptions& options, ThreadPool* pool,
                                   std::vector<Finding>* findings);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_WHAT_IF_H_
