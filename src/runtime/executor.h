// Runs a Plan: one executor for calibration, evaluation, benchmarks and users.
#ifndef ADZE_RUNTIME_EXECUTOR_H_
#define ADZE_RUNTIME_EXECUTOR_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "ops/tensor.h"
#include "runtime/plan.h"
#include "runtime/roofline.h"

namespace adze {

struct StepTime {
  double total_ms = 0;
  int64_t calls = 0;
};

struct ExecutorOptions {
  bool keep_all = false;  // every value stays valid until the next Run (no arena reuse): taps
                          // everywhere, RunFrom
  bool profile = false;   // collect step_times()
  int64_t max_arena_bytes = INT64_MAX;  // Prepare refuses sizes that need more
  // Called after each step on the thread that runs; what the step wrote is readable by RawValue, in
  // cache and whether it is kept or not. May use the pool.
  std::function<void(int step)> after_step;
};

// One context of execution: an arena and prepared steps. Thread-compatible: one Run at a time per
// executor; several executors may share a plan. Prepare allocates; Run does not.
class Executor {
 public:
  // The plan and the pool must outlive the executor.
  Executor(std::shared_ptr<const Plan> plan, ThreadPool* pool, ExecutorOptions options = {});
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Fixes the input dims (graph order), derives all others, lays out the arena. Refuses dims that
  // contradict the plan. A second call with the same dims does nothing.
  Status Prepare(std::span<const std::vector<int64_t>> input_dims);

  // Runs on inputs in graph order (logical layout, storage dtype of the plan's inputs). Prepares if
  // dims changed.
  Status Run(std::span<const ConstTensorView> inputs);
  // Runs again from step `first_step` on what the last Run left (keep_all only): changed arguments
  // of later steps take effect, earlier steps are not repeated.
  Status RunFrom(int first_step);

  // Output i of the last Run, in logical layout. Valid until the next Run or Prepare.
  ConstTensorView output(int i) const;
  int num_outputs() const;
  // Any kept value of the last Run (an output, a tap, or everything under keep_all) as a fresh
  // logical-layout tensor in storage type; `index` is a plan value index.
  Tensor ReadValue(int index) const;
  // The same as float32: dequantized if the value is quantized per tensor; integers are converted.
  Tensor ReadFloat(int index) const;
  // Raw memory of a kept value in its own layout, for statistics.
  ConstTensorView RawValue(int index) const;

  // Replaces the argument block of a step (same size) and prepares it again, for kFakeQuantF32
  // between runs. Only after Prepare.
  Status SetStepArgs(int step, std::span<const std::byte> args);

  const Plan& plan() const;
  int64_t arena_bytes() const;
  // What one Run of the prepared sizes costs. Only after Prepare.
  RunCost Cost() const;
  std::span<const StepTime> step_times()
      const;  // per step, since construction; empty without profile

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace adze

#endif  // ADZE_RUNTIME_EXECUTOR_H_
