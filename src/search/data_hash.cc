#include "search/data_hash.h"

#include <algorithm>
#include <set>
#include <vector>

#include "ir/sha256.h"
#include "ops/dim.h"

namespace adze {
namespace {

Result<std::vector<std::string>> HashSplit(const Dataset& dataset, const std::string& split,
                                           ThreadPool* pool, ProgressSink* progress) {
  constexpr int64_t kAtOnce = 64;
  ADZE_ASSIGN(const int64_t count, dataset.NumSamples(split));
  ProgressScope scope(progress, count, "samples", "hashing data");
  std::vector<std::string> hashes(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += kAtOnce) {
    const int64_t size = std::min(kAtOnce, count - begin);
    std::vector<Status> statuses(static_cast<size_t>(size));
    pool->ParallelFor(size, [&](int64_t i, int) {
      Sample sample;
      statuses[static_cast<size_t>(i)] = dataset.Read(split, begin + i, &sample);
      if (!statuses[static_cast<size_t>(i)].ok()) return;
      Sha256 hash;
      for (const Tensor& t : sample.inputs) {
        const std::string type =
            std::string(DTypeName(t.dtype())) + ShapeToString(ToShape(t.dims()));
        hash.Update(type.c_str(), type.size() + 1);
        hash.Update(t.raw(), t.bytes());
      }
      const int64_t label = sample.label.value_or(-1);
      hash.Update(&label, sizeof(label));
      hashes[static_cast<size_t>(begin + i)] = hash.Finish();
    });
    for (const Status& s : statuses) ADZE_TRY(s);
    scope.Advance(size);
  }
  return hashes;
}

}  // namespace

Result<DataHash> HashData(const Dataset& dataset, const Recipe& recipe, ThreadPool* pool,
                          ProgressSink* progress) {
  Sha256 all;
  const auto add = [&](const std::string& text) { all.Update(text.c_str(), text.size() + 1); };
  const EvaluateSpec& judged = dataset.evaluate();
  add(judged.output_name);
  add(std::to_string(judged.output_index) + (judged.drop_first_class ? " dropped" : ""));
  // What the lines above do not tell from a data set that names no output.
  if (judged.output_given && judged.output_name.empty() && judged.output_index == 0) add("alone");
  DataHash out;
  ADZE_ASSIGN(const std::vector<std::string> calibration,
              HashSplit(dataset, recipe.calibration_split, pool, progress));
  for (const std::string& h : calibration) add(h);
  if (recipe.evaluation_split == recipe.calibration_split) {
    out.shared = static_cast<int64_t>(calibration.size());
  } else {
    ADZE_ASSIGN(const std::vector<std::string> evaluation,
                HashSplit(dataset, recipe.evaluation_split, pool, progress));
    const std::set<std::string> known(calibration.begin(), calibration.end());
    for (const std::string& h : evaluation) {
      add(h);
      out.shared += known.contains(h) ? 1 : 0;
    }
  }
  out.sha256 = all.Finish();
  return out;
}

}  // namespace adze
