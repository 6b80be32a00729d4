#include "search/sensitivity/sensitivity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "algos/auto_select.h"
#include "algos/fake_quant.h"
#include "calib/fisher.h"
#include "calib/hessian_trace.h"
#include "calib/stage_progress.h"
#include "eval/metric.h"
#include "lower/lower.h"
#include "quant/integer_form.h"
#include "runtime/executor.h"
#include "search/checks.h"
#include "search/sensitivity/suffix.h"

namespace adze {
namespace {

// Networks in memory at a time.
constexpr size_t kNetworksAtOnce = 8;

const MetricDef* MetricOf(const Dataset& dataset) {
  const std::string& name = dataset.evaluate().metric;
  const MetricDef* const metric = FindMetric(name.empty() ? "top1" : name);
  const bool usable = metric != nullptr && dataset.has_labels() && metric->needs == kNeedsLabel;
  return usable ? metric : nullptr;
}

// Accumulates what one network's outputs say beside the float network's.
class Judge {
 public:
  Judge(const Dataset& dataset, size_t output, bool scores, const MetricDef* metric)
      : drop_first_(dataset.evaluate().drop_first_class),
        output_(output),
        scores_(scores),
        metric_(metric) {}

  void Add(const std::vector<Tensor>& reference, const std::vector<Tensor>& outputs,
           const std::vector<std::optional<int64_t>>& labels) {
    for (size_t o = 0; o < outputs.size(); ++o) {
      error_.Collect(o, reference[o].values<float>(), outputs[o].values<float>());
    }
    if (!scores_) return;
    const auto rows = static_cast<int64_t>(labels.size());
    const int64_t width = outputs[output_].size() / rows;
    for (int64_t r = 0; r < rows; ++r) {
      const auto row = [&](const Tensor& t) {
        const std::span<const float> all =
            t.values<float>().subspan(static_cast<size_t>(r * width), static_cast<size_t>(width));
        return drop_first_ && !all.empty() ? all.subspan(1) : all;
      };
      MetricSample s;
      s.output = s.scores = row(outputs[output_]);
      s.reference = s.reference_scores = row(reference[output_]);
      FindMetric("flip_rate")->add(s, &flips_);
      FindMetric("mean_kl")->add(s, &kl_);
      const std::optional<int64_t>& label = labels[static_cast<size_t>(r)];
      if (metric_ == nullptr || !label || *label < 0 ||
          *label >= static_cast<int64_t>(s.scores.size())) {
        continue;
      }
      s.label = *label;
      metric_->add(s, &value_);
      s.output = s.scores = s.reference;
      metric_->add(s, &reference_value_);
    }
  }

  OutputEffect Finish() const {
    const auto of = [](const MetricDef& metric, const MetricState& state) {
      return state.samples > 0 ? metric.finish(state) : std::nan("");
    };
    OutputEffect e;
    const double error = error_.Finish();
    e.sqnr_db = std::isnan(error) ? -INFINITY : error > 0 ? -10 * std::log10(error) : INFINITY;
    e.flip_rate = of(*FindMetric("flip_rate"), flips_);
    e.mean_kl = of(*FindMetric("mean_kl"), kl_);
    e.drop = std::nan("");
    if (metric_ != nullptr) {
      const double change = of(*metric_, value_) - of(*metric_, reference_value_);
      e.drop = (metric_->higher_is_better ? -change : change) + 0.0;  // no -0
    }
    return e;
  }

 private:
  bool drop_first_;
  size_t output_;
  bool scores_;
  const MetricDef* metric_;
  OutputError error_;
  MetricState flips_, kl_, value_, reference_value_;
};

std::vector<Tensor> ReadOutputs(const Executor& executor) {
  std::vector<Tensor> out;
  for (const int32_t index : executor.plan().outputs) out.push_back(executor.ReadFloat(index));
  return out;
}

double Macs(const Graph& graph) {
  double macs = 0;
  for (const NodeId id : graph.top().nodes) macs += static_cast<double>(NodeMacs(graph, id));
  return macs;
}

class Measurement {
 public:
  Measurement(const QuantizeResult& result, const QuantizationPlan& plan, const Dataset& dataset,
              const SensitivityOptions& options, ThreadPool* pool)
      : plan_(plan),
        encodings_(result.encodings),
        dataset_(dataset),
        options_(options),
        pool_(pool),
        real_(result.equalized_graph),
        quantized_(result.adjusted) {
    metric_ = MetricOf(dataset);
    scores_ = HasScores(real_, dataset);
    for (size_t i = 0; i < real_.top().outputs.size(); ++i) {
      const EvaluateSpec& spec = dataset.evaluate();
      const std::string& name = real_.value(real_.top().outputs[i]).name;
      if (spec.output_name.empty() ? static_cast<int64_t>(i) == spec.output_index
                                   : name == spec.output_name) {
        output_ = i;
      }
    }
    EndAtLogits(&real_);
    EndAtLogits(&quantized_);
    weights_ = quantized_;
    for (const ActivationGroup& group : plan.groups) {
      for (const ValueId v : FakeQuantPoints(result.equalized_graph, group)) {
        InsertFakeQuant(&quantized_, v, ArgsOf(v), "");
      }
    }
  }

  Result<Sensitivity> Run() {
    const auto start = std::chrono::steady_clock::now();
    Sensitivity s;
    if (metric_ != nullptr) s.metric = metric_->name;
    ProgressScope scope(options_.progress, 2 * static_cast<int64_t>(plan_.weights.size()) + 1,
                        "networks", "measuring layers");
    // The float network's outputs and the fully quantized network.
    std::vector<Variant> all(1);
    all[0].suffix = {quantized_, quantized_.top().inputs};
    ADZE_TRY(MeasureChunk(&all, real_, &s.samples, &scope));
    s.all = all[0].effect;
    std::vector<OutputEffect> alone, kept;
    std::vector<double> errors;  // of the layers' results, alone
    double ran = 0;
    for (const bool in_float : {false, true}) {
      for (size_t begin = 0; begin < plan_.weights.size(); begin += kNetworksAtOnce) {
        std::vector<Variant> chunk;
        for (size_t i = begin; i < std::min(begin + kNetworksAtOnce, plan_.weights.size()); ++i) {
          const WeightUse& use = plan_.weights[i];
          chunk.push_back(in_float ? KeptInFloat(use) : QuantizedAlone(use));
          ran += Macs(chunk.back().suffix.graph);
        }
        ADZE_TRY(MeasureChunk(&chunk, in_float ? quantized_ : real_, &s.samples, &scope));
        for (const Variant& v : chunk) {
          (in_float ? kept : alone).push_back(v.effect);
          if (!in_float) errors.push_back(v.result_error);
        }
      }
    }
    const std::vector<double> fisher = Fisher(&s.notes);
    const std::vector<double> hessian = Hessian(&s.notes);
    std::vector<double> noise, gain, flips, divergence, fisher_kl, hessian_noise;
    for (size_t i = 0; i < plan_.weights.size(); ++i) {
      const WeightUse& use = plan_.weights[i];
      const Node& n = real_.node(use.node);
      LayerSensitivity l;
      l.result = real_.value(n.outputs[0]).name;
      l.name = n.name.empty() ? l.result : n.name;
      l.op = n.op.ToString();
      l.macs = NodeMacs(real_, use.node);
      l.parameters = real_.value(use.weight).constant.size();
      l.quantized = alone[i];
      l.kept = kept[i];
      l.gain_db = l.kept.sqnr_db - s.all.sqnr_db;
      l.fisher_kl = 0.5 * fisher[i] * errors[i];
      l.hessian_db = -10 * std::log10(hessian[i]);
      divergence.push_back(l.quantized.mean_kl);
      fisher_kl.push_back(l.fisher_kl);
      hessian_noise.push_back(hessian[i]);
      noise.push_back(-l.quantized.sqnr_db);
      gain.push_back(l.gain_db);
      flips.push_back(l.quantized.flip_rate);
      s.layers.push_back(std::move(l));
    }
    s.agreement_kept = RankCorrelation(noise, gain);
    s.agreement_flips = scores_ ? RankCorrelation(noise, flips) : std::nan("");
    s.agreement_hessian = RankCorrelation(noise, hessian_noise);
    s.agreement_fisher = RankCorrelation(divergence, fisher_kl);
    s.share_repeated = ran / (2.0 * static_cast<double>(plan_.weights.size()) * Macs(real_));
    s.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return s;
  }

 private:
  // A network that differs from a base.
  struct Variant {
    Suffix suffix;
    ValueId result = kNoId;  // of a layer: what its error is measured of
    OutputEffect effect;
    double result_error = 0;  // squares, summed; mean over batches
  };

  FakeQuantArgs ArgsOf(ValueId v) const {
    const int group = plan_.group_of[static_cast<size_t>(v)];
    const QuantType& type = encodings_.tensors.at(EncodingName(real_, v)).type;
    return FakeQuantOf({type.scale[0], type.zero_point[0]},
                       plan_.groups[static_cast<size_t>(group)].storage);
  }

  static void TakeConstants(const Graph& from, NodeId node, Graph* to) {
    const QuantRole& role = FindOp(from.node(node).op)->quant;
    for (const int i : {role.weight_input, role.bias_input}) {
      if (i < 0) continue;
      const ValueId v = from.input(node, i);
      if (v == kNoId) {
        if (to->input(node, i) != kNoId) to->SetInput(node, i, kNoId);
        continue;
      }
      if (!from.value(v).is_constant()) continue;
      // Other layers may share what `to` has there.
      const std::string name = to->UniqueName(from.value(v).name + "_tried");
      to->SetInput(node, i, to->AddConstant(name, from.value(v).constant));
    }
  }

  // Of real_.
  Variant QuantizedAlone(const WeightUse& use) const {
    Graph g = real_;
    TakeConstants(weights_, use.node, &g);
    std::set<NodeId> changed = {use.node};
    const ValueId input = g.input(use.node, 0);
    if (plan_.group_of[static_cast<size_t>(input)] >= 0) {
      const NodeId fake = g.AddNode(OpType::Intern(kAdzeDomain, "FakeQuant"), "", {input},
                                    {g.UniqueName(g.value(input).name + "_tried")},
                                    FakeQuantAttrs(ArgsOf(input)), 0, use.node);
      const ValueId rounded = g.node(fake).outputs[0];
      g.SetType(rounded, g.value(input).type);
      g.SetInput(use.node, 0, rounded);
      changed.insert(fake);
    }
    return {SuffixFrom(g, changed), g.node(use.node).outputs[0], {}, 0};
  }

  // Of quantized_.
  Variant KeptInFloat(const WeightUse& use) const {
    Graph g = quantized_;
    TakeConstants(real_, use.node, &g);
    const Node* const rounding = g.producer(g.input(use.node, 0));
    if (rounding != nullptr && rounding->op.Is(kAdzeDomain, "FakeQuant")) {
      g.SetInput(use.node, 0, rounding->inputs[0]);
    }
    return {SuffixFrom(g, {use.node}), kNoId, {}, 0};
  }

  // Fisher information per element of every layer's result; NaN where there is none.
  std::vector<double> Fisher(std::vector<std::string>* notes) const {
    std::vector<double> none(plan_.weights.size(), std::nan(""));
    if (!options_.gradients) return none;
    FisherOptions fisher;
    fisher.split = options_.split;
    fisher.samples = options_.samples;
    fisher.isa = options_.isa;
    for (const WeightUse& use : plan_.weights) {
      fisher.values.push_back(real_.node(use.node).outputs[0]);
    }
    const Result<std::vector<double>> got = CollectFisher(real_, dataset_, fisher, pool_);
    if (got.ok()) return *got;
    notes->push_back("no Fisher information: " + got.status().message());
    return none;
  }

  // Error of the outputs over their power that rounded weights alone are expected to make.
  std::vector<double> Hessian(std::vector<std::string>* notes) const {
    std::vector<double> none(plan_.weights.size(), std::nan(""));
    if (!options_.gradients) return none;
    std::vector<ValueId> weights;
    for (const WeightUse& use : plan_.weights) weights.push_back(use.weight);
    Result<std::vector<double>> got = CollectHessianTrace(
        real_, dataset_, weights, {options_.split, options_.samples, options_.isa}, pool_);
    if (!got.ok()) {
      notes->push_back("no Hessian: " + got.status().message());
      return none;
    }
    double power = 0;
    for (const std::vector<Tensor>& outputs : references_) {
      for (const Tensor& t : outputs) {
        for (const float y : t.values<float>()) power += double{y} * y;
      }
    }
    power /= static_cast<double>(references_.size());
    for (size_t i = 0; i < weights.size(); ++i) {
      double error = 0;
      const Tensor& w = real_.value(weights[i]).constant;
      const Tensor& rounded = weights_.value(weights_.input(plan_.weights[i].node, 1)).constant;
      for (int64_t k = 0; k < w.size(); ++k) {
        const double d = double{rounded.data<float>()[k]} - w.data<float>()[k];
        error += d * d;
      }
      (*got)[i] *= error / std::max(power, 1e-30);
    }
    return *got;
  }

  // Runs `base` over the samples, and beside it the variants on what it leaves.
  Status MeasureChunk(std::vector<Variant>* chunk, const Graph& base, int64_t* samples,
                      ProgressScope* scope) {
    std::vector<Variant>& variants = *chunk;
    LowerOptions lower{options_.isa, {}};
    std::vector<ValueId> taps;
    for (const Variant& v : variants) {
      for (const ValueId in : v.suffix.inputs) {
        if (base.value(in).producer != kNoId) taps.push_back(in);
      }
      if (v.result != kNoId) taps.push_back(v.result);
    }
    std::sort(taps.begin(), taps.end());
    taps.erase(std::unique(taps.begin(), taps.end()), taps.end());
    lower.taps = taps;
    ADZE_ASSIGN(const LoweredPlan lowered, Lower(base, lower));
    Executor whole(lowered.plan, pool_);
    std::vector<std::unique_ptr<ThreadPool>> own;
    std::vector<std::unique_ptr<Executor>> executors(variants.size());
    std::vector<Status> statuses(variants.size());
    std::vector<int32_t> results(variants.size());
    std::vector<Judge> judges(variants.size(), Judge(dataset_, output_, scores_, metric_));
    for (size_t i = 0; i < variants.size(); ++i) own.push_back(std::make_unique<ThreadPool>(1));
    const auto for_each = [&](const std::function<Status(size_t)>& work) -> Status {
      pool_->ParallelFor(static_cast<int64_t>(variants.size()), [&](int64_t i, int) {
        statuses[static_cast<size_t>(i)] = work(static_cast<size_t>(i));
      });
      for (const Status& s : statuses) ADZE_TRY(s);
      return OkStatus();
    };
    ADZE_TRY(for_each([&](size_t i) -> Status {
      LowerOptions mine{options_.isa, {}};
      if (variants[i].result != kNoId) mine.taps.push_back(variants[i].result);
      ADZE_ASSIGN(const LoweredPlan plan, Lower(variants[i].suffix.graph, mine));
      if (variants[i].result != kNoId) results[i] = plan.taps[0];
      executors[i] = std::make_unique<Executor>(plan.plan, own[i].get());
      return OkStatus();
    }));
    ADZE_ASSIGN(SampleReader reader,
                SampleReader::Create(real_, dataset_, options_.split, options_.samples, pool_));
    *samples = reader.num_batches() * reader.batch_size();
    const bool keep = references_.empty();
    for (int64_t b = 0; b < reader.num_batches(); ++b) {
      SampleReader::Batch batch;
      ADZE_TRY(reader.Next(&batch));
      ADZE_TRY(whole.Run(batch.inputs));
      if (keep) references_.push_back(ReadOutputs(whole));
      std::map<ValueId, Tensor> given;
      for (size_t t = 0; t < taps.size(); ++t) given[taps[t]] = whole.ReadFloat(lowered.taps[t]);
      const auto& inputs = base.top().inputs;
      ADZE_TRY(for_each([&](size_t i) -> Status {
        std::vector<ConstTensorView> views;
        for (const ValueId in : variants[i].suffix.inputs) {
          const auto it = given.find(in);
          if (it != given.end()) {
            views.push_back(it->second.view());
          } else {
            const auto at = std::find(inputs.begin(), inputs.end(), in) - inputs.begin();
            views.push_back(batch.inputs[static_cast<size_t>(at)]);
          }
        }
        ADZE_TRY(executors[i]->Run(views));
        if (variants[i].result != kNoId) {
          const Tensor& want = given.at(variants[i].result);
          const Tensor got = executors[i]->ReadFloat(results[i]);
          for (int64_t k = 0; k < got.size(); ++k) {
            const double d = double{got.data<float>()[k]} - want.data<float>()[k];
            variants[i].result_error += d * d / static_cast<double>(reader.num_batches());
          }
        }
        judges[i].Add(references_[static_cast<size_t>(b)], ReadOutputs(*executors[i]),
                      batch.labels);
        return OkStatus();
      }));
    }
    for (size_t i = 0; i < variants.size(); ++i) variants[i].effect = judges[i].Finish();
    scope->Advance(static_cast<int64_t>(variants.size()));
    return OkStatus();
  }

  const QuantizationPlan& plan_;
  const Encodings& encodings_;
  const Dataset& dataset_;
  const SensitivityOptions& options_;
  ThreadPool* pool_;
  Graph real_;
  Graph quantized_;  // weights rounded, adze.FakeQuant where activations are
  Graph weights_;    // weights rounded only
  const MetricDef* metric_ = nullptr;
  bool scores_ = false;
  size_t output_ = 0;
  std::vector<std::vector<Tensor>> references_;  // the float network's outputs per batch
};

}  // namespace

double RankCorrelation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto ranks = [](const std::vector<double>& x) {
    std::vector<size_t> order(x.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return x[i] < x[j]; });
    std::vector<double> rank(x.size());
    for (size_t i = 0; i < order.size();) {
      size_t end = i;
      while (end < order.size() && x[order[end]] == x[order[i]]) ++end;
      for (size_t k = i; k < end; ++k) {
        rank[order[k]] = 0.5 * (static_cast<double>(i) + static_cast<double>(end) - 1);
      }
      i = end;
    }
    return rank;
  };
  const auto finite = [](double x) { return !std::isnan(x); };
  if (!std::all_of(a.begin(), a.end(), finite) || !std::all_of(b.begin(), b.end(), finite)) {
    return std::nan("");
  }
  const std::vector<double> x = ranks(a);
  const std::vector<double> y = ranks(b);
  const double middle = 0.5 * (static_cast<double>(x.size()) - 1);
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : std::nan("");
}

Result<Sensitivity> MeasureSensitivity(const Graph& graph, const Dataset& dataset,
                                       const SensitivityOptions& options, ThreadPool* pool) {
  if (PlanQuantization(graph, options.quantize.quant).weights.empty()) {
    return Unsupported("no convolution or matrix product of it can be quantized");
  }
  ADZE_TRY(dataset.NumSamples(options.split).status());  // before long work
  QuantizeSettings settings = options.quantize;
  settings.isa = options.isa;
  const Result<QuantizeResult> result = [&] {
    StageProgress stages(options.progress);
    settings.progress = stages.Function();
    return QuantizeModel(graph, dataset, settings, pool);
  }();
  ADZE_TRY(result);
  const QuantizationPlan plan = PlanQuantization(result->equalized_graph, settings.quant);
  return Measurement(*result, plan, dataset, options, pool).Run();
}

}  // namespace adze
