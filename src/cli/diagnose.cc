// adze diagnose: which layer broke it, why, and what would help.
#include "search/diagnosis/diagnose.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/file.h"
#include "cli/command.h"
#include "cli/terminal_progress.h"
#include "ir/sha256.h"
#include "passes/pass.h"
#include "report/report.h"
#include "search/diagnosis/diagnosis_json.h"

namespace adze::cli {
namespace {

// More would scroll the worst away; --json and --report have all.
constexpr size_t kShown = 12;
constexpr size_t kPlacesShown = 4;  // of one finding

struct DiagnoseCommand {
  CommonOptions common;
  std::string reference, quantized, encodings, data, report;
  DiagnoseOptions options;
};

Result<Graph> Read(const std::string& path) {
  ADZE_ASSIGN(Graph graph, ReadForExecution(path));
  ADZE_TRY(RunPipeline(graph, "gates"));
  return graph;
}

void PrintFinding(const Diagnosis& d, size_t index) {
  const Finding& f = d.findings[index];
  const LayerFacts& layer = d.facts.layers[f.places[0]];
  const std::string name = LayerName(d, layer);
  std::printf("%zu. %s: %s (%s)", index + 1, FindingOf(f.kind).title, name.c_str(),
              LayerOp(d, layer).c_str());
  if (name != layer.compared.name) std::printf(", tensor '%s'", layer.compared.name.c_str());
  for (size_t p = 1; p < std::min(f.places.size(), kPlacesShown); ++p) {
    std::printf(", %s", LayerName(d, d.facts.layers[f.places[p]]).c_str());
  }
  if (f.places.size() > kPlacesShown) std::printf(" …");
  std::printf("\n   %s; own error %.1f dB, inherited %.1f dB\n", f.what.c_str(),
              layer.compared.own_sqnr_db, layer.compared.inherited_sqnr_db);
  if (f.gain_db) {
    std::printf("   fix: %s: output SQNR %+.1f dB\n", f.advice.c_str(), *f.gain_db);
  } else if (!f.advice.empty()) {
    std::printf("   %s%s\n", f.fixes.empty() ? "" : "fix, not measured: ", f.advice.c_str());
  }
}

void PrintText(const Diagnosis& d, const DiagnoseCommand& o) {
  std::printf("%s\n", d.sentence.c_str());
  std::printf("(%lld samples of '%s'; %lld fixes measured on %lld)\n",
              static_cast<long long>(d.samples), o.options.split.c_str(),
              static_cast<long long>(d.output.fixes), static_cast<long long>(d.output.samples));
  for (const std::string& w : d.warnings) std::printf("note: %s\n", w.c_str());
  const auto problems = static_cast<size_t>(d.problems);
  for (size_t i = 0; i < std::min(d.findings.size(), std::max(kShown, problems)); ++i) {
    if (i == problems) std::printf("%sworth knowing:\n", i == 0 ? "" : "\n");
    PrintFinding(d, i);
  }
  if (d.findings.size() > kShown) {
    std::printf("… %zu more, see --json or --report\n",
                d.findings.size() - std::max(kShown, problems));
  }
  const auto tried = std::count_if(d.dismissed.begin(), d.dismissed.end(),
                                   [](const Finding& f) { return f.gain_db.has_value(); });
  const auto untried = static_cast<long long>(d.dismissed.size()) - tried;
  if (tried > 0) {
    std::printf(
        "looked into %lld more; their fixes gain less than %.0f dB or repeat a cause above\n",
        static_cast<long long>(tried), kWorthDb);
  }
  if (untried > 0) std::printf("%lld more were not measured (--fixes)\n", untried);
}

Status Diagnose(DiagnoseCommand o) {
  if (!o.quantized.empty() && !o.encodings.empty()) {
    return UsageError("QUANTIZED and --encodings both say how the network is quantized; give one");
  }
  if (!o.report.empty() && !o.report.ends_with(".html")) {
    return UsageError("--report " + o.report + ": adze writes .html");
  }
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.data));
  ADZE_ASSIGN(const Graph graph, Read(o.reference));
  ADZE_TRY(CheckFloat(graph, o.reference));
  const bool quantize = o.quantized.empty() && o.encodings.empty();
  Graph quantized;
  if (!o.quantized.empty()) {
    ADZE_ASSIGN(quantized, Read(o.quantized));
  }
  Encodings encodings;
  if (!o.encodings.empty()) {
    ADZE_ASSIGN(encodings, ReadEncodings(o.encodings));
  }
  ChooseSplits(*dataset, &o.options.split, quantize ? &o.options.calibration_split : nullptr);
  ADZE_ASSIGN(o.options.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> progress = MakeTerminalProgress();
  o.options.progress = progress.get();
  ThreadPool pool(o.common.threads);
  const Result<Diagnosis> d = quantize ? DiagnoseFloat(graph, *dataset, o.options, &pool)
                              : !o.encodings.empty()
                                  ? DiagnoseEncodings(graph, encodings, *dataset, o.options, &pool)
                                  : DiagnoseQuantized(graph, quantized, *dataset, o.options, &pool);
  if (!d.ok()) return d.status().WithContext(quantize ? o.reference : o.quantized + o.encodings);
  DiagnosisSource source;
  source.tool_version = ADZE_VERSION;
  source.threads = pool.num_threads();
  source.model = o.reference;
  ADZE_ASSIGN(source.model_sha256, Sha256OfFile(o.reference));
  source.quantized = o.quantized + o.encodings;
  source.data = o.data;
  const Json json = DiagnosisJson(*d, o.options, source);
  if (!o.report.empty()) {
    ADZE_ASSIGN(const std::string page, RenderHtml(json));
    ADZE_TRY(WriteFileAtomic(o.report, page));
  }
  if (o.common.json) {
    PrintJson(json);
  } else {
    PrintText(*d, o);
  }
  return OkStatus();
}

}  // namespace

void RegisterDiagnose(CLI::App& app, Action* action) {
  auto o = std::make_shared<DiagnoseCommand>();
  CLI::App* c = app.add_subcommand(
      "diagnose", "which layer broke it, why, and what a fix would gain, measured");
  c->add_option("float", o->reference, "float network (.onnx or .adzir)")->required();
  c->add_option(
      "quantized", o->quantized,
      "the same network quantized (.onnx or .adzir); without it, what adze quantize would "
      "make of it");
  c->add_option("--encodings", o->encodings,
                "instead of a quantized network, encodings for the float one (docs/encodings.md)");
  c->add_option("--data", o->data, "data set description (docs/data.md)")->required();
  c->add_option("--split", o->options.split,
                "split to judge on; else test, evaluation, validation or all");
  c->add_option("--calibration-split", o->options.calibration_split,
                "split that chose the ranges, to compare with; without a quantized network, to "
                "quantize on");
  c->add_option("--samples", o->options.samples, "samples to judge on, spread over the split")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  c->add_option("--fixes", o->options.fixes, "fixes to measure at most; 0: name causes only")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  c->add_option("--report", o->report, "a page for people (.html)");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Diagnose(*o); }; });
}

}  // namespace adze::cli
