// Signal to quantization noise ratio, pooled over all samples.
#include <cmath>
#include <limits>

#include "eval/metric.h"

namespace adze {
namespace {

// sum[0]: energy of the reference; sum[1]: energy of the difference.
void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  for (size_t i = 0; i < s.output.size(); ++i) {
    const double r = s.reference[i];
    const double d = r - s.output[i];
    state->sum[0] += r * r;
    state->sum[1] += d * d;
  }
}

double Finish(const MetricState& s) {
  if (s.sum[1] == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(s.sum[0] / s.sum[1]);
}

}  // namespace

extern const MetricDef kSqnrMetric;
const MetricDef kSqnrMetric = {
    "sqnr_db",       "10 log10(sum reference^2 / sum (reference - output)^2); infinite when equal",
    kNeedsReference, true,
    false,           Add,
    Finish};

}  // namespace adze
