#include "eval/metric.h"

namespace adze {
namespace {

void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  state->hits += ArgMax(s.scores) != ArgMax(s.reference_scores);
}

double Finish(const MetricState& s) {
  return static_cast<double>(s.hits) / static_cast<double>(s.samples);
}

}  // namespace

extern const MetricDef kFlipRateMetric;
const MetricDef kFlipRateMetric = {"flip_rate",
                                   "share of samples whose largest score is not the reference's",
                                   kNeedsReference,
                                   false,
                                   true,
                                   Add,
                                   Finish};

}  // namespace adze
