// adze compare: a quantized network beside its float network, tensor by tensor.
#include "eval/compare.h"

#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/terminal_progress.h"

namespace adze::cli {
namespace {

struct CompareCommand {
  CommonOptions common;
  std::string reference, quantized, data;
  bool in_order = false;
  CompareOptions options;
};

Status Compare(const CompareCommand& o) {
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.data));
  ADZE_ASSIGN(const Graph reference, ReadForExecution(o.reference));
  ADZE_ASSIGN(const Graph quantized, ReadForExecution(o.quantized));
  CompareOptions options = o.options;
  ADZE_ASSIGN(options.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> progress = MakeTerminalProgress();
  options.progress = progress.get();
  ThreadPool pool(o.common.threads);
  ADZE_ASSIGN(std::vector<TensorComparison> tensors,
              CompareTensors(reference, quantized, *dataset, options, &pool));
  if (tensors.empty()) {
    return InvalidInput(o.quantized + ": has no tensor in common with " + o.reference);
  }
  if (!o.in_order) {
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const TensorComparison& a, const TensorComparison& b) {
                       return a.own_sqnr_db < b.own_sqnr_db;
                     });
  }
  Json list = Json::array();
  if (!o.common.json) {
    std::printf("SQNR in dB, %s:\n   own  inherited   total   clipped\n",
                o.in_order ? "in order of execution" : "the largest own error first");
  }
  for (const TensorComparison& t : tensors) {
    list.push_back({{"tensor", t.name},
                    {"node", t.node},
                    {"op", t.op},
                    {"quantized", t.quantized},
                    {"own_sqnr_db", JsonNumber(t.own_sqnr_db)},
                    {"inherited_sqnr_db", JsonNumber(t.inherited_sqnr_db)},
                    {"total_sqnr_db", JsonNumber(t.total_sqnr_db)},
                    {"clipped_share", t.clipped_share},
                    {"observed_min", JsonNumber(t.observed_min)},
                    {"observed_max", JsonNumber(t.observed_max)}});
    if (o.common.json) continue;
    std::printf("%6.1f  %9.1f  %6.1f  %6.3f %%  %s%s\n", t.own_sqnr_db, t.inherited_sqnr_db,
                t.total_sqnr_db, 100 * t.clipped_share, t.name.c_str(),
                t.quantized ? "" : " (float)");
  }
  if (o.common.json) PrintJson({{"samples", options.samples}, {"tensors", list}});
  return OkStatus();
}

}  // namespace

void RegisterCompare(CLI::App& app, Action* action) {
  auto o = std::make_shared<CompareCommand>();
  CLI::App* c =
      app.add_subcommand("compare", "find the tensors where a quantized network loses it");
  c->add_option("float", o->reference, "float network (.onnx or .adzir)")->required();
  c->add_option("quantized", o->quantized, "the same network quantized (.onnx or .adzir)")
      ->required();
  c->add_option("--data", o->data, "data set description (docs/data.md)")->required();
  c->add_option("--split", o->options.split, "split of the data set")->capture_default_str();
  c->add_option("--samples", o->options.samples, "first samples of the split")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  c->add_flag("--in-order", o->in_order, "in order of execution instead of worst first");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Compare(*o); }; });
}

}  // namespace adze::cli
