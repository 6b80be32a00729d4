// adze compress: a float network, data and a budget in; the smallest network that meets the budget,
// and the evidence, out.
#ifndef ADZE_SEARCH_COMPRESS_H_
#define ADZE_SEARCH_COMPRESS_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "data/dataset.h"
#include "ir/graph.h"
#include "search/ladder.h"
#include "search/recipe.h"

namespace adze {

struct CompressOptions {
  Recipe recipe;
  std::string folder;        // gets the files; made if missing
  std::string tool_version;  // of this build, for lock and evidence
  Isa isa = Isa::kGeneric;
  ProgressSink* progress = nullptr;
  const Lock* replay = nullptr;  // take measurements from there instead of making them
  // Told what the user should know at once; may be empty.
  std::function<void(const std::string& sentence)> note;
  // Further files made from the evidence (evidence.json, report.html): names and contents.
  using File = std::pair<std::string, std::string>;
  std::function<Result<std::vector<File>>(const nlohmann::ordered_json& evidence)> describe;
};

struct CompressResult {
  Climb climb;
  // adze.evidence (docs/evidence.md): everything that was measured, for evidence.json and the
  // report.
  nlohmann::ordered_json evidence;
  bool met = false;
  int64_t resumed = 0;  // measurements taken over from interrupted work
};

// `graph`: read from recipe.model and simplified (pipelines lift and simplify), float32. Writes
// float.onnx, quantized.onnx, quantized.encodings.json, recipe.yaml and recipe.lock into the
// folder, each whole or not at all, the lock last; and while it works .work/, which a later call
// with the same recipe resumes from. Deterministic: the same files for any number of threads and
// interruptions, except for what a latency budget decides. Refuses a folder in which another
// process works or in which a file of these names is the network or the data, networks of which
// nothing can be quantized, and metrics that say nothing about the judged output.
Result<CompressResult> Compress(const Graph& graph, const Dataset& dataset,
                                const CompressOptions& options, ThreadPool* pool);

// The refusal of a network without layers that could be int8.
Status NothingToCompress();

// What Compress would do, without doing it.
struct CompressPlan {
  int64_t layers = 0;  // that would be int8 on the lowest rung
  double int8_macs_share = 0;
  int64_t float_bytes = 0;  // of the weights
  int64_t int8_bytes = 0;   // predicted
  int64_t calibration_samples = 0;
  int64_t evaluation_samples = 0;
  // Predicted from the time of a few runs: of the whole work if the first rung meets the budget;
  // of measuring every layer, once before the second rung; of every further rung.
  double first_rung_seconds = 0;
  double rank_layers_seconds = 0;
  double more_rung_seconds = 0;
};
Result<CompressPlan> PlanCompress(const Graph& graph, const Dataset& dataset,
                                  const CompressOptions& options, ThreadPool* pool);

// The splits to use where the user names none: `calibration`, else `train`, to calibrate, and
// `test`, `evaluation` or `validation` to judge; "all" for both where the data has no splits.
// Refuses to guess between others, naming the options.
Status ChooseSplits(const Dataset& dataset, Recipe* recipe);

// The metric to judge by where the user names none: the data set's, else top1 with labels, else
// flip_rate where the judged output is a row of scores, else sqnr_db. And the budget where he gives
// none: of points for a rate, else of SQNR.
inline constexpr double kDefaultMaxDropPoints = 1;
inline constexpr double kDefaultMinSqnrDb = 10;
void ChooseMetric(const Graph& graph, const Dataset& dataset, Recipe* recipe);

}  // namespace adze

#endif  // ADZE_SEARCH_COMPRESS_H_
