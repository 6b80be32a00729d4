#include "eval/metric.h"

#include <cmath>

namespace adze {

#define ADZE_METRIC(symbol) extern const MetricDef symbol;
#include "eval/metric_list.inc"
#undef ADZE_METRIC

std::span<const MetricDef* const> AllMetrics() {
  static constexpr const MetricDef* kMetrics[] = {
#define ADZE_METRIC(symbol) &symbol,
#include "eval/metric_list.inc"
#undef ADZE_METRIC
  };
  return kMetrics;
}

const MetricDef* FindMetric(std::string_view name) {
  for (const MetricDef* m : AllMetrics()) {
    if (name == m->name) return m;
  }
  return nullptr;
}

int64_t ArgMax(std::span<const float> scores) {
  int64_t best = scores.empty() ? -1 : 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    const float champion = scores[static_cast<size_t>(best)];
    if (scores[i] > champion || (std::isnan(champion) && !std::isnan(scores[i]))) {
      best = static_cast<int64_t>(i);
    }
  }
  return best;
}

bool InTopK(std::span<const float> scores, int64_t label, int k) {
  if (label < 0 || label >= static_cast<int64_t>(scores.size())) return false;
  const float own = scores[static_cast<size_t>(label)];
  if (std::isnan(own)) return false;
  int better = 0;
  for (size_t i = 0; i < scores.size() && better < k; ++i) {
    better += scores[i] > own || (scores[i] == own && static_cast<int64_t>(i) < label);
  }
  return better < k;
}

}  // namespace adze
