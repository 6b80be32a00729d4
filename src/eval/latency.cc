#include "eval/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Result<std::vector<Tensor>> MakeInputs(const Plan& plan) {
  std::vector<Tensor> inputs;
  for (const int32_t index : plan.inputs) {
    const PlanValue& v = plan.values[static_cast<size_t>(index)];
    std::vector<int64_t> dims;
    for (size_t i = 0; i < v.shape.size(); ++i) {
      if (!v.shape[i].is_const() && i != 0) {
        return Unsupported("latency needs fixed shapes, but input '" + v.name +
                           "' has the free dimension " + v.shape[i].ToString());
      }
      dims.push_back(v.shape[i].is_const() ? v.shape[i].value() : 1);
    }
    ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(v.dtype, dims));
    FillForTiming(&t);
    inputs.push_back(std::move(t));
  }
  return inputs;
}

}  // namespace

void FillForTiming(Tensor* tensor) {
  if (tensor->dtype() != DType::kFloat32) return;
  uint64_t state = 0x9e3779b97f4a7c15u;
  float* const x = tensor->mutable_data<float>();
  for (int64_t i = 0; i < tensor->size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = static_cast<float>(state >> 40) * 0x1p-24f;
  }
}

Result<Latency> MeasureLatency(Executor* executor, std::span<const ConstTensorView> inputs,
                               const LatencyOptions& options) {
  std::vector<double> times;
  const auto runs = [&] { return static_cast<int64_t>(times.size()); };
  const Clock::time_point start = Clock::now();
  while (runs() < options.min_runs ||
         (runs() < options.max_runs && MsSince(start) < options.seconds * 1000)) {
    if (options.before_each) options.before_each();
    const Clock::time_point run_start = Clock::now();
    ADZE_TRY(executor->Run(inputs));
    times.push_back(MsSince(run_start));
  }
  std::sort(times.begin(), times.end());
  const auto percentile = [&](double p) {
    return times[static_cast<size_t>(p * static_cast<double>(times.size() - 1) + 0.5)];
  };
  return Latency{percentile(0.5), percentile(0.95), percentile(0.99), times.front(), runs()};
}

Result<Latency> MeasureLatency(Executor* executor, double seconds) {
  ADZE_ASSIGN(const std::vector<Tensor> inputs, MakeInputs(executor->plan()));
  std::vector<ConstTensorView> views;
  for (const Tensor& t : inputs) views.push_back(t.view());
  ADZE_TRY(executor->Run(views));
  return MeasureLatency(executor, views, {.seconds = seconds});
}

Result<std::map<std::string, double>> MeasureSteps(Executor* executor) {
  constexpr int kWindows = 5;
  constexpr double kWindowSeconds = 0.05;
  const std::vector<Step>& steps = executor->plan().steps;
  std::vector<double> least_ms(steps.size(), HUGE_VAL);
  std::vector<StepTime> before(steps.size());
  for (int window = 0; window < kWindows; ++window) {
    ADZE_TRY(MeasureLatency(executor, kWindowSeconds));
    for (size_t i = 0; i < steps.size(); ++i) {
      const StepTime& now = executor->step_times()[i];
      const auto calls = static_cast<double>(now.calls - before[i].calls);
      if (calls > 0) {
        least_ms[i] = std::min(least_ms[i], (now.total_ms - before[i].total_ms) / calls);
      }
      before[i] = now;
    }
  }
  std::map<std::string, double> us;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].name.empty() && std::isfinite(least_ms[i])) {
      us[steps[i].name] += 1000 * least_ms[i];
    }
  }
  return us;
}

}  // namespace adze
