// Reconstruction error of auto-encoders.
#include "eval/metric.h"

namespace adze {
namespace {

void Add(const MetricSample& s, MetricState* state) {
  ++state->samples;
  double sum = 0;
  for (size_t i = 0; i < s.output.size(); ++i) {
    const double d = static_cast<double>(s.output[i]) - s.input[i];
    sum += d * d;
  }
  state->sum[0] += sum / static_cast<double>(s.output.size());
}

double Finish(const MetricState& s) { return s.sum[0] / static_cast<double>(s.samples); }

}  // namespace

extern const MetricDef kMseMetric;
const MetricDef kMseMetric = {
    "mse",
    "mean over samples of mean((output - input)^2), for networks that reproduce their input",
    kNeedsInput,
    false,
    false,
    Add,
    Finish};

}  // namespace adze
