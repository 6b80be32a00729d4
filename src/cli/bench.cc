// adze bench: latency of a network on random input, and how far it is from what the machine allows.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cli/command.h"
#include "eval/latency.h"
#include "runtime/family.h"

namespace adze::cli {
namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct BenchCommand {
  CommonOptions common;
  std::string model;
  int64_t batch = 1;
  double min_time_s = 1.0;
  std::vector<std::string> shapes;
  bool profile = false;
};

// "name=1,3,224,224"
Result<std::pair<std::string, std::vector<int64_t>>> ParseShape(const std::string& text) {
  const auto refuse = [&] { return UsageError("--shape " + text + ": must be NAME=1,3,224,224"); };
  const size_t eq = text.find('=');
  if (eq == std::string::npos) return refuse();
  std::vector<int64_t> dims;
  for (const std::string& part : CLI::detail::split(text.substr(eq + 1), ',')) {
    char* end = nullptr;
    const long long v = std::strtoll(part.c_str(), &end, 10);
    if (part.empty() || *end != '\0' || v < 0) return refuse();
    dims.push_back(v);
  }
  return std::make_pair(text.substr(0, eq), dims);
}

// The dims to run with: given ones, else the declared ones with a free first dimension = batch.
Result<std::vector<int64_t>> DimsFor(const PlanValue& v, const BenchCommand& o) {
  for (const std::string& text : o.shapes) {
    ADZE_ASSIGN(const auto shape, ParseShape(text));
    if (shape.first == v.name) return shape.second;
  }
  std::vector<int64_t> dims;
  for (size_t i = 0; i < v.shape.size(); ++i) {
    if (v.shape[i].is_const()) {
      dims.push_back(v.shape[i].value());
    } else if (i == 0) {
      dims.push_back(o.batch);
    } else {
      return UsageError("input '" + v.name + "' has the free dimension " + v.shape[i].ToString() +
                        ": give --shape " + v.name + "=...");
    }
  }
  return dims;
}

Json ProfileJson(const Executor& executor) {
  Json steps = Json::array();
  const Plan& plan = executor.plan();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const StepTime& t = executor.step_times()[i];
    if (t.calls == 0) continue;
    steps.push_back({{"node", plan.steps[i].name},
                     {"op", plan.steps[i].op.ToString()},
                     {"kernel", FindFamily(plan.steps[i].family)->name},
                     {"mean_ms", t.total_ms / static_cast<double>(t.calls)}});
  }
  return steps;
}

constexpr int64_t kColdRuns = 5;

Json RooflineJson(const RunCost& cost, const MachinePeak& peak, double p50_ms) {
  const Roofline roof = RooflineOf(cost, peak);
  return {{"share", roof.seconds() * 1e3 / p50_ms},
          {"compute_ms", roof.compute_s * 1e3},
          {"memory_ms", peak.read_bytes_per_s > 0 ? Json(roof.memory_s * 1e3) : Json(nullptr)},
          {"int8_gmacs_per_s", peak.int8_macs_per_s / 1e9},
          {"float_gmacs_per_s", peak.float_macs_per_s / 1e9},
          {"read_gb_per_s", peak.read_bytes_per_s / 1e9}};
}

void PrintText(const Json& r) {
  const auto number = [&](const char* field) { return r[field].get<double>(); };
  std::printf("load %.2f ms, first run %.2f ms", number("load_ms"), number("first_ms"));
  if (!r["cold_ms"].is_null()) std::printf(", with cold caches %.4f ms", number("cold_ms"));
  const int threads = r["threads"].get<int>();
  std::printf(
      "\np50 %.4f ms, p95 %.4f ms, p99 %.4f ms, best %.4f ms, jitter %.1f %% over %.0f runs, "
      "%d thread%s, %s\n",
      number("p50_ms"), number("p95_ms"), number("p99_ms"), number("min_ms"),
      100 * number("jitter"), number("runs"), threads, threads == 1 ? "" : "s",
      r["isa"].get<std::string>().c_str());
  const Json& roof = r["roofline"];
  std::printf(
      "%.4g million multiply-accumulates, %.4g GMAC/s, %.1f %% of this machine's roofline "
      "(%.4f ms arithmetic",
      number("macs") / 1e6, number("gmacs_per_s"), 100 * roof["share"].get<double>(),
      roof["compute_ms"].get<double>());
  if (!roof["memory_ms"].is_null())
    std::printf(", %.4f ms memory", roof["memory_ms"].get<double>());
  std::printf(")\nactivations %.2f MB, peak memory %.1f MB\n", number("arena_bytes") / 1e6,
              number("peak_rss_bytes") / 1e6);
  if (!r.contains("steps")) return;
  for (const Json& s : r["steps"]) {
    std::printf("%9.4f ms  %-16s %-24s %s\n", s["mean_ms"].get<double>(),
                s["kernel"].get<std::string>().c_str(), s["op"].get<std::string>().c_str(),
                s["node"].get<std::string>().c_str());
  }
}

// Every --shape names an input.
Status CheckShapes(const Plan& plan, const BenchCommand& o) {
  for (const std::string& text : o.shapes) {
    ADZE_ASSIGN(const auto shape, ParseShape(text));
    const auto has_name = [&](int32_t i) {
      return plan.values[static_cast<size_t>(i)].name == shape.first;
    };
    if (std::ranges::none_of(plan.inputs, has_name)) {
      return UsageError("--shape " + text + ": the network has no such input");
    }
  }
  return OkStatus();
}

Status Bench(const BenchCommand& o) {
  if (!(o.min_time_s >= 0)) return UsageError("--min-time must be a number of seconds");
  const auto load_start = Clock::now();
  ADZE_ASSIGN(LoadedModel model,
              LoadNetwork(o.model, o.common.threads, ExecutorOptions{.profile = o.profile}));
  ADZE_TRY(CheckShapes(*model.plan, o));
  std::vector<Tensor> inputs;
  std::vector<std::vector<int64_t>> dims;
  for (int32_t i : model.plan->inputs) {
    const PlanValue& v = model.plan->values[static_cast<size_t>(i)];
    ADZE_ASSIGN(std::vector<int64_t> d, DimsFor(v, o));
    Result<Tensor> t = Tensor::TryAllocate(v.dtype, d);
    if (!t.ok()) return t.status().WithContext("input '" + v.name + "' (--shape, --batch)");
    FillForTiming(&*t);
    dims.push_back(std::move(d));
    inputs.push_back(*std::move(t));
  }
  Executor& executor = *model.executor;
  ADZE_TRY(executor.Prepare(dims).WithContext(o.model));
  const double load_ms = MsSince(load_start);
  std::vector<ConstTensorView> views;
  for (const Tensor& t : inputs) views.push_back(t.view());
  const auto first_start = Clock::now();
  ADZE_TRY(executor.Run(views).WithContext(o.model));
  const double first_ms = MsSince(first_start);
  ADZE_ASSIGN(const Latency warm,
              MeasureLatency(&executor, views, {.seconds = o.min_time_s, .min_runs = 1}));
  const Json steps = o.profile ? ProfileJson(executor) : Json();
  const int64_t peak_rss_bytes = PeakRssBytes();  // of the network, not of the probes below
  Json cold_ms;
  if (CacheEvictor evictor(model.pool.get()); evictor.ok()) {
    ADZE_ASSIGN(const Latency cold, MeasureLatency(&executor, views,
                                                   {.seconds = o.min_time_s,
                                                    .min_runs = 1,
                                                    .max_runs = kColdRuns,
                                                    .before_each = [&] { evictor.Evict(); }}));
    cold_ms = cold.p50_ms;
  }
  const RunCost cost = executor.Cost();
  const MachinePeak peak =
      MeasurePeak(model.plan->isa, cost.weight_bytes + executor.arena_bytes(), *model.pool);
  Json result = {{"load_ms", load_ms},
                 {"first_ms", first_ms},
                 {"cold_ms", cold_ms},
                 {"p50_ms", warm.p50_ms},
                 {"p95_ms", warm.p95_ms},
                 {"p99_ms", warm.p99_ms},
                 {"min_ms", warm.min_ms},
                 {"jitter", (warm.p95_ms - warm.p50_ms) / warm.p50_ms},
                 {"runs", warm.runs},
                 {"threads", model.pool->num_threads()},
                 {"batch", o.batch},
                 {"isa", IsaName(model.plan->isa)},
                 {"packed_for", model.packed_for ? Json(IsaName(*model.packed_for)) : Json()},
                 {"repacked_steps", model.packed_for ? Json(model.repacked_steps) : Json()},
                 {"macs", cost.macs()},
                 {"gmacs_per_s", static_cast<double>(cost.macs()) / warm.p50_ms / 1e6},
                 {"roofline", RooflineJson(cost, peak, warm.p50_ms)},
                 {"arena_bytes", executor.arena_bytes()},
                 {"peak_rss_bytes", peak_rss_bytes}};
  if (o.profile) result["steps"] = steps;
  if (o.common.json) {
    PrintJson(result);
  } else {
    PrintText(result);
  }
  return OkStatus();
}

}  // namespace

void RegisterBench(CLI::App& app, Action* action) {
  auto o = std::make_shared<BenchCommand>();
  CLI::App* c =
      app.add_subcommand("bench", "measure latency, arithmetic rate and memory of a network");
  c->add_option("model", o->model, "network (.onnx, .adzir or .adz), float or quantized")
      ->required();
  c->add_option("--batch", o->batch, "size of a free first dimension")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  c->add_option("--shape", o->shapes,
                "NAME=1,3,224,224: shape of an input with free dimensions; may repeat");
  c->add_option("--min-time", o->min_time_s, "seconds to repeat for")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  c->add_flag("--profile", o->profile, "time of every step");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Bench(*o); }; });
}

}  // namespace adze::cli
