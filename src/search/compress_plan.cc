// What a compression would do, without doing it.
#include <algorithm>
#include <chrono>

#include "calib/collect.h"
#include "eval/metric.h"
#include "lower/lower.h"
#include "quant/quantization_plan.h"
#include "runtime/executor.h"
#include "search/checks.h"
#include "search/compress.h"
#include "targets/target.h"

namespace adze {
namespace {

// Reading a sample and running the float network on it: the median of a few.
Result<double> SecondsOfOneRun(const Graph& graph, const Dataset& dataset,
                               const CompressOptions& options, ThreadPool* pool) {
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {options.isa, {}}));
  Executor executor(lowered.plan, pool);
  constexpr int64_t kTrials = 8;
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, options.recipe.evaluation_split, kTrials, pool));
  std::vector<double> seconds;
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    ADZE_TRY(executor.Run(inputs));
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2] / static_cast<double>(reader.batch_size());
}

}  // namespace

Result<CompressPlan> PlanCompress(const Graph& graph, const Dataset& dataset,
                                  const CompressOptions& options, ThreadPool* pool) {
  const Recipe& recipe = options.recipe;
  ADZE_TRY(CheckRecipe(recipe, dataset));
  std::vector<std::string> warnings;
  ADZE_TRY(CheckJudged(graph, dataset, recipe, &warnings));
  CompressPlan plan;
  QuantSettings settings;
  settings.fuse_activations = FindTarget(recipe.target)->fuses_activations;
  const QuantizationPlan quant = PlanQuantization(graph, settings);
  if (quant.weights.empty()) return NothingToCompress();
  plan.layers = static_cast<int64_t>(quant.weights.size());
  plan.int8_macs_share = quant.int8_macs_share;
  for (ValueId v = 0; v < graph.num_values(); ++v) {
    const Value& value = graph.value(v);
    if (!value.dead && value.is_constant())
      plan.float_bytes += static_cast<int64_t>(value.constant.bytes());
  }
  // Codes of one byte, one scale per channel and about 100 bytes of names and nodes per tensor.
  plan.int8_bytes = plan.float_bytes + 100 * static_cast<int64_t>(quant.groups.size());
  for (const WeightUse& use : quant.weights) {
    const Tensor& w = graph.value(use.weight).constant;
    plan.int8_bytes -= 3 * w.size();
    plan.int8_bytes += 5 * w.dims()[static_cast<size_t>(use.axis)];
  }
  ADZE_ASSIGN(plan.evaluation_samples, dataset.NumSamples(recipe.evaluation_split));
  ADZE_ASSIGN(const int64_t available, dataset.NumSamples(recipe.calibration_split));
  plan.calibration_samples = std::min(available, recipe.samples);

  ADZE_ASSIGN(const double run, SecondsOfOneRun(graph, dataset, options, pool));
  // Quantizing takes about three runs per calibration sample, evaluating two of both networks.
  plan.first_rung_seconds = run * (3.0 * static_cast<double>(plan.calibration_samples) +
                                   2.0 * static_cast<double>(plan.evaluation_samples));
  // A further rung: one evaluation, and about nine networks on 64 samples to choose the layer.
  plan.more_rung_seconds = run * (static_cast<double>(plan.evaluation_samples) + 9 * 64);
  return plan;
}

void ChooseMetric(const Graph& graph, const Dataset& dataset, Recipe* recipe) {
  std::string& metric = recipe->metric;
  if (metric.empty()) metric = dataset.evaluate().metric;
  if (metric.empty()) {
    metric = dataset.has_labels()          ? "top1"
             : HasScores(graph, dataset) ? "flip_rate"
                                           : "sqnr_db";
  }
  Budget& b = recipe->budget;
  if (b.max_drop_points || b.min_sqnr_db || b.max_size_bytes || b.max_latency_ms ||
      b.max_memory_bytes) {
    return;
  }
  const MetricDef* const def = FindMetric(metric);
  if (def != nullptr && def->is_rate) {
    b.max_drop_points = kDefaultMaxDropPoints;
  } else {
    b.min_sqnr_db = kDefaultMinSqnrDb;
  }
}

Status ChooseSplits(const Dataset& dataset, Recipe* recipe) {
  const std::vector<std::string> names = dataset.split_names();
  const auto first_of = [&](std::initializer_list<const char*> wanted) -> std::string {
    for (const char* name : wanted) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    }
    return names.size() == 1 ? names[0] : "";
  };
  if (recipe->calibration_split.empty()) {
    recipe->calibration_split = first_of({"calibration", "train"});
  }
  if (recipe->evaluation_split.empty()) {
    recipe->evaluation_split = first_of({"test", "evaluation", "validation"});
  }
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  if (recipe->calibration_split.empty()) {
    return UsageError(dataset.path() +
                      ": which split to calibrate on? Give --calibration-split: " + known);
  }
  if (recipe->evaluation_split.empty()) {
    return UsageError(dataset.path() +
                      ": which split to judge on? Give --evaluation-split: " + known);
  }
  return OkStatus();
}

}  // namespace adze
