#include "eval/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "data/batch_reader.h"
#include "eval/metric.h"
#include "ops/op_util.h"

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The numbers of an output for one sample: row `i` of `rows`.
Result<std::span<const float>> RowOf(const Tensor& output, int64_t i, int64_t rows,
                                     const std::string& name) {
  const bool has_rows = output.rank() >= 1 && output.dims()[0] == rows;
  if (rows != 1 && !has_rows) {
    return Unsupported("output '" + name + "' has shape " + ShapeToString(ToShape(output.dims())) +
                       ", not one row per sample; use batch 1");
  }
  const int64_t size = output.size() / rows;
  return output.values<float>().subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
}

std::vector<Tensor> ReadOutputs(const Executor& executor) {
  std::vector<Tensor> outputs;
  for (const int32_t v : executor.plan().outputs) outputs.push_back(executor.ReadFloat(v));
  return outputs;
}

Result<size_t> FindOutput(const Plan& plan, const Dataset& dataset) {
  const EvaluateSpec& spec = dataset.evaluate();
  const auto name_of = [&](size_t i) {
    return plan.values[static_cast<size_t>(plan.outputs[i])].name;
  };
  if (spec.output_name.empty()) {
    const size_t index = static_cast<size_t>(spec.output_index);
    if (index < plan.outputs.size()) return index;
    return InvalidInput(dataset.path() + ": output_index " + std::to_string(index) +
                        ", but the network has " + std::to_string(plan.outputs.size()) +
                        " outputs");
  }
  std::string known;
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (name_of(i) == spec.output_name) return i;
    known += (i == 0 ? "" : ", ") + name_of(i);
  }
  return InvalidInput(dataset.path() + ": the network has no output '" + spec.output_name +
                      "', it has: " + known);
}

// A metric being accumulated.
struct Running {
  const MetricDef* def = nullptr;
  MetricState state;
  void Add(const MetricSample& s) { def->add(s, &state); }
  double Value() const { return def->finish(state); }
};

Running Start(const char* name) {
  const MetricDef* const def = FindMetric(name);
  ADZE_CHECK(def != nullptr);
  return {def, {}};
}

// Agreement of one output with the reference's.
struct Agreement {
  Running sqnr = Start("sqnr_db");
  Running cosine = Start("cosine");
  double max_abs_diff = 0;
  double max_abs = 0;
};

class Evaluation {
 public:
  Evaluation(const Dataset& dataset, Executor* model, Executor* reference)
      : dataset_(dataset), model_(model), reference_(reference) {}

  Status Prepare(const EvalOptions& options) {
    ADZE_ASSIGN(output_, FindOutput(model_->plan(), dataset_));
    if (reference_ != nullptr) {
      if (reference_->plan().outputs.size() != model_->plan().outputs.size()) {
        return InvalidInput(
            "the reference has " + std::to_string(reference_->plan().outputs.size()) +
            " outputs, the network " + std::to_string(model_->plan().outputs.size()));
      }
      agreements_.resize(model_->plan().outputs.size());
    }
    std::string name = options.metric.empty() ? dataset_.evaluate().metric : options.metric;
    if (name.empty()) name = dataset_.has_labels() ? "top1" : "sqnr_db";
    metric_.def = FindMetric(name);
    if (metric_.def == nullptr) {
      std::string known;
      for (const MetricDef* m : AllMetrics())
        known += (known.empty() ? "" : ", ") + std::string(m->name);
      return UsageError("unknown metric '" + name + "', known: " + known);
    }
    if ((metric_.def->needs & kNeedsLabel) != 0 && !dataset_.has_labels()) {
      return UsageError("metric '" + name + "' needs labels, " + dataset_.path() + " has none");
    }
    if ((metric_.def->needs & kNeedsReference) != 0 && reference_ == nullptr) {
      return UsageError("metric '" + name + "' compares with a reference network; give one");
    }
    reference_metric_.def = metric_.def;
    return OkStatus();
  }

  // After a Run of the model on `batch`; `references`: the outputs of the reference, if there is
  // one.
  Status AddBatch(const Batch& batch, const std::vector<Tensor>& references) {
    const std::vector<Tensor> outputs = ReadOutputs(*model_);
    for (size_t o = 0; o < references.size(); ++o) {
      if (references[o].dims() != outputs[o].dims()) {
        return InvalidInput("output '" + OutputName(o) + "' has shape " +
                            ShapeToString(ToShape(outputs[o].dims())) + ", the reference's " +
                            ShapeToString(ToShape(references[o].dims())));
      }
    }
    for (int64_t i = 0; i < batch.size(); ++i) {
      ADZE_TRY(AddSample(batch, i, outputs, references));
    }
    return OkStatus();
  }

  EvalResult Finish() const {
    EvalResult r;
    r.metric = metric_.def->name;
    r.value = metric_.Value();
    r.samples = metric_.state.samples;
    r.nan_samples = nan_samples_;
    const bool rate = metric_.def->is_rate;
    if (rate) r.ci95 = WilsonInterval95(metric_.state.hits, r.samples);
    if (reference_ == nullptr) return r;
    if ((metric_.def->needs & kNeedsReference) == 0) {
      r.reference_value = reference_metric_.Value();
      r.difference = r.value - *r.reference_value;
      if (rate) r.difference_ci95 = PairedDifference95(only_reference_, only_model_, r.samples);
    }
    r.flip_rate = flips_.Value();
    r.mean_kl = kl_.Value();
    r.sqnr_db = agreements_[output_].sqnr.Value();
    r.cosine = agreements_[output_].cosine.Value();
    for (size_t o = 0; o < agreements_.size(); ++o) {
      const Agreement& a = agreements_[o];
      r.outputs.push_back(
          {OutputName(o), a.sqnr.Value(), a.cosine.Value(), a.max_abs_diff, a.max_abs});
    }
    return r;
  }

 private:
  std::string OutputName(size_t o) const {
    const Plan& plan = model_->plan();
    return plan.values[static_cast<size_t>(plan.outputs[o])].name;
  }

  std::span<const float> Scores(std::span<const float> row) const {
    return dataset_.evaluate().drop_first_class && !row.empty() ? row.subspan(1) : row;
  }

  Status AddSample(const Batch& batch, int64_t i, const std::vector<Tensor>& outputs,
                   const std::vector<Tensor>& references) {
    const size_t at = static_cast<size_t>(i);
    MetricSample s;
    ADZE_ASSIGN(s.output, RowOf(outputs[output_], i, batch.size(), OutputName(output_)));
    if (s.output.empty()) return InvalidInput("output '" + OutputName(output_) + "' is empty");
    s.scores = Scores(s.output);
    if (reference_ != nullptr) {
      ADZE_ASSIGN(s.reference, RowOf(references[output_], i, batch.size(), OutputName(output_)));
      s.reference_scores = Scores(s.reference);
    }
    if ((metric_.def->needs & kNeedsLabel) != 0) {
      s.label = batch.labels[at].value_or(-1);
      if (s.label < 0 || s.label >= static_cast<int64_t>(s.scores.size())) {
        return InvalidInput(dataset_.path() + ": sample " + batch.ids[at] + " has label " +
                            std::to_string(s.label) + ", but the network has " +
                            std::to_string(s.scores.size()) + " classes");
      }
    }
    std::vector<float> input;
    if ((metric_.def->needs & kNeedsInput) != 0) {
      ADZE_ASSIGN(input, InputRow(batch, i));
      if (input.size() != s.output.size()) {
        return InvalidInput("metric '" + std::string(metric_.def->name) +
                            "' needs an output of the input's size, " +
                            std::to_string(input.size()) + ", not " +
                            std::to_string(s.output.size()));
      }
      s.input = input;
    }
    nan_samples_ +=
        std::any_of(s.output.begin(), s.output.end(), [](float v) { return std::isnan(v); });
    const int64_t hits_before = metric_.state.hits;
    metric_.Add(s);
    if (reference_ == nullptr) return OkStatus();

    flips_.Add(s);
    kl_.Add(s);
    for (size_t o = 0; o < outputs.size(); ++o) {
      MetricSample pair;
      ADZE_ASSIGN(pair.output, RowOf(outputs[o], i, batch.size(), OutputName(o)));
      ADZE_ASSIGN(pair.reference, RowOf(references[o], i, batch.size(), OutputName(o)));
      Agreement& a = agreements_[o];
      a.sqnr.Add(pair);
      a.cosine.Add(pair);
      for (size_t k = 0; k < pair.output.size(); ++k) {
        const double r = pair.reference[k];
        a.max_abs = std::max(a.max_abs, std::abs(r));
        a.max_abs_diff = std::max(a.max_abs_diff, std::abs(r - pair.output[k]));
      }
    }
    if ((metric_.def->needs & kNeedsReference) != 0) return OkStatus();
    const int64_t reference_before = reference_metric_.state.hits;
    MetricSample of_reference = s;
    of_reference.output = s.reference;
    of_reference.scores = s.reference_scores;
    reference_metric_.Add(of_reference);
    const bool hit = metric_.state.hits != hits_before;
    const bool reference_hit = reference_metric_.state.hits != reference_before;
    only_model_ += hit && !reference_hit;
    only_reference_ += !hit && reference_hit;
    return OkStatus();
  }

  // The first input of a sample as float32.
  Result<std::vector<float>> InputRow(const Batch& batch, int64_t i) const {
    const Tensor& t = batch.inputs[0];
    const int64_t size = t.size() / batch.size();
    std::vector<float> row(static_cast<size_t>(size));
    const ConstTensorView view = t.view();
    for (int64_t k = 0; k < size; ++k) {
      const int64_t at = i * size + k;
      row[static_cast<size_t>(k)] =
          IsFloat(t.dtype()) ? FloatAt(view, at) : static_cast<float>(IntegerAt(view, at));
    }
    return row;
  }

  const Dataset& dataset_;
  Executor* model_;
  Executor* reference_;
  size_t output_ = 0;
  Running metric_;
  Running reference_metric_;
  Running flips_ = Start("flip_rate");
  Running kl_ = Start("mean_kl");
  std::vector<Agreement> agreements_;
  int64_t only_model_ = 0;  // rates: right under the network alone
  int64_t only_reference_ = 0;
  int64_t nan_samples_ = 0;
};

}  // namespace

std::vector<NetworkInput> InputsOf(const Plan& plan) {
  std::vector<NetworkInput> inputs;
  for (const int32_t v : plan.inputs) {
    const PlanValue& value = plan.values[static_cast<size_t>(v)];
    inputs.push_back({value.name, value.dtype, value.shape});
  }
  return inputs;
}

Result<EvalResult> EvaluateModel(Executor* model, Executor* reference, const Dataset& dataset,
                                 const EvalOptions& options, ProgressSink* progress,
                                 KeptReference* kept) {
  const Clock::time_point start = Clock::now();
  ADZE_ASSIGN(const Feed feed, Feed::Create(InputsOf(model->plan()), dataset));
  std::optional<Feed> reference_feed;
  int64_t batch_size = feed.BatchSize(options.batch);
  if (reference != nullptr) {
    Result<Feed> matched = Feed::Create(InputsOf(reference->plan()), dataset);
    if (!matched.ok()) return matched.status().WithContext("reference");
    reference_feed = std::move(matched).value();
    // Where only one of the two is free in its batch, it follows the other.
    batch_size = feed.BatchSize(reference_feed->BatchSize(options.batch));
  }
  Evaluation evaluation(dataset, model, reference);
  ADZE_TRY(evaluation.Prepare(options));

  BatchOptions batch_options;
  batch_options.batch = batch_size;
  batch_options.limit = options.limit;
  batch_options.threads = options.decode_threads;
  batch_options.prefetch = std::max(2, 2 * options.decode_threads);
  ADZE_ASSIGN(const std::unique_ptr<BatchReader> reader,
              BatchReader::Create(&dataset, options.split, batch_options));
  ProgressScope scope(progress, reader->num_samples(), "samples", "evaluating");
  double run_s = 0;
  const bool keep = reference != nullptr && kept != nullptr && !kept->complete;
  if (keep) kept->batches.clear();
  int64_t kept_bytes = 0;
  size_t batch_index = 0;
  Batch batch;
  while (true) {
    ADZE_ASSIGN(const bool more, reader->Next(&batch));
    if (!more) break;
    ADZE_ASSIGN(const std::vector<ConstTensorView> inputs, feed.Order(batch.inputs));
    const Clock::time_point run_start = Clock::now();
    ADZE_TRY(model->Run(inputs));
    run_s += SecondsSince(run_start);
    std::vector<Tensor> references;
    if (reference != nullptr && kept != nullptr && kept->complete) {
      references = kept->batches[batch_index];
    } else if (reference != nullptr) {
      ADZE_ASSIGN(const std::vector<ConstTensorView> same, reference_feed->Order(batch.inputs));
      ADZE_TRY(reference->Run(same));
      references = ReadOutputs(*reference);
      for (const Tensor& t : references) kept_bytes += static_cast<int64_t>(t.bytes());
      if (keep && kept_bytes <= kept->limit_bytes) kept->batches.push_back(references);
    }
    ADZE_TRY(evaluation.AddBatch(batch, references));
    ++batch_index;
    scope.Advance(batch.size());
  }
  if (keep) {
    kept->complete = kept_bytes <= kept->limit_bytes;
    if (!kept->complete) kept->batches.clear();
  }
  EvalResult result = evaluation.Finish();
  result.run_s = run_s;
  result.wall_s = SecondsSince(start);
  return result;
}

}  // namespace adze
