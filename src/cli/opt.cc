// adze opt: the graph passes, one by one or all.
#include <cstdio>

#include "cli/command.h"
#include "passes/pass.h"

namespace adze::cli {
namespace {

struct OptCommand {
  CommonOptions common;
  std::string model, out, pipeline = "simplify";
  PassOptions options;
};

Status Opt(const OptCommand& o) {
  ADZE_ASSIGN(Graph graph, ReadModel(o.model));
  const size_t before = graph.top().nodes.size();
  const Result<PassReport> report = RunPipeline(graph, *FindPipeline(o.pipeline), o.options);
  if (!report.ok()) return report.status().WithContext(o.model);
  if (!o.out.empty()) ADZE_TRY(WriteModel(graph, o.out));
  const size_t after = graph.top().nodes.size();
  if (o.common.json) {
    Json passes = Json::array();
    for (const PassReport::Count& c : report->counts) {
      passes.push_back({{"pass", c.pass}, {"patches", c.patches}, {"time_ms", c.time_ms}});
    }
    Json refusals = Json::array();
    for (const PassReport::Refusal& r : report->refusals) {
      refusals.push_back({{"pass", r.pass}, {"node", r.node}, {"reason", r.reason}});
    }
    PrintJson({{"nodes_before", before},
               {"nodes_after", after},
               {"patches", report->total_patches},
               {"passes", passes},
               {"refusals", refusals}});
    return OkStatus();
  }
  std::printf("%zu nodes -> %zu nodes, %lld patches\n", before, after,
              static_cast<long long>(report->total_patches));
  for (const PassReport::Count& c : report->counts) {
    if (c.patches > 0) {
      std::printf("  %-24s %5lld patches %8.2f ms\n", c.pass.c_str(),
                  static_cast<long long>(c.patches), c.time_ms);
    }
  }
  for (const PassReport::Refusal& r : report->refusals) {
    std::printf("  %s: %s: no, %s\n", r.pass.c_str(), r.node.c_str(), r.reason.c_str());
  }
  return OkStatus();
}

}  // namespace

void RegisterOpt(CLI::App& app, Action* action) {
  std::vector<std::string> pipelines;
  for (const Pipeline& p : AllPipelines()) pipelines.emplace_back(p.name);
  auto o = std::make_shared<OptCommand>();
  CLI::App* c = app.add_subcommand("opt", "simplify a network and write it back");
  c->add_option("model", o->model, "network (.onnx or .adzir)")->required();
  c->add_option("--out", o->out, "simplified network (.onnx or .adzir)");
  c->add_option("--pipeline", o->pipeline, "list of passes (docs/cli.md)")
      ->check(CLI::IsMember(pipelines))
      ->capture_default_str();
  c->add_option("--pass", o->options.only, "run only this pass of the pipeline; may repeat");
  c->add_option("--disable-pass", o->options.disable, "leave this pass out; may repeat");
  c->add_option("--stop-after", o->options.stop_after, "stop after so many patches, to bisect")
      ->check(CLI::Range(0, 1 << 30));
  c->add_flag("--explain", o->options.explain, "say why a pass did not apply");
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Opt(*o); }; });
}

}  // namespace adze::cli
