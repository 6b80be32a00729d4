// Model files by extension: reading, making ready to run, writing.
#ifndef ADZE_API_MODEL_FILE_H_
#define ADZE_API_MODEL_FILE_H_

#include <memory>
#include <optional>
#include <string>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "ir/graph.h"
#include "runtime/executor.h"

namespace adze {

bool IsPlanFile(const std::string& path);  // by its extension, .adz

// A model file by its extension: .onnx, or .adzir (text form).
Result<Graph> ReadModel(const std::string& path);
// The same, made ready to run: explicit Q/DQ and QLinear nodes lifted into types, then simplified.
Result<Graph> ReadForExecution(const std::string& path);
// Writes by extension, quantized values as Q/DQ nodes.
Status WriteModel(const Graph& graph, const std::string& path);

// A network ready to run.
struct LoadedModel {
  std::shared_ptr<const Plan> plan;
  std::optional<Isa> packed_for;  // of a plan file: the instruction set that it was made for
  int repacked_steps = 0;         // of a plan file: steps that were packed anew for this one
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Executor> executor;
};
// `threads` as for ThreadPool; the instruction set is ChooseIsa(). Also from a plan file (.adz).
Result<LoadedModel> LoadModel(const std::string& path, int threads, ExecutorOptions options = {});
Result<LoadedModel> LowerModel(const Graph& graph, int threads, ExecutorOptions options = {});

}  // namespace adze

#endif  // ADZE_API_MODEL_FILE_H_
