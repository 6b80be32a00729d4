// adze compress: the main job in one command.
#include "search/compress.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "calib/observers/observer.h"
#include "cli/command.h"
#include "cli/terminal_progress.h"
#include "eval/metric.h"
#include "passes/pass.h"
#include "report/report.h"
#include "search/measured_json.h"
#include "targets/target.h"

namespace adze::cli {
namespace {

struct CompressCommand {
  CommonOptions common;
  Recipe recipe;
  std::string out, replay, max_size, max_memory;
  std::string decided;  // an option that was given and that a lock decides
  bool plan = false;
};

Json RungJson(const TriedRung& t, bool chosen) {
  const Measured& m = t.measured;
  return {{"rung", t.candidate.rung},
          {"float_layers", t.candidate.float_layers},
          {"value", JsonNumber(m.value)},
          {"drop_points", JsonNumber(m.drop_points)},
          {"drop_ci95_points", IntervalToJson(m.drop_ci95_points)},
          {"flip_rate", JsonNumber(m.flip_rate)},
          {"sqnr_db", JsonNumber(m.sqnr_db)},
          {"int8_macs_share", JsonNumber(m.int8_macs_share)},
          {"size_bytes", m.size_bytes},
          {"memory_bytes", m.memory_bytes},
          {"latency_ms", JsonOrNull(m.latency_ms)},
          {"unmet", t.unmet},
          {"chosen", chosen}};
}

// "3500000", "3.5MB", "500kB", "2MiB".
Status ParseBytes(const char* option, const std::string& text, std::optional<int64_t>* bytes) {
  if (text.empty()) return OkStatus();
  static const std::map<std::string, double> kUnits = {
      {"", 1},          {"B", 1},    {"kB", 1e3},   {"KB", 1e3},
      {"MB", 1e6},      {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1024.0 * 1024},
      {"GiB", 1 << 30}, {"k", 1e3},  {"M", 1e6},    {"G", 1e9}};
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  while (*end == ' ') ++end;
  const auto unit = kUnits.find(end);
  const double value = unit == kUnits.end() ? 0 : number * unit->second;
  if (end == text.c_str() || !(value >= 1 && value < 0x1p53)) {
    return UsageError(std::string(option) + " " + text +
                      ": must be a number of bytes above 0, such as 500kB, 3.5MB or 2MiB");
  }
  *bytes = static_cast<int64_t>(value);
  return OkStatus();
}

std::string Whole(double x) { return std::to_string(static_cast<int>(x)); }

double Megabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

bool IsRate(const Recipe& recipe) {
  const MetricDef* const metric = FindMetric(recipe.metric);
  return metric != nullptr && metric->is_rate;
}

void PrintRungs(const Climb& climb, const Recipe& recipe) {
  const bool rate = IsRate(recipe);
  const bool value = !rate && recipe.metric != "sqnr_db";  // SQNR has its column anyway
  const bool flips = !std::isnan(climb.tried[0].measured.flip_rate);
  std::printf("%-28s", "rung");
  if (rate) std::printf(" %9s", "drop");
  if (value) std::printf(" %9s", recipe.metric.c_str());
  if (flips) std::printf(" %9s", "flips");
  std::printf(" %8s %9s\n", "MB", "SQNR");
  for (size_t i = 0; i < climb.tried.size(); ++i) {
    const TriedRung& t = climb.tried[i];
    std::string name = t.candidate.rung;
    if (!t.candidate.float_layers.empty()) {
      name = std::to_string(t.candidate.float_layers.size()) + " in float";
    }
    std::printf("%-28s", name.c_str());
    if (rate) std::printf(" %6.2f pt", t.measured.drop_points);
    if (value) std::printf(" %9.4g", t.measured.value);
    if (flips) std::printf(" %7.2f %%", 100 * t.measured.flip_rate);
    std::printf(" %8.2f %6.1f dB%s\n", Megabytes(t.measured.size_bytes), t.measured.sqnr_db,
                i == climb.chosen ? "  <- chosen" : "");
  }
}

// "at most 0.5 points lost, at most 2000000 bytes of memory".
std::string BudgetText(const Budget& b) {
  std::string text;
  const auto add = [&](const char* format, auto limit) {
    char clause[80];
    std::snprintf(clause, sizeof(clause), format, limit);
    text += (text.empty() ? "" : ", ") + std::string(clause);
  };
  if (b.max_drop_points) add("at most %.4g points lost", *b.max_drop_points);
  if (b.min_sqnr_db) add("an SQNR of at least %.4g dB", *b.min_sqnr_db);
  if (b.max_size_bytes)
    add("a file of at most %lld bytes", static_cast<long long>(*b.max_size_bytes));
  if (b.max_latency_ms) add("at most %.4g ms", *b.max_latency_ms);
  if (b.max_memory_bytes) {
    add("at most %lld bytes of memory", static_cast<long long>(*b.max_memory_bytes));
  }
  return text;
}

void PrintText(const CompressResult& r, const CompressCommand& o) {
  if (r.resumed > 0) {
    std::printf("went on from %lld measurements of interrupted work\n",
                static_cast<long long>(r.resumed));
  }
  PrintRungs(r.climb, o.recipe);
  const Json& before = r.evidence["before"];
  const Json& after = r.evidence["after"];
  const auto row = [&](const char* what, const char* unit, double scale, const Json& a,
                       const Json& b) {
    if (!a.is_number() || !b.is_number()) return;
    const double x = a.get<double>() * scale;
    const double y = b.get<double>() * scale;
    std::printf("%-28s %9.4g %9.4g %-3s", what, x, y, unit);
    if (x > 0 && y > 0) std::printf(" %5.2fx", y / x);
    std::printf("\n");
  };
  std::printf("\n%-28s %9s %9s\n", "", "before", "after");
  const bool rate = IsRate(o.recipe);
  row(o.recipe.metric.c_str(), rate ? "%" : "", rate ? 100 : 1, before["value"], after["value"]);
  row("size", "MB", 1e-6, before["size_bytes"], after["size_bytes"]);
  row("memory while it runs", "MB", 1e-6, before["memory_bytes"], after["memory_bytes"]);
  if (before["latency"].is_object() && after["latency"].is_object()) {
    row("latency (median)", "ms", 1, before["latency"]["p50_ms"], after["latency"]["p50_ms"]);
  }
  for (const Json& w : r.evidence["warnings"]) {
    std::printf("note: %s\n", w.get<std::string>().c_str());
  }
  std::printf("%s: %s\n", o.out.c_str(),
              r.evidence["outcome"]["sentence"].get<std::string>().c_str());
}

Status PrintPlan(const CompressPlan& p, const CompressCommand& o) {
  if (o.common.json) {
    PrintJson({{"layers", p.layers},
               {"int8_macs_share", p.int8_macs_share},
               {"float_bytes", p.float_bytes},
               {"int8_bytes", p.int8_bytes},
               {"calibration_split", o.recipe.calibration_split},
               {"calibration_samples", p.calibration_samples},
               {"evaluation_split", o.recipe.evaluation_split},
               {"evaluation_samples", p.evaluation_samples},
               {"metric", o.recipe.metric},
               {"budget", BudgetJson(o.recipe.budget)},
               {"first_rung_seconds", p.first_rung_seconds},
               {"rank_layers_seconds", p.rank_layers_seconds},
               {"more_rung_seconds", p.more_rung_seconds}});
    return OkStatus();
  }
  std::printf("calibrate on %lld samples of '%s', judge %s on %lld of '%s', for %s\n",
              static_cast<long long>(p.calibration_samples), o.recipe.calibration_split.c_str(),
              o.recipe.metric.c_str(), static_cast<long long>(p.evaluation_samples),
              o.recipe.evaluation_split.c_str(), o.recipe.target.c_str());
  std::printf(
      "all int8: %lld layers, %.2f %% of the multiply-accumulates, %.2f MB to about %.2f MB, "
      "about %.0f s\n",
      static_cast<long long>(p.layers), 100 * p.int8_macs_share, Megabytes(p.float_bytes),
      Megabytes(p.int8_bytes), p.first_rung_seconds);
  std::printf(
      "then one layer after the other in float until the budget is met: about %.0f s to measure "
      "layers, and %.0f s each\n",
      p.rank_layers_seconds, p.more_rung_seconds);
  std::printf("budget: %s\n", BudgetText(o.recipe.budget).c_str());
  return OkStatus();
}

// What the command line says, or for a replay the lock.
Status Complete(CompressCommand* o, std::optional<Lock>* lock) {
  if (!o->replay.empty()) {
    if (!o->decided.empty()) {
      return UsageError("--replay repeats what the lock says; leave out " + o->decided);
    }
    ADZE_ASSIGN(*lock, ReadLock(o->replay));
    Recipe given = std::move(o->recipe);
    o->recipe = (*lock)->recipe;
    // The files may lie elsewhere now; what is in them is checked.
    if (!given.model.empty()) o->recipe.model = given.model;
    if (!given.data.empty()) o->recipe.data = given.data;
    return OkStatus();
  }
  if (o->recipe.model.empty()) return UsageError("which network? Give MODEL (or --replay LOCK)");
  if (o->recipe.data.empty()) return UsageError("which data? Give --data (docs/data.md)");
  Budget& b = o->recipe.budget;
  ADZE_TRY(ParseBytes("--max-size", o->max_size, &b.max_size_bytes));
  ADZE_TRY(ParseBytes("--max-memory", o->max_memory, &b.max_memory_bytes));
  return OkStatus();
}

Status Run(CompressCommand o) {
  std::optional<Lock> lock;
  ADZE_TRY(Complete(&o, &lock));
  if (o.out.empty() && !o.plan) return UsageError("where to? Give --out DIR");
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.recipe.data));
  ADZE_ASSIGN(Graph graph, ReadForExecution(o.recipe.model));
  ADZE_TRY(RunPipeline(graph, "gates"));
  ADZE_TRY(CheckFloat(graph, o.recipe.model));
  if (!lock) {
    ADZE_TRY(ChooseSplits(*dataset, &o.recipe));
    ChooseMetric(graph, *dataset, &o.recipe);
  }
  CompressOptions options;
  options.recipe = o.recipe;
  options.folder = o.out;
  options.tool_version = ADZE_VERSION;
  ADZE_ASSIGN(options.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> bar = MakeTerminalProgress();
  options.progress = bar.get();
  if (lock) options.replay = &*lock;
  options.note = [](const std::string& s) { std::fprintf(stderr, "adze: note: %s\n", s.c_str()); };
  ThreadPool pool(o.common.threads);
  if (o.plan) {
    const Result<CompressPlan> plan = PlanCompress(graph, *dataset, options, &pool);
    if (!plan.ok()) return plan.status().WithContext(o.recipe.model);
    return PrintPlan(*plan, o);
  }
  options.describe = [](const Json& evidence) -> Result<std::vector<CompressOptions::File>> {
    ADZE_ASSIGN(std::string page, RenderHtml(evidence));
    std::string text = evidence.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    return std::vector<CompressOptions::File>{{"evidence.json", std::move(text)},
                                              {"report.html", std::move(page)}};
  };
  const Result<CompressResult> result = Compress(graph, *dataset, options, &pool);
  if (!result.ok()) return result.status().WithContext(o.recipe.model);
  if (o.common.json) {
    Json rungs = Json::array();
    for (size_t i = 0; i < result->climb.tried.size(); ++i) {
      rungs.push_back(RungJson(result->climb.tried[i], i == result->climb.chosen));
    }
    PrintJson({{"met", result->met},
               {"outcome", result->evidence["outcome"]["sentence"]},
               {"resumed", result->resumed},
               {"rungs", rungs},
               {"before", result->evidence["before"]},
               {"after", result->evidence["after"]},
               {"peak_rss_bytes", PeakRssBytes()}});
  } else {
    PrintText(*result, o);
  }
  if (result->met) return OkStatus();
  return Status(StatusCode::kGateNotMet,
                result->evidence["outcome"]["sentence"].get<std::string>());
}

}  // namespace

void RegisterCompress(CLI::App& app, Action* action) {
  std::vector<std::string> targets, metrics, observers = {"auto"};
  for (const TargetDef* d : AllTargets()) targets.push_back(d->name);
  for (const MetricDef* d : AllMetrics()) metrics.push_back(d->name);
  for (const ObserverDef* d : AllObservers()) observers.push_back(d->name);
  auto o = std::make_shared<CompressCommand>();
  CLI::App* c = app.add_subcommand(
      "compress", "the smallest network that meets a budget, with files, recipe and evidence");
  Recipe& r = o->recipe;
  c->add_option("model", r.model, "float network (.onnx or .adzir)");
  c->add_option("--data", r.data, "data set with splits to calibrate and judge on (docs/data.md)");
  c->add_option("--out", o->out, "folder for the files; interrupted work there is resumed");
  c->add_option("--max-drop", r.budget.max_drop_points,
                "points of a rate that may be lost, such as 0.5; " + Whole(kDefaultMaxDropPoints) +
                    " if there is no budget at all");
  c->add_option("--min-sqnr", r.budget.min_sqnr_db,
                "decibels of the outputs against the float network's, for any network, without "
                "labels; " +
                    Whole(kDefaultMinSqnrDb) +
                    " if there is no budget at all and the metric is no rate");
  c->add_option("--max-size", o->max_size, "bytes of the network's file: 500kB, 3.5MB, 2MiB");
  c->add_option("--max-latency", r.budget.max_latency_ms,
                "milliseconds of one run on this machine (median)");
  c->add_option("--max-memory", o->max_memory,
                "bytes of weights and activations while it runs (one thread)");
  c->add_option("--target", r.target, "who will run it (adze list targets)")
      ->check(CLI::IsMember(targets))
      ->capture_default_str();
  c->add_option("--metric", r.metric,
                "metric that is judged instead of the data set's (adze list metrics)")
      ->check(CLI::IsMember(metrics));
  c->add_option("--calibration", r.observer, "as in adze quantize")
      ->check(CLI::IsMember(observers))
      ->capture_default_str();
  c->add_option("--calibration-split", r.calibration_split,
                "split to calibrate on; else calibration or train");
  c->add_option("--evaluation-split", r.evaluation_split,
                "split to judge on; else test, evaluation or validation");
  c->add_option("--samples", r.samples, "calibration samples at most")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  c->add_flag("--plan", o->plan, "only say what would be done, with predicted size and time");
  c->add_option("--replay", o->replay,
                "recipe.lock of an earlier compression: the same bytes without measuring");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action, c] {
    for (const char* option :
         {"--max-drop", "--min-sqnr", "--max-size", "--max-latency", "--max-memory", "--target",
          "--metric", "--calibration", "--calibration-split", "--evaluation-split", "--samples",
          "--plan"}) {
      if (c->count(option) > 0) o->decided = option;
    }
    *action = [o] { return Run(*o); };
  });
}

}  // namespace adze::cli
