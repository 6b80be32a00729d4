#include "search/checks.h"

#include <cmath>
#include <cstdio>

#include "eval/metric.h"
#include "targets/target.h"

namespace adze {

Status CheckRecipe(const Recipe& r, const Dataset& dataset) {
  if (FindTarget(r.target) == nullptr) {
    std::string known;
    for (const TargetDef* t : AllTargets())
      known += (known.empty() ? "" : ", ") + std::string(t->name);
    return UsageError("unknown target '" + r.target + "'; there are " + known);
  }
  const MetricDef* const metric = FindMetric(r.metric);
  if (metric == nullptr) return UsageError("unknown metric '" + r.metric + "' (adze list metrics)");
  if (!metric->is_rate) {
    return UsageError("metric '" + r.metric +
                      "' is not a rate, so a drop in points means nothing; "
                      "give --metric top1, top5 or flip_rate");
  }
  if ((metric->needs & kNeedsLabel) != 0 && !dataset.has_labels()) {
    return UsageError("metric '" + r.metric + "' needs labels, " + dataset.path() +
                      " has none; --metric flip_rate needs none");
  }
  ADZE_TRY(dataset.NumSamples(r.calibration_split).status());
  ADZE_TRY(dataset.NumSamples(r.evaluation_split).status());
  const Budget& b = r.budget;
  if (b.max_drop_points && !(*b.max_drop_points >= 0 && *b.max_drop_points <= 100)) {
    return UsageError("--max-drop must lie between 0 and 100 points");
  }
  if (b.max_latency_ms && !(*b.max_latency_ms > 0 && std::isfinite(*b.max_latency_ms))) {
    return UsageError("--max-latency must be a number of milliseconds above 0");
  }
  if (b.max_size_bytes && *b.max_size_bytes <= 0) return UsageError("--max-size must be above 0");
  if (b.max_memory_bytes && *b.max_memory_bytes <= 0) {
    return UsageError("--max-memory must be above 0");
  }
  return OkStatus();
}

Status CheckJudged(const Graph& graph, const Dataset& dataset, const Recipe& recipe,
                   std::vector<std::string>* warnings) {
  const EvaluateSpec& spec = dataset.evaluate();
  const std::vector<ValueId>& outputs = graph.top().outputs;
  std::string others;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Value& v = graph.value(outputs[i]);
    const bool judged = spec.output_name.empty() ? i == static_cast<size_t>(spec.output_index)
                                                 : v.name == spec.output_name;
    if (!judged) {
      others += (others.empty() ? "'" : ", '") + v.name + "'";
      continue;
    }
    if (!v.type.shape) continue;
    int64_t classes = 1;
    int axes = 0;
    for (size_t d = 1; d < v.type.shape->size(); ++d) {
      const Dim& dim = (*v.type.shape)[d];
      axes += !dim.is_const() || dim.value() > 1;
      classes *= dim.is_const() ? dim.value() : 2;
    }
    if (classes < 2) {
      return Unsupported("output '" + v.name + "' is one number per sample: " + recipe.metric +
                         " compares which of several is the largest, and says nothing about it");
    }
    if (axes > 1) {
      warnings->push_back(recipe.metric + " asks which of all numbers of output '" + v.name +
                          "' is the largest; for detection or segmentation that says little");
    }
  }
  if (!others.empty()) warnings->push_back("not judged: output " + others);
  return OkStatus();
}

void AddWarnings(const Recipe& recipe, const Climb& climb, const Measured& before,
                 const DataHash& data, int64_t evaluated, bool replayed,
                 std::vector<std::string>* warnings) {
  const auto add = [&](const char* format, auto... args) {
    char text[300];
    std::snprintf(text, sizeof(text), format, args...);
    warnings->push_back(text);
  };
  const Measured& chosen = climb.tried[climb.chosen].measured;
  if (data.shared > 0) {
    add("%lld of the %lld samples that judge were calibrated on as well: the drop on others may be "
        "larger",
        static_cast<long long>(data.shared), static_cast<long long>(evaluated));
  }
  if (recipe.samples < 64) {
    add("calibrated on at most %lld samples: 64 to 512 are usual",
        static_cast<long long>(recipe.samples));
  }
  const auto& drop = recipe.budget.max_drop_points;
  const auto& ci = chosen.drop_ci95_points;
  if (climb.met && drop && ci && ci->high > *drop) {
    add("the drop meets the budget on these samples, but its 95 %% interval reaches %.2f points: "
        "more evaluation samples would tell",
        ci->high);
  }
  if (drop && *drop > 0 && 100.0 / static_cast<double>(evaluated) > *drop) {
    add("one of the %lld samples is %.2f points, more than the budget",
        static_cast<long long>(evaluated), 100.0 / static_cast<double>(evaluated));
  }
  if (climb.tried.size() > 1) {
    add("%lld networks were judged on the same samples, which favours the chosen one a little; the "
        "interval does not count that",
        static_cast<long long>(climb.tried.size()));
  }
  if (chosen.size_bytes >= before.size_bytes) {
    add("the compressed file is not smaller than the float file: names, scales and nodes outweigh "
        "the weights");
  }
  if (replayed) add("replayed from a lock file: accuracy and rungs are as measured then");
}

}  // namespace adze
