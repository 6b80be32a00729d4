// The parts of evidence (docs/evidence.md) that do not depend on what was done.
#ifndef ADZE_SEARCH_EVIDENCE_PARTS_H_
#define ADZE_SEARCH_EVIDENCE_PARTS_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "calib/records.h"
#include "ir/graph.h"

namespace adze {

nlohmann::ordered_json ToolJson(const std::string& version, Isa isa, int threads);

nlohmann::ordered_json ModelJson(const Graph& graph, const std::string& path,
                                 const std::string& sha256);

// Nodes, inputs and outputs.
nlohmann::ordered_json GraphJson(const Graph& graph, const std::function<bool(NodeId)>& is_float);

// Bins of equal width; null without a width.
nlohmann::ordered_json HistogramJson(double low, double high, const std::vector<double>& values,
                                     const std::vector<double>& counts);
nlohmann::ordered_json HistogramJson(const TensorRecord& record);

}  // namespace adze

#endif  // ADZE_SEARCH_EVIDENCE_PARTS_H_
