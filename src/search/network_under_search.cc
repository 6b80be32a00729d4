#include "search/network_under_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "algos/bias_correction.h"
#include "calib/stage_progress.h"
#include "eval/latency.h"
#include "eval/metric.h"
#include "formats/onnx/onnx.h"
#include "ir/sha256.h"
#include "lower/lower.h"
#include "passes/pass.h"
#include "quant/integer_form.h"
#include "search/checks.h"
#include "search/measured_json.h"
#include "targets/target.h"

namespace adze {
namespace {

using Json = Journal::Json;

// Output errors of candidates: samples, bounded by multiply-accumulates, and how many networks are
// in memory at a time.
constexpr double kScoreMacs = 2e10;
constexpr int64_t kMinScoreSamples = 16;
constexpr int64_t kMaxScoreSamples = 64;
constexpr size_t kNetworksAtOnce = 8;
constexpr double kLatencySeconds = 1.0;

class Timer {
 public:
  Timer(std::vector<std::pair<std::string, double>>* out, std::string name)
      : out_(out), name_(std::move(name)) {}
  ~Timer() {
    const double s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const auto it = std::find_if(out_->begin(), out_->end(),
                                 [&](const auto& stage) { return stage.first == name_; });
    if (it == out_->end()) {
      out_->emplace_back(name_, s);
    } else {
      it->second += s;
    }
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  std::vector<std::pair<std::string, double>>* out_;
  std::string name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Short and unambiguous for any number of layers.
std::string KeyOf(const char* what, const std::set<std::string>& layers) {
  if (layers.empty()) return std::string(what) + ":int8";
  if (layers.size() == 1) return std::string(what) + ":" + *layers.begin();
  Sha256 hash;
  for (const std::string& name : layers) hash.Update(name.c_str(), name.size() + 1);
  return std::string(what) + ":" + std::to_string(layers.size()) + " layers " +
         hash.Finish().substr(0, 32);
}

struct Prepared {
  std::unique_ptr<Executor> executor;
  int64_t memory_bytes = 0;  // weights, and activations of one sample on one thread
};

Result<Prepared> Prepare(const Graph& graph, Isa isa, ThreadPool* pool) {
  Prepared p;
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {isa, {}}));
  p.executor = std::make_unique<Executor>(lowered.plan, pool);
  std::vector<std::vector<int64_t>> dims;
  for (const int32_t i : lowered.plan->inputs) {
    dims.emplace_back();
    for (const Dim& d : lowered.plan->values[static_cast<size_t>(i)].shape) {
      dims.back().push_back(d.is_const() ? d.value() : 1);
    }
  }
  // Threads have workspaces of their own; the figure must not depend on how many there are.
  ThreadPool one(1);
  Executor alone(lowered.plan, &one);
  ADZE_TRY(alone.Prepare(dims));
  p.memory_bytes = alone.Cost().weight_bytes + alone.arena_bytes();
  return p;
}

// What a metric that compares says of a network beside itself: 0 flips, cosine 1.
double OfEqualOutputs(const MetricDef& metric) {
  const float one = 1;
  MetricSample s;
  s.output = s.scores = s.reference = s.reference_scores = {&one, 1};
  MetricState state;
  metric.add(s, &state);
  return metric.finish(state);
}

}  // namespace

int64_t ScoreSamples(double macs, int64_t samples) {
  const auto affordable = static_cast<int64_t>(std::min(kScoreMacs / (1 + macs), 1e6));
  return std::min(std::clamp(affordable, kMinScoreSamples, kMaxScoreSamples), samples);
}

NetworkUnderSearch::NetworkUnderSearch(const Graph& graph, const Dataset& dataset,
                                       const CompressOptions& options, const WorkFolder& work,
                                       Journal* journal, ThreadPool* pool)
    : graph_(graph),
      dataset_(dataset),
      options_(options),
      work_(work),
      journal_(journal),
      pool_(pool) {
  const Recipe& recipe = options.recipe;
  const TargetDef* const target = FindTarget(recipe.target);
  settings_.observer = recipe.observer;
  settings_.split = recipe.calibration_split;
  settings_.samples = recipe.samples;
  settings_.isa = options.isa;
  settings_.quant.fuse_activations = target->fuses_activations;
  settings_.quant.weight_limit = target->weight_limit;
}

Status NetworkUnderSearch::Calibrate() {
  const Timer timer(&seconds_, "calibrate and quantize");
  const char* const key = "base";
  ADZE_ASSIGN(const Json* const known, journal_->Find(key));
  const std::string hash = known != nullptr && known->is_string() ? known->get<std::string>() : "";
  if (!hash.empty()) {
    Result<WorkFolder::Base> base = work_.LoadBase(hash);
    if (base.ok()) base_ = std::move(base).value();
  }
  if (base_.network.adjusted.num_nodes() == 0) {
    const Result<QuantizeResult> result = [&] {
      StageProgress stages(options_.progress);
      QuantizeSettings settings = settings_;
      settings.progress = stages.Function();
      return QuantizeModel(graph_, dataset_, settings, pool_);
    }();
    ADZE_TRY(result);
    ADZE_ASSIGN(const std::string written, work_.SaveBase(*result));
    if (options_.replay != nullptr && written != hash) {
      return InvalidInput(
          "calibration gave another network than the lock's: its measurements say "
          "nothing about this one");
    }
    if (written != hash) ADZE_TRY(journal_->Record(key, written));
    ADZE_ASSIGN(base_, work_.LoadBase(written));
  }
  const QuantizationPlan plan = PlanQuantization(base_.network.equalized, settings_.quant);
  for (const WeightUse& use : plan.weights) {
    const Graph& g = base_.network.equalized;
    layers_.push_back({g.value(g.node(use.node).outputs[0]).name, NodeMacs(g, use.node),
                       g.value(use.weight).constant.size()});
  }
  return OkStatus();
}

Result<MixedNetwork> NetworkUnderSearch::Mix(const std::set<std::string>& float_layers) const {
  QuantSettings quant = settings_.quant;
  quant.keep_float = float_layers;
  return KeepInFloat(base_.network, quant);
}

int64_t NetworkUnderSearch::NumScoreSamples() const {
  double macs = 0;
  for (const Layer& l : layers_) macs += static_cast<double>(l.macs);
  return ScoreSamples(macs, options_.recipe.samples);
}

Result<std::vector<double>> NetworkUnderSearch::OutputErrors(
    std::span<const std::set<std::string>> float_layers) {
  const Timer timer(&seconds_, "measure layers");
  std::vector<double> errors(float_layers.size());
  std::vector<size_t> missing;
  for (size_t i = 0; i < float_layers.size(); ++i) {
    const std::string key = KeyOf("error", float_layers[i]);
    ADZE_ASSIGN(const Json* const known, journal_->Find(key));
    if (known != nullptr && known->is_number()) {
      errors[i] = known->get<double>();
    } else if (options_.replay == nullptr) {
      missing.push_back(i);
    } else {
      return InvalidInput("the measurement '" + key + "' is not a number");
    }
  }
  Graph reference = base_.network.equalized;
  EndAtLogits(&reference);
  ProgressScope scope(missing.empty() ? nullptr : options_.progress,
                      static_cast<int64_t>(missing.size()), "layers", "measuring layers");
  for (size_t begin = 0; begin < missing.size(); begin += kNetworksAtOnce) {
    const size_t count = std::min(kNetworksAtOnce, missing.size() - begin);
    std::vector<Graph> graphs;
    std::vector<const Graph*> pointers;
    for (size_t k = 0; k < count; ++k) {
      ADZE_ASSIGN(MixedNetwork mixed, Mix(float_layers[missing[begin + k]]));
      graphs.push_back(std::move(mixed.graph));
      EndAtLogits(&graphs.back());
    }
    for (const Graph& g : graphs) pointers.push_back(&g);
    ADZE_ASSIGN(
        const std::vector<double> sqnr,
        OutputSqnr(reference, pointers, dataset_, settings_.split, NumScoreSamples(), options_.isa,
                   pool_, std::numeric_limits<double>::infinity(), &score_references_));
    for (size_t k = 0; k < count; ++k) {
      const size_t i = missing[begin + k];
      errors[i] = std::pow(10.0, -sqnr[k] / 10);
      ADZE_TRY(journal_->Record(KeyOf("error", float_layers[i]), errors[i]));
    }
    scope.Advance(static_cast<int64_t>(count));
  }
  return errors;
}

Result<MixedNetwork> NetworkUnderSearch::Build(const Candidate& candidate) const {
  ADZE_ASSIGN(MixedNetwork mixed, Mix(candidate.float_layers));
  if (candidate.float_layers.empty()) return mixed;  // corrected when it was calibrated
  ADZE_TRY(CorrectResults(base_.network.equalized, mixed.graph, mixed.plan, dataset_,
                          settings_.split, NumScoreSamples(), options_.isa, pool_, &mixed.adjusted)
               .status());
  mixed.encodings.graph_hash = GraphHash(mixed.adjusted);
  mixed.graph = mixed.adjusted;
  const std::vector<FloatNode> float_nodes = std::move(mixed.report.float_nodes);
  ADZE_ASSIGN(mixed.report, ApplyEncodings(mixed.graph, mixed.encodings));
  mixed.report.float_nodes = float_nodes;
  return mixed;
}

Result<int64_t> NetworkUnderSearch::Write(const MixedNetwork& network,
                                          const std::string& path) const {
  const bool qoperator = FindTarget(options_.recipe.target)->qoperator;
  Graph copy = network.graph;
  copy.metadata = graph_.metadata;
  ADZE_TRY(RunPipeline(copy, qoperator ? "lower_qoperator" : "lower_qdq"));
  ADZE_TRY(WriteOnnx(copy, path));
  std::error_code none;
  int64_t bytes = static_cast<int64_t>(std::filesystem::file_size(path, none));
  if (std::filesystem::exists(path + ".data", none)) {
    bytes += static_cast<int64_t>(std::filesystem::file_size(path + ".data", none));
  }
  return bytes;
}

Result<Measured> NetworkUnderSearch::MeasureNow(const MixedNetwork& network,
                                                const std::string& path) {
  Measured m;
  ADZE_ASSIGN(m.size_bytes, Write(network, path));
  ADZE_ASSIGN(Prepared quantized, Prepare(network.graph, options_.isa, pool_));
  ADZE_ASSIGN(Prepared real, Prepare(graph_, options_.isa, pool_));
  m.memory_bytes = quantized.memory_bytes;
  m.int8_macs_share = network.report.int8_macs_share;
  EvalOptions eval;
  eval.split = options_.recipe.evaluation_split;
  eval.metric = options_.recipe.metric;
  eval.decode_threads = pool_->num_threads();
  ADZE_ASSIGN(const EvalResult r, EvaluateModel(quantized.executor.get(), real.executor.get(),
                                                dataset_, eval, options_.progress, &reference_));
  m.sqnr_db = JudgedSqnr(r);
  m.value = r.metric == "sqnr_db" ? m.sqnr_db : r.value;
  m.value_ci95 = r.ci95;
  const MetricDef& metric = *FindMetric(r.metric);
  // What reproduces its input has no scores, whatever its shape.
  const bool answers = HasScores(graph_, dataset_) && (metric.needs & kNeedsInput) == 0;
  m.flip_rate = metric.is_rate || answers ? *r.flip_rate : std::nan("");
  if (!metric.is_rate) {
    m.drop_points = std::nan("");
    return m;
  }
  // flip_rate is a drop itself.
  m.drop_points = r.difference ? -100 * *r.difference : 100 * r.value;
  const std::optional<Interval> ci = r.difference ? r.difference_ci95 : r.ci95;
  if (ci) {
    m.drop_ci95_points = r.difference ? Interval{-100 * ci->high, -100 * ci->low}
                                      : Interval{100 * ci->low, 100 * ci->high};
  }
  return m;
}

double NetworkUnderSearch::JudgedSqnr(const EvalResult& result) const {
  double worst = std::nan("");
  for (size_t i = 0; i < result.outputs.size(); ++i) {
    if (!SqnrJudges(graph_, dataset_, i)) continue;
    const double sqnr = result.outputs[i].sqnr_db;
    if (std::isnan(sqnr)) return sqnr;
    if (!(worst <= sqnr)) worst = sqnr;
  }
  return worst;
}

Result<bool> NetworkUnderSearch::Recall(const Journal::Json* known, const std::string& key,
                                        Measured* out) const {
  if (known == nullptr) return false;
  Result<Measured> m = MeasuredFromJson(*known, key);
  if (m.ok()) {
    *out = std::move(m).value();
  } else if (options_.replay != nullptr) {
    return m.status();
  }
  return m.ok();
}

Result<Measured> NetworkUnderSearch::Measure(const Candidate& candidate) {
  const Timer timer(&seconds_, "measure rungs");
  const std::string key = KeyOf("rung", candidate.float_layers);
  ADZE_ASSIGN(const Json* const known, journal_->Find(key));
  Measured m;
  std::optional<MixedNetwork> network;
  ADZE_ASSIGN(const bool usable, Recall(known, key, &m));
  if (!usable) {
    ADZE_ASSIGN(network, Build(candidate));
    ADZE_ASSIGN(m, MeasureNow(*network, work_.File("candidate.onnx")));
    ADZE_TRY(journal_->Record(key, MeasuredToJson(m)));
  }
  if (!options_.recipe.budget.max_latency_ms) return m;
  const std::string latency_key =
      KeyOf(("latency_ms on " + std::to_string(pool_->num_threads()) + " threads").c_str(),
            candidate.float_layers);
  ADZE_ASSIGN(const Json* const latency, journal_->Find(latency_key));
  if (latency != nullptr && latency->is_number()) {
    m.latency_ms = latency->get<double>();
    return m;
  }
  if (!network) {
    ADZE_ASSIGN(network, Build(candidate));
  }
  ADZE_ASSIGN(Prepared prepared, Prepare(network->graph, options_.isa, pool_));
  ADZE_ASSIGN(const Latency measured, MeasureLatency(prepared.executor.get(), kLatencySeconds));
  m.latency_ms = measured.p50_ms;
  ADZE_TRY(journal_->Record(latency_key, *m.latency_ms));
  return m;
}

Result<Measured> NetworkUnderSearch::MeasureFloat(const std::string& float_path) {
  const Timer timer(&seconds_, "measure float network");
  ADZE_ASSIGN(const Json* const known, journal_->Find("float"));
  Measured m;
  ADZE_ASSIGN(const bool usable, Recall(known, "float", &m));
  if (usable) return m;
  std::error_code none;
  m.size_bytes = static_cast<int64_t>(std::filesystem::file_size(float_path, none));
  if (std::filesystem::exists(float_path + ".data", none)) {
    m.size_bytes += static_cast<int64_t>(std::filesystem::file_size(float_path + ".data", none));
  }
  ADZE_ASSIGN(Prepared real, Prepare(graph_, options_.isa, pool_));
  m.memory_bytes = real.memory_bytes;
  const MetricDef& metric = *FindMetric(options_.recipe.metric);
  m.sqnr_db = HUGE_VAL;
  if ((metric.needs & kNeedsReference) != 0) {
    m.value = OfEqualOutputs(metric);
  } else {
    EvalOptions eval;
    eval.split = options_.recipe.evaluation_split;
    eval.metric = options_.recipe.metric;
    eval.decode_threads = pool_->num_threads();
    ADZE_ASSIGN(const EvalResult r,
                EvaluateModel(real.executor.get(), nullptr, dataset_, eval, options_.progress));
    m.value = r.value;
    m.value_ci95 = r.ci95;
  }
  ADZE_TRY(journal_->Record("float", MeasuredToJson(m)));
  return m;
}

std::map<std::string, double> NetworkUnderSearch::KnownGainsDb() const {
  std::map<std::string, double> gains;
  const Journal::Entries& known = journal_->entries();
  const auto base = known.find(KeyOf("error", {}));
  if (base == known.end() || !base->second.is_number()) return gains;
  for (const Layer& l : layers_) {
    const auto alone = known.find(KeyOf("error", {l.name}));
    if (alone == known.end() || !alone->second.is_number()) continue;
    gains[l.name] = 10 * std::log10(base->second.get<double>() / alone->second.get<double>());
  }
  return gains;
}

}  // namespace adze
