#include "eval/latency.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kMinRuns = 10;

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Uniform in [0, 1) for floats, zeros for integers: a fixed sequence, so runs are comparable.
Result<Tensor> MakeInput(const PlanValue& v) {
  std::vector<int64_t> dims;
  for (size_t i = 0; i < v.shape.size(); ++i) {
    if (!v.shape[i].is_const() && i != 0) {
      return Unsupported("latency needs fixed shapes, but input '" + v.name +
                         "' has the free dimension " + v.shape[i].ToString());
    }
    dims.push_back(v.shape[i].is_const() ? v.shape[i].value() : 1);
  }
  ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(v.dtype, dims));
  if (v.dtype != DType::kFloat32) return t;
  uint64_t state = 0x9e3779b97f4a7c15u;
  float* const x = t.mutable_data<float>();
  for (int64_t i = 0; i < t.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = static_cast<float>(state >> 40) * 0x1p-24f;
  }
  return t;
}

}  // namespace

Result<Latency> MeasureLatency(Executor* executor, double seconds) {
  std::vector<Tensor> inputs;
  std::vector<ConstTensorView> views;
  for (const int32_t i : executor->plan().inputs) {
    ADZE_ASSIGN(Tensor t, MakeInput(executor->plan().values[static_cast<size_t>(i)]));
    inputs.push_back(std::move(t));
  }
  for (const Tensor& t : inputs) views.push_back(t.view());
  ADZE_TRY(executor->Run(views));
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  while (static_cast<int64_t>(times.size()) < kMinRuns || MsSince(start) < seconds * 1000) {
    const Clock::time_point run_start = Clock::now();
    ADZE_TRY(executor->Run(views));
    times.push_back(MsSince(run_start));
  }
  std::sort(times.begin(), times.end());
  const auto percentile = [&](double p) {
    return times[static_cast<size_t>(p * static_cast<double>(times.size() - 1) + 0.5)];
  };
  return Latency{percentile(0.5), percentile(0.95), percentile(0.99), times.front(),
                 static_cast<int64_t>(times.size())};
}

int64_t PlanWeightBytes(const Plan& plan) {
  int64_t bytes = 0;
  for (const Step& step : plan.steps) {
    for (const Tensor& t : step.weights) bytes += static_cast<int64_t>(t.bytes());
  }
  for (const PlanValue& v : plan.values) {
    if (v.kind == PlanValueKind::kConstant) bytes += static_cast<int64_t>(v.constant.bytes());
  }
  return bytes;
}

}  // namespace adze
