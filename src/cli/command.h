// The frame of the adze program: one file per sub-command, each with one row in command_list.inc.
#ifndef ADZE_CLI_COMMAND_H_
#define ADZE_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/model_file.h"
#include "base/status.h"
#include "data/dataset.h"
#include "formats/json/json.h"

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

// LoadModel, with a note on standard error when a plan file was packed for another instruction set.
Result<LoadedModel> LoadNetwork(const std::string& path, int threads, ExecutorOptions options = {});

// Of all steps of a plan, as the kernels read them.
int64_t PackedWeightBytes(const Plan& plan);

// Refuses a network that is quantized already.
Status CheckFloat(const Graph& graph, const std::string& path);
// The splits that are named after their purpose, where the user names none: one that judges, and
// (unless null) one that calibrates.
void ChooseSplits(const Dataset& dataset, std::string* judging, std::string* calibration);
// Largest resident memory of this process so far, in bytes.
int64_t PeakRssBytes();

}  // namespace adze::cli

#endif  // ADZE_CLI_COMMAND_H_
