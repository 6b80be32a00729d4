// What a compression would do, without doing it.
#include <algorithm>
#include <chrono>

#include "calib/collect.h"
#include "eval/metric.h"
#include "lower/lower.h"
#include "quant/integer_form.h"
#include "quant/quantization_plan.h"
#include "runtime/executor.h"
#include "search/checks.h"
#include "search/compress.h"
#include "search/network_under_search.h"
#include "targets/target.h"

namespace adze {
namespace {

// Of one sample, over a few: reading it, and running the float network on it.
struct SampleSeconds {
  double read = 0;  // mean: several are decoded at a time
  double run = 0;   // median
};

Result<SampleSeconds> TimeSamples(const Graph& graph, const Dataset& dataset,
                                  const CompressOptions& options, ThreadPool* pool) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {options.isa, {}}));
  Executor executor(lowered.plan, pool);
  constexpr int64_t kTrials = 8;
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, options.recipe.evaluation_split, kTrials, pool));
  SampleSeconds seconds;
  std::vector<double> runs;
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    const Clock::time_point start = Clock::now();
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    seconds.read += since(start);
    const Clock::time_point run_start = Clock::now();
    ADZE_TRY(executor.Run(inputs));
    runs.push_back(since(run_start));
  }
  std::sort(runs.begin(), runs.end());
  const auto batch = static_cast<double>(reader.batch_size());
  seconds.read /= batch * static_cast<double>(runs.size());
  seconds.run = runs[runs.size() / 2] / batch;
  return seconds;
}

// Numbers that a run rounds; a free dimension counts as one.
double Activations(const Graph& graph, const QuantizationPlan& quant) {
  double sum = 0;
  for (const ActivationGroup& group : quant.groups) {
    for (const ValueId v : group.sources) {
      if (!graph.value(v).type.shape) continue;
      double size = 1;
      for (const Dim& d : *graph.value(v).type.shape) {
        if (d.is_const()) size *= static_cast<double>(d.value());
      }
      sum += size;
    }
  }
  return sum;
}

// The constants are fitted to what the stages took on four networks, in samples read and float runs
// (docs/benchmarks.md). `hashed`: samples of both splits; `float_too`: the metric judges the float
// network by itself as well.
void PredictSeconds(const SampleSeconds& seconds, int64_t hashed, bool float_too, double macs,
                    double activations, CompressPlan* plan) {
  const double both = seconds.read + seconds.run;
  const double hash = 2 * seconds.read * static_cast<double>(hashed);
  const double calibrate = both * (4 * static_cast<double>(plan->calibration_samples) + 300);
  const auto evaluation = static_cast<double>(plan->evaluation_samples);
  const double evaluate = evaluation * ((float_too ? 1.2 * both : 0) + both + seconds.run);
  // Of 16 samples every rounded tensor is compared, and latencies are measured for a fixed time.
  const double evidence = 16 * 1.2e-7 * activations + 1.5;
  plan->first_rung_seconds = hash + calibrate + evaluate + evidence;
  const auto scored = static_cast<double>(ScoreSamples(macs, plan->calibration_samples));
  plan->rank_layers_seconds = seconds.run * scored * static_cast<double>(plan->layers);
  // An evaluation, and nine networks to choose the layer.
  plan->more_rung_seconds = 1.2 * both * evaluation + 9 * seconds.run * scored;
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

  ADZE_ASSIGN(const SampleSeconds seconds, TimeSamples(graph, dataset, options, pool));
  double macs = 0;
  for (const WeightUse& use : quant.weights) {
    macs += static_cast<double>(NodeMacs(graph, use.node));
  }
  const bool same_split = recipe.calibration_split == recipe.evaluation_split;
  const int64_t hashed = available + (same_split ? 0 : plan.evaluation_samples);
  const bool float_too = (FindMetric(recipe.metric)->needs & kNeedsReference) == 0;
  PredictSeconds(seconds, hashed, float_too, macs, Activations(graph, quant), &plan);
  return plan;
}

void ChooseMetric(const Graph& graph, const Dataset& dataset, Recipe* recipe) {
  std::string& metric = recipe->metric;
  if (metric.empty()) metric = dataset.evaluate().metric;
  if (metric.empty()) {
    metric = dataset.has_labels() ? "top1" : HasScores(graph, dataset) ? "flip_rate" : "sqnr_db";
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
