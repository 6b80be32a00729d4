#include "search/checks.h"

#include <cmath>
#include <cstdio>

#include "eval/metric.h"
#include "targets/target.h"

namespace adze {
namespace {

// kNoId where the network has no such output.
ValueId JudgedOutput(const Graph& graph, const Dataset& dataset) {
  const EvaluateSpec& spec = dataset.evaluate();
  const std::vector<ValueId>& outputs = graph.top().outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool judged = spec.output_name.empty() ? i == static_cast<size_t>(spec.output_index)
                                                 : graph.value(outputs[i]).name == spec.output_name;
    if (judged) return outputs[i];
  }
  return kNoId;
}

// Of one sample; zeros where it is not known.
struct SampleSize {
  int64_t numbers = 0;
  int axes = 0;        // with more than one number, or with a free count
  bool fixed = false;  // no dimension is free; a free one counts as 2 numbers
};

SampleSize SizeOf(const Graph& graph, ValueId v) {
  if (v == kNoId || !graph.value(v).type.shape) return {};
  const Shape& shape = *graph.value(v).type.shape;
  SampleSize size = {1, 0, true};
  for (size_t d = 1; d < shape.size(); ++d) {
    const int64_t n = shape[d].is_const() ? shape[d].value() : 2;
    size.numbers *= n;
    size.axes += n > 1 ? 1 : 0;
    size.fixed = size.fixed && shape[d].is_const();
  }
  return size;
}

}  // namespace

Status CheckRecipe(const Recipe& r, const Dataset& dataset) {
  if (FindTarget(r.target) == nullptr) {
    std::string known;
    for (const TargetDef* t : AllTargets())
      known += (known.empty() ? "" : ", ") + std::string(t->name);
    return UsageError("unknown target '" + r.target + "'; there are " + known);
  }
  const MetricDef* const metric = FindMetric(r.metric);
  if (metric == nullptr) return UsageError("unknown metric '" + r.metric + "' (adze list metrics)");
  if (r.budget.max_drop_points && !metric->is_rate) {
    return UsageError("metric '" + r.metric +
                      "' is not a rate, so a drop in points (--max-drop) means nothing; give "
                      "--min-sqnr DB instead, or --metric top1, top5 or flip_rate");
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
  if (b.min_sqnr_db && !(*b.min_sqnr_db >= 0 && *b.min_sqnr_db <= 200)) {
    return UsageError("--min-sqnr must lie between 0 and 200 decibels");
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

bool HasScores(const Graph& graph, const Dataset& dataset) {
  const SampleSize size = SizeOf(graph, JudgedOutput(graph, dataset));
  return size.numbers > 1 && size.axes == 1;
}

bool SqnrJudges(const Graph& graph, const Dataset& dataset, size_t index) {
  const ValueId v = graph.top().outputs[index];
  if (!IsFloat(graph.value(v).type.dtype)) return false;
  return !dataset.evaluate().output_given || v == JudgedOutput(graph, dataset);
}

Status CheckJudged(const Graph& graph, const Dataset& dataset, const Recipe& recipe,
                   std::vector<std::string>* warnings) {
  const ValueId judged = JudgedOutput(graph, dataset);
  if (judged == kNoId) return OkStatus();  // evaluation refuses it, naming the outputs there are
  const std::vector<ValueId>& outputs = graph.top().outputs;
  const bool min_sqnr = recipe.budget.min_sqnr_db.has_value();
  bool any = false;
  std::string by_sqnr, by_nothing;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool sqnr = SqnrJudges(graph, dataset, i);
    any = any || sqnr;
    if (outputs[i] == judged || (sqnr && recipe.metric == "sqnr_db")) continue;
    std::string& others = min_sqnr && sqnr ? by_sqnr : by_nothing;
    others += (others.empty() ? "'" : ", '") + graph.value(outputs[i]).name + "'";
  }
  if (min_sqnr && !any) {
    return Unsupported("no judged output is float, so an SQNR says nothing; give --max-drop");
  }
  const std::string& name = graph.value(judged).name;
  const MetricDef& metric = *FindMetric(recipe.metric);
  const SampleSize size = SizeOf(graph, judged);
  const bool of_any_output = recipe.metric == "sqnr_db" || recipe.metric == "mse";
  if (size.numbers == 1 && !of_any_output) {
    return Unsupported(
        "output '" + name + "' is one number per sample: " + recipe.metric +
        " compares several, and says nothing about it; give --metric sqnr_db with --min-sqnr DB");
  }
  if ((metric.needs & kNeedsInput) != 0 && graph.top().inputs.size() == 1) {
    const SampleSize input = SizeOf(graph, graph.top().inputs[0]);
    if (size.fixed && input.fixed && size.numbers != input.numbers) {
      return UsageError("metric '" + recipe.metric + "' compares output '" + name +
                        "' with the input, which is of another size; give another --metric");
    }
  }
  if (size.axes > 1 && metric.is_rate) {
    warnings->push_back(recipe.metric + " asks which of all numbers of output '" + name +
                        "' is the largest; for detection or segmentation that says little: "
                        "--min-sqnr judges all of them");
  }
  if (!by_sqnr.empty()) warnings->push_back("judged by SQNR alone: output " + by_sqnr);
  if (!by_nothing.empty()) warnings->push_back("not judged: output " + by_nothing);
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
    add("%lld of the %lld samples that judge were calibrated on as well: on others it may do worse",
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
    warnings->push_back(
        "the compressed file is not smaller than the float file: names, scales and nodes outweigh "
        "the weights");
  }
  if (replayed) {
    warnings->push_back("replayed from a lock file: accuracy and rungs are as measured then");
  }
}

}  // namespace adze
