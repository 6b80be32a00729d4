// adze convert: a network as a plan file that starts without preparation.
#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "lower/lower.h"
#include "runtime/plan_file.h"

namespace adze::cli {
namespace {

struct ConvertCommand {
  CommonOptions common;
  std::string model, out, isa;
};

Status Convert(const ConvertCommand& o) {
  if (!IsPlanFile(o.out)) return UsageError("--out " + o.out + ": the name must end in .adz");
  LowerOptions options;
  ADZE_ASSIGN(options.isa, ChooseIsa());
  if (!o.isa.empty()) options.isa = *ParseIsa(o.isa);
  ADZE_ASSIGN(const Graph graph, ReadForExecution(o.model));
  const Result<LoweredPlan> lowered = Lower(graph, options);
  if (!lowered.ok()) return lowered.status().WithContext(o.model);
  const Plan& plan = *lowered->plan;
  ADZE_TRY(WritePlan(plan, o.out));
  const int64_t weight_bytes = PackedWeightBytes(plan);
  std::error_code error;
  const auto file_bytes = static_cast<int64_t>(std::filesystem::file_size(o.out, error));
  if (error) return InvalidInput(o.out + ": " + error.message());
  if (o.common.json) {
    PrintJson({{"steps", plan.steps.size()},
               {"packed_for", IsaName(plan.isa)},
               {"weight_bytes", weight_bytes},
               {"file_bytes", file_bytes}});
  } else {
    std::printf("%s: %zu steps, %.2f MB of weights packed for %s, %.2f MB in all\n", o.out.c_str(),
                plan.steps.size(), static_cast<double>(weight_bytes) / 1e6, IsaName(plan.isa),
                static_cast<double>(file_bytes) / 1e6);
  }
  return OkStatus();
}

}  // namespace

void RegisterConvert(CLI::App& app, Action* action) {
  auto o = std::make_shared<ConvertCommand>();
  CLI::App* c = app.add_subcommand("convert", "write a network as a plan file that starts at once");
  c->add_option("model", o->model, "network (.onnx or .adzir), float or quantized")->required();
  c->add_option("--out", o->out, "plan file (.adz)")->required();
  c->add_option("--isa", o->isa,
                "instruction set of the processors that will run it; default: this one's best")
      ->check(CLI::IsMember({"generic", "avx2", "avx512vnni"}));
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Convert(*o); }; });
}

}  // namespace adze::cli
