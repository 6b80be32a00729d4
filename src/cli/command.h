// The frame of the adze program: one file per sub-command, each with one row in command_list.inc.
#ifndef ADZE_CLI_COMMAND_H_
#define ADZE_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "ir/graph.h"
#include "runtime/executor.h"

namespace adze::cli {

// What main runs once the arguments are parsed.
using Action = std::function<Status()>;
// Adds one sub-command to `app`; when the user calls it, `action` is set.
using RegisterFn = void (*)(CLI::App& app, Action* action);

// Options that several commands share, with the same names and meaning everywhere.
struct CommonOptions {
  bool json = false;
  int threads = 0;
};
void AddJson(CLI::App& command, CommonOptions* options);
void AddThreads(CLI::App& command, CommonOptions* options);

// Insertion order is kept: the field order of docs/cli.md.
using Json = nlohmann::ordered_json;
// The one object of --json, on stdout.
void PrintJson(const Json& object);
// JSON has no infinity: those become the strings "inf" and "-inf", NaN becomes null.
Json Number(double value);

// A model file by its extension: .onnx, or .adzir (text form).
Result<Graph> ReadModel(const std::string& path);
// The same, made ready to run: explicit Q/DQ and QLinear nodes lifted into types, then simplified.
Result<Graph> ReadForExecution(const std::string& path);
// Refuses a network that is quantized already.
Status CheckFloat(const Graph& graph, const std::string& path);
// Writes by extension, quantized values as Q/DQ nodes.
Status WriteModel(const Graph& graph, const std::string& path);

// A network ready to run.
struct LoadedModel {
  std::shared_ptr<const Plan> plan;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Executor> executor;
};
Result<LoadedModel> LoadModel(const std::string& path, int threads, ExecutorOptions options = {});
Result<LoadedModel> LowerModel(const Graph& graph, int threads, ExecutorOptions options = {});

// Largest resident memory of this process so far, in bytes.
int64_t PeakRssBytes();

}  // namespace adze::cli

#endif  // ADZE_CLI_COMMAND_H_
