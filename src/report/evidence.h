// Evidence in memory: what a run of adze measured (docs/evidence.md). Read from JSON, then checked,
// so that renderers see only values of the right kind. Unknown numbers are nullopt; an infinite
// SQNR (equal outputs) is an infinity.
#ifndef ADZE_REPORT_EVIDENCE_H_
#define ADZE_REPORT_EVIDENCE_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace adze::report {

using Number = std::optional<double>;
// Low and high end of an interval.
using Range = std::optional<std::pair<double, double>>;

struct NamedType {
  std::string name, type;
};

struct Split {
  std::string split;
  Number samples;
};

struct Latency {
  Number p50_ms, p95_ms, p99_ms, min_ms;
};

// One network as it was measured; `value` is the metric's.
struct Measured {
  std::string file;
  Number value, size_bytes, memory_bytes;
  Range ci95;
  Latency latency;
  // Against the network before.
  Number drop_points, flip_rate, sqnr_db, int8_macs_share;
  Range drop_ci95_points;
};

struct Rung {
  std::string name, description;
  std::vector<std::string> float_layers;  // kept in float so far
  Number value, drop_points, flip_rate, sqnr_db, size_bytes, latency_ms, memory_bytes, seconds;
  Range drop_ci95_points;
  std::optional<bool> met;
  std::vector<std::string> unmet;
  bool chosen = false;
};

enum class Precision { kUnknown, kInt8, kFloat };

struct Layer {
  std::string name, op, reason, input, output, weight;
  Precision precision = Precision::kUnknown;
  Number macs, parameters, own_sqnr_db, inherited_sqnr_db, total_sqnr_db, sensitivity_db;
  Number clipped_share, channels, outlier_channels, dead_channels;
  Number latency_us_before, latency_us_after;
};

struct Histogram {
  double low = 0, high = 0;
  std::vector<double> counts;  // empty: no histogram
};

struct Tensor {
  std::string name, storage, observer;
  bool weight = false;  // kind "weight"; else "activation"
  std::vector<double> scale, zero_point;
  Number min, max, observed_min, observed_max, clipped_share;
  Histogram histogram, calibration_histogram;
};

struct GraphNode {
  std::string name, op;
  std::vector<std::string> inputs, outputs;  // names of tensors
  Precision precision = Precision::kUnknown;
};

// Of a diagnosis, in its order: worst first.
struct Finding {
  std::string name, op, kind, title, level, what, fix;
  std::vector<std::string> tensors;
  std::vector<std::pair<std::string, Number>> numbers;
  Number severity_db, own_sqnr_db, inherited_sqnr_db, gain_db, samples;
};

struct OutputFile {
  std::string name, sha256, what;
  Number bytes;
};

struct TimedStep {
  std::string name;
  Number seconds;
};

// Empty strings and lists, and nullopt, mean that the file does not say.
struct Evidence {
  struct {
    std::string version, isa, cpu, date;
    Number threads;
  } tool;
  struct {
    std::string path, sha256;
    std::vector<NamedType> inputs, outputs;
    Number operators, parameters, macs;
  } model;
  struct {
    std::string path, sha256, metric;
    Split calibration, evaluation;
  } data;
  struct {
    Number max_drop_points, min_sqnr_db, max_size_bytes, max_latency_ms, max_memory_bytes;
    std::string target;
  } budget;
  struct {
    std::optional<bool> met;
    std::string sentence;
  } outcome;
  bool has_before = false, has_after = false;
  Measured before, after;
  std::vector<Rung> rungs;
  std::vector<Layer> layers;
  std::vector<Tensor> tensors;
  std::vector<GraphNode> nodes;
  std::vector<std::string> graph_inputs, graph_outputs;
  bool diagnosed = false;  // has a list of findings, which may be empty
  std::vector<Finding> findings;
  std::vector<OutputFile> files;
  std::vector<TimedStep> steps;
  std::vector<std::string> warnings;

  // What the page is called.
  const char* kind() const {
    return diagnosed && rungs.empty() ? "diagnosis" : "compression report";
  }
};

// Refuses another format or version and any value of the wrong kind, naming its place
// (`layers[3].macs`). Fields that it does not know are skipped: version 1 may grow.
Result<Evidence> ReadEvidence(const nlohmann::ordered_json& json);

}  // namespace adze::report

#endif  // ADZE_REPORT_EVIDENCE_H_
