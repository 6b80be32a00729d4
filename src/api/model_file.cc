#include "api/model_file.h"

#include "base/cpu.h"
#include "base/file.h"
#include "formats/onnx/onnx.h"
#include "ir/text.h"
#include "lower/lower.h"
#include "passes/pass.h"
#include "runtime/plan_file.h"

namespace adze {
namespace {

bool EndsWith(const std::string& s, std::string_view suffix) {
  return s.size() >= suffix.size() &&
         s.compare(s.size() - suffix.size(), suffix.size(), suffix) == 0;
}

Status UnknownExtension(const std::string& path) {
  return UsageError(path + ": unknown kind of model file; adze reads and writes .onnx and .adzir");
}

LoadedModel WithExecutor(LoadedModel model, int threads, ExecutorOptions options) {
  model.pool = std::make_unique<ThreadPool>(threads);
  model.executor = std::make_unique<Executor>(model.plan, model.pool.get(), std::move(options));
  return model;
}

}  // namespace

bool IsPlanFile(const std::string& path) { return EndsWith(path, ".adz"); }

Result<Graph> ReadModel(const std::string& path) {
  if (EndsWith(path, ".onnx")) return ReadOnnx(path);
  if (IsPlanFile(path)) {
    return UsageError(path +
                      ": a plan can be run but holds no graph; give the .onnx or .adzir file that "
                      "it was made from");
  }
  if (!EndsWith(path, ".adzir")) return UnknownExtension(path);
  return ReadGraphFile(path);
}

Result<Graph> ReadForExecution(const std::string& path) {
  ADZE_ASSIGN(Graph graph, ReadModel(path));
  for (const char* pipeline : {"lift", "simplify"}) {
    const Result<PassReport> report = RunPipeline(graph, pipeline);
    if (!report.ok()) return report.status().WithContext(path);
  }
  return graph;
}

Status WriteModel(const Graph& graph, const std::string& path) {
  if (EndsWith(path, ".adzir")) return WriteFileAtomic(path, PrintGraph(graph));
  if (!EndsWith(path, ".onnx")) return UnknownExtension(path);
  Graph copy = graph;
  ADZE_TRY(RunPipeline(copy, "lower_qdq"));
  return WriteOnnx(copy, path);
}

Result<LoadedModel> LowerModel(const Graph& graph, int threads, ExecutorOptions options) {
  LoadedModel model;
  LowerOptions lower_options;
  ADZE_ASSIGN(lower_options.isa, ChooseIsa());
  ADZE_ASSIGN(LoweredPlan lowered, Lower(graph, lower_options));
  model.plan = lowered.plan;
  return WithExecutor(std::move(model), threads, std::move(options));
}

Result<LoadedModel> LoadModel(const std::string& path, int threads, ExecutorOptions options) {
  if (IsPlanFile(path)) {
    ADZE_ASSIGN(const Isa isa, ChooseIsa());
    ADZE_ASSIGN(const PlanFromFile file, ReadPlan(path, isa));
    LoadedModel model;
    model.plan = file.plan;
    model.packed_for = file.packed_for;
    model.repacked_steps = file.repacked_steps;
    return WithExecutor(std::move(model), threads, std::move(options));
  }
  ADZE_ASSIGN(const Graph graph, ReadForExecution(path));
  Result<LoadedModel> model = LowerModel(graph, threads, options);
  if (!model.ok()) return model.status().WithContext(path);
  return model;
}

}  // namespace adze
