// Runs a network over a data set and judges its outputs, alone and beside a reference network.
#ifndef ADZE_EVAL_EVALUATE_H_
#define ADZE_EVAL_EVALUATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/dataset.h"
#include "data/feed.h"
#include "eval/interval.h"
#include "runtime/executor.h"

namespace adze {

struct EvalOptions {
  std::string split = "all";
  std::string
      metric;  // overrides the data set's; empty: its own, else top1 if it has labels, else sqnr_db
  int64_t batch = 1;  // used when every input of the plan has a symbolic first dimension
  int64_t limit = 0;  // first samples of the split only; 0: all
  int decode_threads = 1;
};

// Agreement of one network output with the reference's, over all samples.
struct OutputAgreement {
  std::string name;
  double sqnr_db = 0;  // +infinity when equal
  double cosine = 0;   // mean over samples
  double max_abs_diff = 0;
  double max_abs = 0;  // largest magnitude of the reference
};

struct EvalResult {
  std::string metric;
  double value = 0;  // unit of the metric: rates in 0..1
  int64_t samples = 0;
  std::optional<Interval> ci95;  // of rates

  // Only with a reference, on the same samples:
  std::optional<double>
      reference_value;               // the metric of the reference (not of metrics that compare)
  std::optional<double> difference;  // value - reference_value
  std::optional<Interval> difference_ci95;  // of rates: paired
  std::optional<double> flip_rate;          // share of samples whose arg-max differs
  std::optional<double> sqnr_db;            // of the judged output; +infinity when equal
  std::optional<double> mean_kl;            // nats, KL(reference || network), judged output
  std::optional<double> cosine;
  std::vector<OutputAgreement> outputs;  // every output

  double wall_s = 0;
  double run_s = 0;         // of it, in the network under test
  int64_t nan_samples = 0;  // samples whose judged output holds a NaN
};

// What the reference network said, kept between evaluations against it on the same samples: filled
// by the first, read by the others, which then do not run it.
struct KeptReference {
  int64_t limit_bytes = int64_t{256} << 20;  // more than that is not kept
  std::vector<std::vector<Tensor>> batches;  // per batch: its outputs as float32
  bool complete = false;
};

// The executors must have the inputs of the data set: by name where the data set names them, else
// by position; element types equal. `reference` and `progress` may be null. A sample with a label
// outside the output's classes, a metric that needs what there is not, and an unreadable sample are
// errors. `kept` (may be null) must have seen the same data set, options and reference only.
Result<EvalResult> EvaluateModel(Executor* model, Executor* reference, const Dataset& dataset,
                                 const EvalOptions& options, ProgressSink* progress = nullptr,
                                 KeptReference* kept = nullptr);

// The inputs of a plan as Feed::Create takes them.
std::vector<NetworkInput> InputsOf(const Plan& plan);

}  // namespace adze

#endif  // ADZE_EVAL_EVALUATE_H_
