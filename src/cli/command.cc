#include "cli/command.h"

#include <sys/resource.h>

#include <cstdio>

namespace adze::cli {
void AddJson(CLI::App& command, CommonOptions* options) {
  command.add_flag("--json", options->json, "print one JSON object on stdout (docs/cli.md)");
}

void AddThreads(CLI::App& command, CommonOptions* options) {
  command
      .add_option("--threads", options->threads,
                  "threads to compute with; 0: as many as this process may use")
      ->check(CLI::Range(0, 1024));
}

void PrintJson(const Json& object) {
  const std::string text = object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void ChooseSplits(const Dataset& dataset, std::string* judging, std::string* calibration) {
  const std::vector<std::string> names = dataset.split_names();
  const auto choose = [&](std::initializer_list<const char*> wanted, std::string* split) {
    for (const char* name : wanted) {
      if (split->empty() && std::find(names.begin(), names.end(), name) != names.end()) {
        *split = name;
      }
    }
  };
  choose({"test", "evaluation", "validation", "all"}, judging);
  if (calibration != nullptr) choose({"calibration", "train", "all"}, calibration);
}

Result<LoadedModel> LoadNetwork(const std::string& path, int threads, ExecutorOptions options) {
  Result<LoadedModel> model = LoadModel(path, threads, std::move(options));
  if (model.ok() && model->repacked_steps > 0) {
    const char* const isa = IsaName(model->plan->isa);
    std::fprintf(stderr,
                 "adze: note: %s is packed for %s; %d steps were packed anew in memory for %s "
                 "(adze convert --isa %s makes a file that needs no packing)\n",
                 path.c_str(), IsaName(*model->packed_for), model->repacked_steps, isa, isa);
  }
  return model;
}

int64_t PackedWeightBytes(const Plan& plan) {
  int64_t bytes = 0;
  for (const Step& s : plan.steps) {
    for (const Tensor& t : s.weights) bytes += static_cast<int64_t>(t.bytes());
  }
  return bytes;
}

Status CheckFloat(const Graph& graph, const std::string& path) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& v = graph.value(id);
    if (!v.dead && v.type.quant) {
      return InvalidInput(path + ": the network is quantized already: tensor '" + v.name + "' is " +
                          QuantTypeSummary(*v.type.quant));
    }
  }
  return OkStatus();
}

int64_t PeakRssBytes() {
  // VmHWM, because ru_maxrss starts with what the parent process had when it forked.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    long long kilobytes = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %lld", &kilobytes) == 1) return kilobytes * 1024;
  }
  struct rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace adze::cli
