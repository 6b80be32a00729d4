// Classification accuracy.
#include "eval/metric.h"

namespace adze {
namespace {

template <int kK>
void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  state->hits += InTopK(s.scores, s.label, kK);
}

double Finish(const MetricState& s) {
  return static_cast<double>(s.hits) / static_cast<double>(s.samples);
}

}  // namespace

extern const MetricDef kTop1Metric;
extern const MetricDef kTop5Metric;
const MetricDef kTop1Metric = {
    "top1", "share of samples whose largest score is the label's", kNeedsLabel, true, true, Add<1>,
    Finish};
const MetricDef kTop5Metric = {
    "top5",      "share of samples whose label is among the 5 best scores",
    kNeedsLabel, true,
    true,        Add<5>,
    Finish};

}  // namespace adze
