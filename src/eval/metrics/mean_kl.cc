#include <algorithm>
#include <cmath>

#include "eval/metric.h"

namespace adze {
namespace {

bool AreProbabilities(std::span<const float> row) {
  double sum = 0;
  for (const float v : row) {
    if (!(v >= 0)) return false;
    sum += v;
  }
  return std::abs(sum - 1) < 1e-3;
}

double LogSumExp(std::span<const float> row, double* max) {
  *max = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float v : row) sum += std::exp(v - *max);
  return std::log(sum);
}

void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  state->sum[0] += KlDivergence(s.reference, s.output);
}

double Finish(const MetricState& s) { return s.sum[0] / static_cast<double>(s.samples); }

}  // namespace

double KlDivergence(std::span<const float> reference, std::span<const float> output) {
  double kl = 0;
  if (AreProbabilities(reference)) {
    constexpr double kFloor = 1e-12;
    for (size_t i = 0; i < reference.size(); ++i) {
      const double p = reference[i];
      if (p > 0) kl += p * std::log(p / std::max<double>(output[i], kFloor));
    }
    return kl;
  }
  double p_max = 0;
  double q_max = 0;
  const double p_log = LogSumExp(reference, &p_max);
  const double q_log = LogSumExp(output, &q_max);
  for (size_t i = 0; i < reference.size(); ++i) {
    const double log_p = reference[i] - p_max - p_log;
    kl += std::exp(log_p) * (log_p - (output[i] - q_max - q_log));
  }
  return kl;
}

extern const MetricDef kMeanKlMetric;
const MetricDef kMeanKlMetric = {
    "mean_kl",
    "mean over samples of KL(reference || output) in nats, softmax taken of logits",
    kNeedsReference,
    false,
    false,
    Add,
    Finish};

}  // namespace adze
