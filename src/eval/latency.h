// Latency of a plan on this machine.
#ifndef ADZE_EVAL_LATENCY_H_
#define ADZE_EVAL_LATENCY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "runtime/executor.h"

namespace adze {

struct Latency {
  double p50_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double min_ms = 0;
  int64_t runs = 0;
};

struct LatencyOptions {
  double seconds = 1.0;   // keeps on for so long,
  int64_t min_runs = 10;  // at least so often
  int64_t max_runs = 10'000'000;
  std::function<void()> before_each;  // not timed; may be empty
};

// Fills floats uniformly from [0, 1), integers with 0: always the same values, so that runs are
// comparable.
void FillForTiming(Tensor* tensor);

// Repeats Run on `inputs`. A first run that should not count is the caller's.
Result<Latency> MeasureLatency(Executor* executor, std::span<const ConstTensorView> inputs,
                               const LatencyOptions& options);

// The same on inputs of its own, for `seconds`, after a run that does not count. Free first
// dimensions are 1; networks with other free dimensions are kUnsupported.
Result<Latency> MeasureLatency(Executor* executor, double seconds);

// Microseconds by node name, of an executor with `profile`: the mean of the least disturbed of a
// few windows. Refuses what MeasureLatency refuses.
Result<std::map<std::string, double>> MeasureSteps(Executor* executor);

}  // namespace adze

#endif  // ADZE_EVAL_LATENCY_H_
