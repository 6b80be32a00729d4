// Metrics: what an output is worth, alone or beside a reference. A metric is one file in metrics/
// that defines a MetricDef, and one row in metric_list.inc.
#ifndef ADZE_EVAL_METRIC_H_
#define ADZE_EVAL_METRIC_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace adze {

// One sample as a metric sees it. All spans are flat; empty where there is none.
struct MetricSample {
  std::span<const float> output;     // of the network under test
  std::span<const float> scores;     // `output` without the background class: what labels index
  std::span<const float> reference;  // the reference network's output
  std::span<const float> reference_scores;
  std::span<const float> input;  // the first input, for reconstruction
  int64_t label = -1;            // index into scores; -1: none
};

// What a metric remembers. `hits` and `samples` are exact and independent of the order of the
// samples; the double sums depend on it in the last bits, so callers add samples in the order of
// the data.
struct MetricState {
  int64_t samples = 0;
  int64_t hits = 0;
  double sum[2] = {0, 0};
};

// What a sample must have for a metric, as bits.
enum MetricNeeds : unsigned { kNeedsLabel = 1, kNeedsReference = 2, kNeedsInput = 4 };

struct MetricDef {
  const char* name;
  const char* doc;  // one sentence, with the equation
  unsigned needs;
  bool higher_is_better;
  bool is_rate;  // Finish is hits / samples, so a confidence interval of a proportion applies
  void (*add)(const MetricSample& sample, MetricState* state);
  double (*finish)(const MetricState& state);  // only with samples > 0
};

std::span<const MetricDef* const> AllMetrics();      // the order of metric_list.inc
const MetricDef* FindMetric(std::string_view name);  // null if unknown

// Index of the largest score; the first of equals; NaN never wins. -1 for an empty span.
int64_t ArgMax(std::span<const float> scores);
// Whether `label` is among the k best scores; of equal scores the lower index is the better. A NaN
// score loses.
bool InTopK(std::span<const float> scores, int64_t label, int k);
// KL(p || q) in nats. Rows that are probabilities already (no negative entry, sum within 1e-3 of 1:
// the reference row decides for both) are used as they are, with q floored at 1e-12; else p and q
// are softmax of the rows.
double KlDivergence(std::span<const float> reference, std::span<const float> output);

}  // namespace adze

#endif  // ADZE_EVAL_METRIC_H_
