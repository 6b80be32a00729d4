// Latency and memory of a plan on this machine.
#ifndef ADZE_EVAL_LATENCY_H_
#define ADZE_EVAL_LATENCY_H_

#include <cstdint>

#include "runtime/executor.h"

namespace adze {

struct Latency {
  double p50_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double min_ms = 0;
  int64_t runs = 0;
};

// Repeats Run on fixed pseudo-random inputs, after a first run that does not count, for `seconds`
// and at least 10 times. Free first dimensions are 1; refuses networks with other free dimensions.
Result<Latency> MeasureLatency(Executor* executor, double seconds);

// Bytes of packed weights and constants that every run reads.
int64_t PlanWeightBytes(const Plan& plan);

}  // namespace adze

#endif  // ADZE_EVAL_LATENCY_H_
