// The ladder: from the smallest network upwards, rung by rung, until every budget is met. What a
// rung is and what it costs to try one is behind an interface, so the climb is tested without a
// network.
#ifndef ADZE_SEARCH_LADDER_H_
#define ADZE_SEARCH_LADDER_H_

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "eval/interval.h"

namespace adze {

// What the network may cost. Empty: does not matter.
struct Budget {
  std::optional<double> max_drop_points;    // of a rate against the float network, 1 = 1 %
  std::optional<double> min_sqnr_db;        // of the outputs against the float network's
  std::optional<int64_t> max_size_bytes;    // of the written .onnx file
  std::optional<double> max_latency_ms;     // median of one run on this machine
  std::optional<int64_t> max_memory_bytes;  // weights and activations while it runs on one thread
};

// A network that can be built: everything in int8 but `float_layers`.
struct Candidate {
  std::string rung;                    // name of the RungDef that proposed it
  std::set<std::string> float_layers;  // names of the layers' results
};

struct Measured {
  double value = 0;  // of the metric, in its unit
  std::optional<Interval> value_ci95;
  double drop_points = 0;  // NaN where the metric is not a rate
  std::optional<Interval> drop_ci95_points;
  double flip_rate = 0;  // NaN where the largest number of the output is no answer
  double sqnr_db = 0;    // of the worst output that is judged; +infinity when equal
  double int8_macs_share = 0;
  int64_t size_bytes = 0;
  int64_t memory_bytes = 0;
  std::optional<double> latency_ms;  // measured when the budget has one
};

struct Layer {
  std::string name;        // of its (first) result
  int64_t macs = 0;        // multiply-accumulates of one sample
  int64_t parameters = 0;  // elements of its weight
};

// What rungs may ask of the network being compressed. Answers are deterministic (latency excepted)
// and remembered by the implementation.
class LadderEnvironment {
 public:
  virtual ~LadderEnvironment() = default;
  // Layers that are int8 on the lowest rung and could be float, in graph order.
  virtual std::span<const Layer> layers() const = 0;
  // For each set of float layers, error power over signal power of the outputs on a few samples:
  // cheap beside Measure.
  virtual Result<std::vector<double>> OutputErrors(
      std::span<const std::set<std::string>> float_layers) = 0;
  // Everything that budgets are about, on the evaluation samples.
  virtual Result<Measured> Measure(const Candidate& candidate) = 0;
};

// A kind of rung, one file in rungs/ and one row in rung_list.inc, cheapest first.
struct RungDef {
  const char* name;
  const char* summary;
  // The candidate after `current` (the last one tried, null at the start), or nothing when this
  // kind has no more. Is called until then.
  Result<std::optional<Candidate>> (*next)(const Candidate* current,
                                           LadderEnvironment& environment);
};
std::span<const RungDef* const> AllRungs();

struct TriedRung {
  Candidate candidate;
  Measured measured;
  std::vector<std::string> unmet;  // clauses: "a drop of 1.3 points is above 1"
  double seconds = 0;              // what trying it took
};

struct Climb {
  std::vector<TriedRung> tried;
  size_t chosen = 0;  // the first that meets the budget, else the best found
  bool met = false;
};

// Tries candidates in order and stops at the first that meets the budget; gives up when accuracy
// (drop, SQNR) is not all that stands in the way, since later rungs only cost more. Best found: of
// those that break only accuracy clauses the one that comes nearest: fewest clauses broken, then
// fewest points above, then fewest decibels below. Else the first.
Result<Climb> ClimbLadder(const Budget& budget, LadderEnvironment& environment);

// The clauses of TriedRung::unmet.
std::vector<std::string> UnmetBudgets(const Budget& budget, const Measured& measured);

}  // namespace adze

#endif  // ADZE_SEARCH_LADDER_H_
