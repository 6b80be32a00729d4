// adze eval: a metric over a data set, alone and beside a reference network.
#include <cstdio>

#include "cli/command.h"
#include "cli/terminal_progress.h"
#include "data/dataset.h"
#include "eval/evaluate.h"
#include "eval/metric.h"
#include "search/measured_json.h"

namespace adze::cli {
namespace {

struct EvalCommand {
  CommonOptions common;
  std::string model, data, reference;
  EvalOptions options;
};

void PrintText(const EvalResult& r) {
  std::printf("%s: %.6g over %lld samples", r.metric.c_str(), r.value,
              static_cast<long long>(r.samples));
  if (r.ci95) std::printf(", 95 %% interval %.6g to %.6g", r.ci95->low, r.ci95->high);
  std::printf("\n");
  if (r.reference_value) {
    std::printf("reference: %.6g, difference %+.6g", *r.reference_value, *r.difference);
    if (r.difference_ci95) {
      std::printf(" (95 %% interval %+.6g to %+.6g)", r.difference_ci95->low,
                  r.difference_ci95->high);
    }
    std::printf("\n");
  }
  if (r.flip_rate) std::printf("flip rate: %.4g %%\n", *r.flip_rate * 100);
  if (r.sqnr_db) std::printf("SQNR: %.2f dB\n", *r.sqnr_db);
  if (r.mean_kl) std::printf("mean KL: %.4g nats\n", *r.mean_kl);
  for (const OutputAgreement& o : r.outputs) {
    std::printf("output '%s': SQNR %.2f dB, cosine %.6f, largest difference %.4g of %.4g\n",
                o.name.c_str(), o.sqnr_db, o.cosine, o.max_abs_diff, o.max_abs);
  }
  if (r.nan_samples > 0) {
    std::printf("%lld samples have NaN in the judged output\n",
                static_cast<long long>(r.nan_samples));
  }
  std::printf("%.2f s, of it %.2f s in the network\n", r.wall_s, r.run_s);
}

Status Eval(const EvalCommand& o) {
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.data));
  ADZE_ASSIGN(LoadedModel model, LoadNetwork(o.model, o.common.threads));
  LoadedModel reference;
  if (!o.reference.empty()) {
    ADZE_ASSIGN(reference, LoadNetwork(o.reference, o.common.threads));
  }
  EvalOptions options = o.options;
  options.decode_threads = model.pool->num_threads();
  const std::unique_ptr<ProgressSink> progress = MakeTerminalProgress();
  ADZE_ASSIGN(const EvalResult r, EvaluateModel(model.executor.get(), reference.executor.get(),
                                                *dataset, options, progress.get()));
  if (!o.common.json) {
    PrintText(r);
    return OkStatus();
  }
  Json outputs = Json::array();
  for (const OutputAgreement& a : r.outputs) {
    outputs.push_back({{"name", a.name},
                       {"sqnr_db", JsonNumber(a.sqnr_db)},
                       {"cosine", JsonNumber(a.cosine)},
                       {"max_abs_diff", JsonNumber(a.max_abs_diff)},
                       {"max_abs", JsonNumber(a.max_abs)}});
  }
  PrintJson({{"metric", r.metric},
             {"value", JsonNumber(r.value)},
             {"samples", r.samples},
             {"ci95", IntervalToJson(r.ci95)},
             {"reference_value", JsonOrNull(r.reference_value)},
             {"difference", JsonOrNull(r.difference)},
             {"difference_ci95", IntervalToJson(r.difference_ci95)},
             {"flip_rate", JsonOrNull(r.flip_rate)},
             {"sqnr_db", JsonOrNull(r.sqnr_db)},
             {"mean_kl", JsonOrNull(r.mean_kl)},
             {"cosine", JsonOrNull(r.cosine)},
             {"outputs", outputs},
             {"nan_samples", r.nan_samples},
             {"wall_s", r.wall_s},
             {"run_s", r.run_s}});
  return OkStatus();
}

}  // namespace

void RegisterEval(CLI::App& app, Action* action) {
  std::vector<std::string> metrics;
  for (const MetricDef* d : AllMetrics()) metrics.push_back(d->name);
  auto o = std::make_shared<EvalCommand>();
  CLI::App* c = app.add_subcommand("eval", "measure a network on a data set");
  c->add_option("model", o->model, "network (.onnx, .adzir or .adz), float or quantized")
      ->required();
  c->add_option("--data", o->data, "data set description (docs/data.md)")->required();
  c->add_option("--reference", o->reference,
                "float network to compare with: adds flip rate, SQNR and the paired difference");
  c->add_option("--metric", o->options.metric,
                "metric instead of the data set's (adze list metrics)")
      ->check(CLI::IsMember(metrics));
  c->add_option("--split", o->options.split, "split of the data set")->capture_default_str();
  c->add_option("--samples", o->options.limit, "first samples only; 0: all")
      ->check(CLI::Range(0, 1 << 30));
  c->add_option("--batch", o->options.batch, "samples per run, for networks with a free batch")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Eval(*o); }; });
}

}  // namespace adze::cli
