// Evidence: what a compression measured, as one JSON object (docs/evidence.md).
#ifndef ADZE_SEARCH_EVIDENCE_H_
#define ADZE_SEARCH_EVIDENCE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "search/compress.h"
#include "search/network_under_search.h"
#include "search/outputs.h"

namespace adze {

// What a finished compression knows; references live during the call only.
struct EvidenceInput {
  const Graph& graph;  // the simplified float network
  const Dataset& dataset;
  const CompressOptions& options;
  const Lock& lock;
  const NetworkUnderSearch& network;
  const Measured& before;
  const Climb& climb;
  const MixedNetwork& chosen;
  std::string sentence;
  std::vector<OutputFile> files;
  std::vector<std::string> warnings;
};

// Compares the networks tensor by tensor and measures both latencies on the way: seconds of work.
Result<nlohmann::ordered_json> MakeEvidence(const EvidenceInput& input, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_SEARCH_EVIDENCE_H_
