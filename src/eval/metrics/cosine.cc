#include <cmath>

#include "eval/metric.h"

namespace adze {
namespace {

void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  double dot = 0;
  double a = 0;
  double b = 0;
  for (size_t i = 0; i < s.output.size(); ++i) {
    const double x = s.output[i];
    const double r = s.reference[i];
    dot += x * r;
    a += x * x;
    b += r * r;
  }
  // Two zero vectors are equal; one alone has no direction in common with the other.
  state->sum[0] += a == 0 && b == 0 ? 1 : a == 0 || b == 0 ? 0 : dot / std::sqrt(a * b);
}

double Finish(const MetricState& s) { return s.sum[0] / static_cast<double>(s.samples); }

}  // namespace

extern const MetricDef kCosineMetric;
const MetricDef kCosineMetric = {
    "cosine",        "mean over samples of the cosine between output and reference",
    kNeedsReference, true,
    false,           Add,
    Finish};

}  // namespace adze
