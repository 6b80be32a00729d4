// adze sensitivity: how much each layer matters, alone quantized and alone in float.
#include "search/sensitivity/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "cli/command.h"
#include "cli/terminal_progress.h"
#include "passes/pass.h"

namespace adze::cli {
namespace {

struct SensitivityCommand {
  CommonOptions common;
  std::string model, data;
  int weight_bits = 8;
  int activation_bits = 8;
  int64_t top = 0;
  bool no_gradients = false;
  SensitivityOptions options;
};

Json Effect(const OutputEffect& e) {
  return {{"sqnr_db", JsonNumber(e.sqnr_db)},
          {"flip_rate", JsonNumber(e.flip_rate)},
          {"mean_kl", JsonNumber(e.mean_kl)},
          {"metric_drop", JsonNumber(e.drop)}};
}

Json ToJson(const Sensitivity& s, const SensitivityOptions& options) {
  Json layers = Json::array();
  for (const LayerSensitivity& l : s.layers) {
    layers.push_back({{"layer", l.name},
                      {"result", l.result},
                      {"op", l.op},
                      {"macs", l.macs},
                      {"parameters", l.parameters},
                      {"quantized_alone", Effect(l.quantized)},
                      {"float_alone", Effect(l.kept)},
                      {"gain_db", JsonNumber(l.gain_db)},
                      {"fisher_kl", JsonNumber(l.fisher_kl)},
                      {"hessian_sqnr_db", JsonNumber(l.hessian_db)}});
  }
  return {{"split", options.split},
          {"calibration_split", options.quantize.split},
          {"samples", s.samples},
          {"metric", s.metric.empty() ? Json(nullptr) : Json(s.metric)},
          {"all_quantized", Effect(s.all)},
          {"layers", layers},
          {"agreement",
           {{"noise_and_gain", JsonNumber(s.agreement_kept)},
            {"noise_and_flips", JsonNumber(s.agreement_flips)},
            {"noise_and_hessian", JsonNumber(s.agreement_hessian)},
            {"divergence_and_fisher", JsonNumber(s.agreement_fisher)}}},
          {"notes", s.notes},
          {"share_repeated", s.share_repeated},
          {"seconds", s.seconds},
          {"peak_rss_bytes", PeakRssBytes()}};
}

// A dash where there is nothing to count.
std::string Or(const char* format, double x) {
  if (std::isnan(x)) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

void PrintText(const Sensitivity& s, const SensitivityCommand& o) {
  std::printf("all layers quantized: output SQNR %.1f dB", s.all.sqnr_db);
  if (!std::isnan(s.all.flip_rate)) std::printf(", %.1f %% flips", 100 * s.all.flip_rate);
  std::printf(" on %lld samples of '%s'\n", static_cast<long long>(s.samples),
              o.options.split.c_str());
  for (const std::string& note : s.notes) std::printf("note: %s\n", note.c_str());
  std::printf("%-32s %-10s %9s %10s | %8s %7s %9s | %8s %7s | %10s %9s\n", "layer", "operator",
              "MMACs", "weights", "alone dB", "flips %", "KL", "float dB", "gain dB", "Hessian dB",
              "Fisher KL");
  std::vector<size_t> order(s.layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return s.layers[a].quantized.sqnr_db < s.layers[b].quantized.sqnr_db;
  });
  if (o.top > 0) order.resize(std::min(order.size(), static_cast<size_t>(o.top)));
  for (const size_t i : order) {
    const LayerSensitivity& l = s.layers[i];
    std::printf("%-32s %-10s %9.3f %10lld | %8.1f %7s %9s | %8.1f %+7.2f | %10s %9s\n",
                l.name.c_str(), l.op.c_str(), 1e-6 * static_cast<double>(l.macs),
                static_cast<long long>(l.parameters), l.quantized.sqnr_db,
                Or("%.1f", 100 * l.quantized.flip_rate).c_str(),
                Or("%.2g", l.quantized.mean_kl).c_str(), l.kept.sqnr_db, l.gain_db,
                Or("%.1f", l.hessian_db).c_str(), Or("%.2g", l.fisher_kl).c_str());
  }
  if (order.size() < s.layers.size()) {
    std::printf("… %zu more\n", s.layers.size() - order.size());
  }
  std::printf(
      "rank correlations over layers: noise alone with the gain in float %s, with flips %s, "
      "with the Hessian's prediction %s; divergence with Fisher's %s\n",
      Or("%.2f", s.agreement_kept).c_str(), Or("%.2f", s.agreement_flips).c_str(),
      Or("%.2f", s.agreement_hessian).c_str(), Or("%.2f", s.agreement_fisher).c_str());
  std::printf("%.1f s, %.0f %% of the multiply-accumulates of whole networks repeated\n", s.seconds,
              100 * s.share_repeated);
}

Status RunSensitivity(SensitivityCommand o) {
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.data));
  ADZE_ASSIGN(Graph graph, ReadForExecution(o.model));
  ADZE_TRY(RunPipeline(graph, "gates"));
  ADZE_TRY(CheckFloat(graph, o.model));
  ChooseSplits(*dataset, &o.options.split, &o.options.quantize.split);
  o.options.quantize.quant.weight_bits = o.weight_bits;
  o.options.quantize.quant.activation = IntegerOf(o.activation_bits, false);
  o.options.gradients = !o.no_gradients;
  ADZE_ASSIGN(o.options.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> progress = MakeTerminalProgress();
  o.options.progress = progress.get();
  ThreadPool pool(o.common.threads);
  const Result<Sensitivity> s = MeasureSensitivity(graph, *dataset, o.options, &pool);
  if (!s.ok()) return s.status().WithContext(o.model);
  if (o.common.json) {
    PrintJson(ToJson(*s, o.options));
  } else {
    PrintText(*s, o);
  }
  return OkStatus();
}

}  // namespace

void RegisterSensitivity(CLI::App& app, Action* action) {
  auto o = std::make_shared<SensitivityCommand>();
  o->options.quantize.split.clear();
  CLI::App* c = app.add_subcommand(
      "sensitivity", "how much each layer matters, alone quantized and alone in float");
  c->add_option("model", o->model, "float network (.onnx or .adzir)")->required();
  c->add_option("--data", o->data, "data set description (docs/data.md)")->required();
  c->add_option("--split", o->options.split,
                "split to judge on; else test, evaluation, validation or all");
  c->add_option("--calibration-split", o->options.quantize.split,
                "split to quantize on; else calibration, train or all");
  c->add_option("--samples", o->options.samples, "samples to judge on, spread over the split")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  c->add_option("--weight-bits", o->weight_bits, "bits of a weight")
      ->check(CLI::Range(2, 8))
      ->capture_default_str();
  c->add_option("--activation-bits", o->activation_bits, "bits of an activation")
      ->check(CLI::Range(2, 8))
      ->capture_default_str();
  c->add_option("--top", o->top, "print that many layers, the worst; 0: all")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  c->add_flag("--no-gradients", o->no_gradients,
              "leave out what Fisher information and the Hessian predict");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return RunSensitivity(*o); }; });
}

}  // namespace adze::cli
