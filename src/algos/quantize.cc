#include "algos/quantize.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "algos/adaptive_rounding.h"
#include "algos/auto_select.h"
#include "algos/bias_correction.h"
#include "algos/equalize.h"
#include "algos/layer_reconstruction.h"
#include "algos/ranges.h"
#include "algos/tie_margin.h"
#include "lower/lower.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// Share of a float run over all samples that the search for single tensors may spend (at least a
// few samples): six times as much found nothing better on six networks.
constexpr double kAutoBudget = 0.05;
// Multiply-accumulates that scoring one integer network may take, and the fewest samples for it.
constexpr double kScoreMacs = 1e10;
constexpr int64_t kMinScoreSamples = 32;
// Never far behind the best.
constexpr const char* kRobustObserver = "mse";
// Rounds weights for all observers to be compared: those rounded with an observer's own ranges
// would favour it.
constexpr const char* kUnclipped = "minmax";
// Samples from which the ranges of channels are taken.
constexpr int64_t kEqualizationSamples = 64;
// Samples on which the means of channels are taken for bias correction: they settle early.
constexpr int64_t kMeanSamples = 64;
// Samples whose patches adaptive rounding sees.
constexpr int64_t kRoundingSamples = 64;
// Shares of the useful changes that are tried together, and what they must gain over one observer
// for all tensors: less is within the noise of the few samples they were measured on.
constexpr double kChangeShares[] = {1.0, 0.4};
constexpr double kClearGainDb = 0.05;
// Observers that close cannot be told apart on the samples.
constexpr double kTieDb = 0.1;
// A network that far behind on the first samples is not worth running on the others.
constexpr double kHopelessDb = 1.5;
// Quantizers that differ by less are not worth measuring apart.
constexpr double kSameRange = 0.1;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Quantizer {
 public:
  Quantizer(const Graph& graph, const Dataset& dataset, const QuantizeSettings& settings,
            ThreadPool* pool)
      : graph_(graph), dataset_(dataset), settings_(settings), pool_(pool) {}

  Result<QuantizeResult> Run() {
    if (settings_.observer != "auto" && FindObserver(settings_.observer) == nullptr) {
      std::string known = "auto";
      for (const ObserverDef* o : AllObservers()) known += std::string(", ") + o->name;
      return UsageError("unknown observer '" + settings_.observer + "'; there are " + known);
    }
    if (!(settings_.percentile > 50 && settings_.percentile <= 100)) {
      return UsageError("the percentile must lie above 50 and not above 100");
    }
    if (SizeOf(settings_.quant.activation) != 1 || !IsInteger(settings_.quant.activation)) {
      return Unsupported("activations must be int8 or uint8");
    }
    spec_ = {settings_.quant.activation, settings_.quant.symmetric_activations,
             settings_.percentile};
    plan_ = PlanQuantization(graph_, settings_.quant);
    adjusted_ = graph_;
    ADZE_TRY(EncodeWeights());  // refuses what cannot be encoded before data is read
    const Stopwatch collect;
    if (settings_.equalization) {
      ADZE_TRY(EqualizeChannels());
      ADZE_TRY(EncodeWeights());
    }
    result_.equalized_graph = adjusted_;
    ADZE_TRY(Collect());
    result_.collect_s = collect.Seconds();
    if (settings_.bias_correction) {
      result_.corrected_biases = CorrectBiases(&adjusted_, plan_, weights_, result_.statistics);
    }
    ADZE_ASSIGN(ranges_,
                ProposeRanges(graph_, plan_, result_.statistics, spec_, settings_.isa, pool_));
    const Stopwatch repair;
    if (settings_.adaptive_rounding) ADZE_TRY(RoundWeightsAdaptively());
    result_.apply_s = repair.Seconds();
    const Stopwatch choose;
    if (settings_.observer == "auto") {
      ADZE_TRY(ChooseAutomatically());
    } else {
      chosen_ = ChoicesOf(ObserverIndex(settings_.observer));
    }
    result_.auto_s = choose.Seconds();
    const Stopwatch apply;
    if (settings_.quant.weight_bits < 8) ADZE_TRY(NarrowWeights());
    if (settings_.bias_correction) {
      ADZE_TRY(Build(chosen_, false));
      ADZE_TRY(CorrectResults(graph_, result_.graph, plan_, dataset_, settings_.split,
                              ScoreSamples(), settings_.isa, pool_, &adjusted_)
                   .status());
    }
    ADZE_TRY(Build(chosen_, true));
    result_.apply_s += apply.Seconds();
    result_.encodings.graph_hash = GraphHash(adjusted_);
    result_.adjusted = std::move(adjusted_);
    result_.report.float_nodes = plan_.float_nodes;
    return std::move(result_);
  }

 private:
  // A range per group, with the observer's index (-1: fixed).
  struct Choice {
    RealRange range;
    int observer = -1;
  };

  // In 8 bits until activation ranges are chosen, which are not to make up for the weights' error;
  // then `narrow`: in their own.
  Status EncodeWeights(bool narrow = false) {
    weights_.tensors.clear();
    for (WeightUse use : plan_.weights) {
      if (!narrow) use.storage = DType::kInt8;
      const std::string& name = adjusted_.value(use.weight).name;
      if (weights_.tensors.contains(name)) continue;
      ADZE_ASSIGN(weights_.tensors[name],
                  WeightEncoding(adjusted_, use, settings_.quant.weight_limit));
    }
    return OkStatus();
  }

  CollectOptions Collecting(int64_t samples) const {
    CollectOptions options;
    options.split = settings_.split;
    options.samples = samples;
    options.isa = settings_.isa;
    options.progress = settings_.progress;
    return options;
  }

  // Where activations need channel factors to be equalized, graph_, plan_ and adjusted_ get them.
  Status EqualizeChannels() {
    CollectOptions options = Collecting(std::min(kEqualizationSamples, settings_.samples));
    options.values = options.channel_values = EqualizationInputs(graph_, plan_);
    if (options.values.empty()) return OkStatus();
    ADZE_ASSIGN(Statistics statistics, CollectStatistics(graph_, dataset_, options, pool_));
    ADZE_TRY(AddUsefulFactors(&statistics));
    for (const Equalization& e : FindEqualizations(graph_, plan_, statistics)) {
      Equalize(e, &adjusted_);
      ++result_.equalized;
    }
    return OkStatus();
  }

  // Tries factors everywhere, and keeps those that an equalization uses.
  Status AddUsefulFactors(Statistics* statistics) {
    const std::vector<ValueId> places = ChannelFactorPlaces(graph_, plan_);
    if (places.empty()) return OkStatus();
    Graph trial = graph_;
    ADZE_TRY(InsertChannelFactors(&trial, places));
    std::map<ValueId, ValueId> place_of;  // product -> factor's place
    for (const ValueId place : places) {
      const ValueId product = trial.node(trial.users(place)[0]).outputs[0];
      place_of[product] = place;
      const auto record = statistics->tensors.find(graph_.value(place).name);
      if (record != statistics->tensors.end()) {
        statistics->tensors[trial.value(product).name] = record->second;
      }
    }
    std::vector<ValueId> useful;
    for (const Equalization& e :
         FindEqualizations(trial, PlanQuantization(trial, settings_.quant), *statistics)) {
      for (const Equalization::Use& use : e.producers) {
        const auto it = place_of.find(trial.node(use.node).outputs[0]);
        if (it != place_of.end()) useful.push_back(it->second);
      }
    }
    ADZE_TRY(InsertChannelFactors(&graph_, useful));
    adjusted_ = graph_;
    plan_ = PlanQuantization(graph_, settings_.quant);
    return OkStatus();
  }

  Status Collect() {
    if (settings_.statistics != nullptr) {
      result_.statistics = *settings_.statistics;
      if (result_.statistics.graph_hash != GraphHash(adjusted_)) {
        return InvalidInput("the statistics were made from another graph");
      }
      return OkStatus();
    }
    CollectOptions options = Collecting(settings_.samples);
    for (const ActivationGroup& group : plan_.groups) {
      if (!group.needs_statistics) continue;
      for (const ValueId v : group.sources) {
        if (!graph_.value(v).is_constant()) options.values.push_back(v);
      }
    }
    if (settings_.bias_correction) {
      options.channel_values = BiasCorrectionInputs(graph_, plan_);
      options.channel_samples = kMeanSamples;
      for (const ValueId v : options.channel_values) {
        if (std::find(options.values.begin(), options.values.end(), v) == options.values.end()) {
          options.values.push_back(v);
        }
      }
    }
    ADZE_ASSIGN(result_.statistics, CollectStatistics(adjusted_, dataset_, options, pool_));
    return OkStatus();
  }

  std::vector<Choice> ChoicesOf(int observer) const {
    std::vector<Choice> out;
    for (size_t g = 0; g < plan_.groups.size(); ++g) {
      const bool measured = plan_.groups[g].needs_statistics;
      out.push_back({ranges_[g][static_cast<size_t>(observer)], measured ? observer : -1});
    }
    return out;
  }

  static int ObserverIndex(const std::string& name) {
    const auto observers = AllObservers();
    int index = 0;
    while (name != observers[static_cast<size_t>(index)]->name) ++index;
    return index;
  }

  RoundingSettings Rounding() const {
    RoundingSettings rounding;
    rounding.split = settings_.split;
    rounding.samples = std::min(kRoundingSamples, settings_.samples);
    rounding.correct_bias = settings_.bias_correction;
    rounding.limit = settings_.quant.weight_limit;
    rounding.isa = settings_.isa;
    rounding.progress = settings_.progress;
    return rounding;
  }

  // Before `auto` compares ranges, so that it does so on the weights they will meet.
  Status RoundWeightsAdaptively() {
    const bool automatic = settings_.observer == "auto";
    ADZE_TRY(Build(ChoicesOf(ObserverIndex(automatic ? kUnclipped : settings_.observer)), false));
    ADZE_ASSIGN(result_.rounded, RoundAdaptively(result_.graph, plan_, result_.encodings, dataset_,
                                                 Rounding(), pool_, &adjusted_));
    return OkStatus();
  }

  AffineParams ParamsOf(size_t group, const RealRange& r) const {
    return ChooseAffineParams(r.min, r.max, plan_.groups[group].storage, spec_.symmetric);
  }

  // From the float weights again, with the ranges that were chosen.
  Status NarrowWeights() {
    adjusted_ = result_.equalized_graph;
    ADZE_TRY(EncodeWeights(true));
    if (!settings_.adaptive_rounding) {
      if (settings_.bias_correction) {
        result_.corrected_biases = CorrectBiases(&adjusted_, plan_, weights_, result_.statistics);
      }
      return OkStatus();
    }
    const auto rebuild = [&]() -> Result<Graph> {
      Quantized q;
      ADZE_TRY(QuantizeWith(chosen_, false, &q));
      return std::move(q.graph);
    };
    ADZE_ASSIGN(Graph quantized, rebuild());
    const bool narrow = IsNarrow(settings_.quant.activation);
    ADZE_ASSIGN(result_.rounded, ReconstructLayers(result_.equalized_graph, plan_, dataset_,
                                                   Rounding(), narrow ? rebuild : Rebuild(), pool_,
                                                   std::move(quantized), &adjusted_, &weights_));
    return OkStatus();
  }

  // The best single observer by the error of the integer network; from there, ranges of other
  // observers for single tensors where they lower the error, all or the most useful of them, if the
  // integer network agrees.
  Status ChooseAutomatically() {
    const size_t num_observers = AllObservers().size();
    std::vector<std::vector<Choice>> variants;
    for (size_t o = 0; o < num_observers; ++o) variants.push_back(ChoicesOf(static_cast<int>(o)));
    ADZE_ASSIGN(std::vector<double> sqnr, Score(variants));
    size_t observer = static_cast<size_t>(
        std::distance(sqnr.begin(), std::max_element(sqnr.begin(), sqnr.end())));
    const size_t robust = static_cast<size_t>(ObserverIndex(kRobustObserver));
    if (sqnr[robust] > sqnr[observer] - kTieDb) observer = robust;
    for (size_t o = 0; o < num_observers; ++o) {
      result_.scores.push_back({AllObservers()[o]->name, sqnr[o]});
    }
    double best = sqnr[observer];
    chosen_ = variants[observer];

    ADZE_ASSIGN(const std::vector<Change> changes, UsefulChanges(observer));
    double mixed = best;
    bool changed = false;
    variants.clear();
    for (const double share : kChangeShares) {
      std::vector<Choice> choices = ChoicesOf(static_cast<int>(observer));
      const size_t count =
          static_cast<size_t>(std::ceil(share * static_cast<double>(changes.size())));
      for (size_t i = 0; i < count; ++i) {
        const Change& c = changes[i];
        choices[c.group] = {ranges_[c.group][c.observer], static_cast<int>(c.observer)};
      }
      variants.push_back(std::move(choices));
    }
    if (!changes.empty()) {
      ADZE_ASSIGN(sqnr, Score(variants));
      mixed = sqnr[0];
      for (size_t v = 0; v < variants.size(); ++v) {
        mixed = std::max(mixed, sqnr[v]);
        if (sqnr[v] < best + (changed ? 0 : kClearGainDb)) continue;
        best = sqnr[v];
        chosen_ = variants[v];
        changed = true;
      }
    }
    result_.scores.insert(result_.scores.begin(), {"per tensor", mixed});
    result_.scores.insert(result_.scores.begin(), {"auto", best});
    return OkStatus();
  }

  struct Change {
    size_t group;
    size_t observer;
    double error;  // of the outputs, with this change alone
  };

  // Changes of one group's range that lower the output error of the network quantized by
  // `observer`, most useful first.
  Result<std::vector<Change>> UsefulChanges(size_t observer) {
    std::vector<Candidates> candidates;
    for (size_t g = 0; g < plan_.groups.size(); ++g) {
      std::vector<AffineParams> proposals;
      for (const RealRange& r : ranges_[g]) proposals.push_back(ParamsOf(g, r));
      // The base is the first: what hardly differs from it is no candidate.
      std::swap(proposals[0], proposals[observer]);
      const bool measured = plan_.groups[g].needs_statistics;
      if (!measured) proposals.resize(1);
      candidates.push_back(Shortlist(proposals, plan_.groups[g].storage, kSameRange));
      if (measured) {
        std::swap(candidates[g].of_observer[0], candidates[g].of_observer[observer]);
      }
      num_candidates_.push_back(measured ? static_cast<int>(candidates[g].params.size()) : 0);
    }
    Graph simulated = adjusted_;
    RoundWeights(&simulated, plan_, weights_);
    if (settings_.quant.float_tail) EndAtLogits(&simulated);
    Graph reference = graph_;
    if (settings_.quant.float_tail) EndAtLogits(&reference);
    const double budget = kAutoBudget * static_cast<double>(result_.statistics.samples);
    ADZE_ASSIGN(const CandidateErrors errors,
                MeasureCandidates(reference, std::move(simulated), plan_, candidates, dataset_,
                                  settings_, budget, pool_));
    std::vector<Change> changes;
    for (size_t g = 0; g < plan_.groups.size(); ++g) {
      const std::vector<double>& of = errors.of[g];
      const auto least = std::min_element(of.begin(), of.end());
      if (!(*least < errors.base)) continue;
      const int candidate = static_cast<int>(least - of.begin());
      const std::vector<int>& observers = candidates[g].of_observer;
      changes.push_back(
          {g,
           static_cast<size_t>(std::find(observers.begin(), observers.end(), candidate) -
                               observers.begin()),
           *least});
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [](const Change& a, const Change& b) { return a.error < b.error; });
    return changes;
  }

  // SQNR of the outputs of the integer network, in dB, for each of these choices.
  Result<std::vector<double>> Score(const std::vector<std::vector<Choice>>& variants) {
    std::vector<Quantized> quantized(variants.size());
    std::vector<Status> statuses(variants.size());
    pool_->ParallelFor(static_cast<int64_t>(variants.size()), [&](int64_t i, int) {
      const size_t k = static_cast<size_t>(i);
      statuses[k] = QuantizeWith(variants[k], false, &quantized[k]);
      if (settings_.quant.float_tail) EndAtLogits(&quantized[k].graph);
    });
    for (const Status& s : statuses) ADZE_TRY(s);
    std::vector<const Graph*> pointers;
    for (const Quantized& q : quantized) pointers.push_back(&q.graph);
    Graph reference = graph_;
    if (settings_.quant.float_tail) EndAtLogits(&reference);
    return OutputSqnr(reference, pointers, dataset_, settings_.split, ScoreSamples(), settings_.isa,
                      pool_, kHopelessDb, &references_);
  }

  // How many samples whole networks are judged on.
  int64_t ScoreSamples() const {
    double macs = 1;
    for (const NodeId id : graph_.top().nodes) macs += static_cast<double>(NodeMacs(graph_, id));
    const auto affordable = static_cast<int64_t>(std::min(kScoreMacs / macs, 1e6));
    return std::min(std::max(affordable, kMinScoreSamples), settings_.samples);
  }

  struct Quantized {
    Encodings encodings;
    Graph graph;
    ApplyReport report;
  };

  // adjusted_ with these choices. `portable`: rounding alike in every runtime (KeepFromTies), as it
  // leaves.
  Status QuantizeWith(const std::vector<Choice>& choices, bool portable, Quantized* out) const {
    Encodings& e = out->encodings;
    e = weights_;
    e.graph_hash = result_.statistics.graph_hash;
    for (size_t g = 0; g < plan_.groups.size(); ++g) {
      const Choice& choice = choices[g];
      const AffineParams p = ParamsOf(g, choice.range);
      TensorEncoding encoding;
      encoding.type = {plan_.groups[g].storage, {p.scale}, {p.zero_point}};
      encoding.provenance.observer = ObserverName(choice);
      encoding.provenance.range_min = choice.range.min;
      encoding.provenance.range_max = choice.range.max;
      for (const ValueId v : plan_.groups[g].values) {
        e.tensors[EncodingName(graph_, v)] = encoding;
      }
    }
    if (portable) KeepFromTies(graph_, plan_, &e);
    ADZE_ASSIGN(std::vector<BiasRepair> repairs, RepairBiasOverflow(adjusted_, &e));
    out->graph = adjusted_;
    ADZE_ASSIGN(out->report, ApplyEncodings(out->graph, e));
    out->report.repairs = std::move(repairs);
    return OkStatus();
  }

  static const char* ObserverName(const Choice& choice) {
    return choice.observer < 0 ? "fixed"
                               : AllObservers()[static_cast<size_t>(choice.observer)]->name;
  }

  // The result so far, with these choices.
  Status Build(const std::vector<Choice>& choices, bool portable) {
    Quantized q;
    ADZE_TRY(QuantizeWith(choices, portable, &q));
    result_.encodings = std::move(q.encodings);
    result_.graph = std::move(q.graph);
    result_.report = std::move(q.report);
    result_.choices.clear();
    for (size_t g = 0; g < plan_.groups.size(); ++g) {
      result_.choices.push_back({EncodingName(graph_, plan_.groups[g].values[0]),
                                 ObserverName(choices[g]), choices[g].range,
                                 num_candidates_.empty() ? 0 : num_candidates_[g]});
    }
    return OkStatus();
  }

  Graph graph_;  // the caller's, with channel factors of 1 where equalization wants them
  ReferenceOutputs references_;  // of graph_ on the samples for scores
  Graph adjusted_;               // graph_, equalized and with corrected biases
  const Dataset& dataset_;
  const QuantizeSettings& settings_;
  ThreadPool* pool_;
  ObserverSpec spec_;
  QuantizationPlan plan_;
  Encodings weights_;
  std::vector<std::vector<RealRange>> ranges_;  // [group][observer]
  std::vector<int> num_candidates_;
  std::vector<Choice> chosen_;
  QuantizeResult result_;
};

}  // namespace

Result<QuantizeResult> QuantizeModel(const Graph& graph, const Dataset& dataset,
                                     const QuantizeSettings& settings, ThreadPool* pool) {
  for (NodeId id : graph.top().nodes) {
    // Lowering refuses such a network, naming every node it cannot run.
    if (FindOp(graph.node(id).op) == nullptr) return Lower(graph, {}).status();
  }
  return Quantizer(graph, dataset, settings, pool).Run();
}

}  // namespace adze
