// adze bench: latency of a network on random input.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cli/command.h"
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

// Uniform in [0, 1) for floats, zeros for integers: a fixed sequence, so runs are comparable.
void Fill(Tensor* t) {
  uint64_t state = 0x9e3779b97f4a7c15u;
  if (t->dtype() != DType::kFloat32) return;
  float* const x = t->mutable_data<float>();
  for (int64_t i = 0; i < t->size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = static_cast<float>(state >> 40) * 0x1p-24f;
  }
}

double Percentile(const std::vector<double>& sorted, double p) {
  const size_t i = static_cast<size_t>(p * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[std::min(i, sorted.size() - 1)];
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

Status Bench(const BenchCommand& o) {
  if (!(o.min_time_s >= 0)) return UsageError("--min-time must be a number of seconds");
  const auto load_start = Clock::now();
  ADZE_ASSIGN(LoadedModel model,
              LoadModel(o.model, o.common.threads, ExecutorOptions{.profile = o.profile}));
  for (const std::string& text : o.shapes) {
    ADZE_ASSIGN(const auto shape, ParseShape(text));
    const auto has_name = [&](int32_t i) {
      return model.plan->values[static_cast<size_t>(i)].name == shape.first;
    };
    if (std::ranges::none_of(model.plan->inputs, has_name)) {
      return UsageError("--shape " + text + ": the network has no such input");
    }
  }
  std::vector<Tensor> inputs;
  std::vector<std::vector<int64_t>> dims;
  for (int32_t i : model.plan->inputs) {
    const PlanValue& v = model.plan->values[static_cast<size_t>(i)];
    ADZE_ASSIGN(std::vector<int64_t> d, DimsFor(v, o));
    ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(v.dtype, d));
    Fill(&t);
    dims.push_back(std::move(d));
    inputs.push_back(std::move(t));
  }
  ADZE_TRY(model.executor->Prepare(dims).WithContext(o.model));
  const double load_ms = MsSince(load_start);
  std::vector<ConstTensorView> views;
  for (const Tensor& t : inputs) views.push_back(t.view());
  const auto first_start = Clock::now();
  ADZE_TRY(model.executor->Run(views).WithContext(o.model));
  const double first_ms = MsSince(first_start);
  std::vector<double> times;
  const auto start = Clock::now();
  do {
    const auto run_start = Clock::now();
    ADZE_TRY(model.executor->Run(views));
    times.push_back(MsSince(run_start));
  } while (MsSince(start) < o.min_time_s * 1000 && times.size() < 10'000'000);
  std::sort(times.begin(), times.end());
  const int threads = model.pool->num_threads();
  Json result = {{"load_ms", load_ms},
                 {"first_ms", first_ms},
                 {"p50_ms", Percentile(times, 0.5)},
                 {"p95_ms", Percentile(times, 0.95)},
                 {"p99_ms", Percentile(times, 0.99)},
                 {"min_ms", times.front()},
                 {"runs", times.size()},
                 {"threads", threads},
                 {"batch", o.batch},
                 {"isa", IsaName(model.plan->isa)},
                 {"arena_bytes", model.executor->arena_bytes()},
                 {"peak_rss_bytes", PeakRssBytes()}};
  if (o.common.json) {
    if (o.profile) result["steps"] = ProfileJson(*model.executor);
    PrintJson(result);
    return OkStatus();
  }
  std::printf("load %.2f ms, first run %.2f ms\n", load_ms, first_ms);
  std::printf("p50 %.4f ms, p95 %.4f ms, best %.4f ms over %zu runs, %d thread%s, %s\n",
              Percentile(times, 0.5), Percentile(times, 0.95), times.front(), times.size(), threads,
              threads == 1 ? "" : "s", IsaName(model.plan->isa));
  std::printf("activations %.2f MB, peak memory %.1f MB\n",
              static_cast<double>(model.executor->arena_bytes()) / 1e6,
              static_cast<double>(PeakRssBytes()) / 1e6);
  if (o.profile) {
    for (const Json& s : ProfileJson(*model.executor)) {
      std::printf("%9.4f ms  %-16s %-24s %s\n", s["mean_ms"].get<double>(),
                  s["kernel"].get<std::string>().c_str(), s["op"].get<std::string>().c_str(),
                  s["node"].get<std::string>().c_str());
    }
  }
  return OkStatus();
}

}  // namespace

void RegisterBench(CLI::App& app, Action* action) {
  auto o = std::make_shared<BenchCommand>();
  CLI::App* c = app.add_subcommand("bench", "measure latency and memory of a network");
  c->add_option("model", o->model, "network (.onnx or .adzir), float or quantized")->required();
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
