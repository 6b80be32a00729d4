#include "search/evidence.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "eval/compare.h"
#include "eval/latency.h"
#include "formats/json/json.h"
#include "lower/lower.h"
#include "quant/integer_form.h"
#include "search/evidence_parts.h"
#include "search/measured_json.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kComparedSamples = 16;
constexpr double kLatencySeconds = 0.5;

// One network on this machine: latency of the whole, and microseconds by node name.
struct Timed {
  std::optional<Latency> latency;
  std::map<std::string, double> step_us;
};

Result<Timed> Time(const Graph& graph, Isa isa, ThreadPool* pool) {
  Timed timed;
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {isa, {}}));
  Executor executor(lowered.plan, pool);
  const Result<Latency> latency = MeasureLatency(&executor, kLatencySeconds);
  // Free dimensions: no latency without a shape.
  if (latency.status().code() == StatusCode::kUnsupported) return timed;
  ADZE_TRY(latency.status());
  timed.latency = *latency;
  Executor profiled(lowered.plan, pool, {.profile = true});
  ADZE_ASSIGN(timed.step_us, MeasureSteps(&profiled));
  return timed;
}

Json LatencyJson(const std::optional<Latency>& l) {
  if (!l) return nullptr;
  return {
      {"p50_ms", l->p50_ms}, {"p95_ms", l->p95_ms}, {"p99_ms", l->p99_ms}, {"min_ms", l->min_ms}};
}

class Evidence {
 public:
  Evidence(const EvidenceInput& in, ThreadPool* pool)
      : in_(in), pool_(pool), real_(in.network.base().network.equalized) {}

  Result<Json> Make() {
    const Recipe& r = in_.options.recipe;
    CompareOptions compare;
    compare.split = r.evaluation_split;
    compare.samples = kComparedSamples;
    compare.isa = in_.options.isa;
    compare.progress = in_.options.progress;
    ADZE_ASSIGN(const std::vector<TensorComparison> tensors,
                CompareTensors(in_.graph, in_.chosen.graph, in_.dataset, compare, pool_));
    for (const TensorComparison& t : tensors) compared_[t.name] = t;
    ADZE_ASSIGN(before_, Time(in_.graph, in_.options.isa, pool_));
    ADZE_ASSIGN(after_, Time(in_.chosen.graph, in_.options.isa, pool_));
    Json json = {{"format", "adze.evidence"}, {"version", 1}};
    json["tool"] = ToolJson(in_.options.tool_version, in_.options.isa, pool_->num_threads());
    json["model"] = ModelJson(in_.graph, r.model, in_.lock.model_sha256);
    ADZE_ASSIGN(json["data"], Data());
    json["budget"] = BudgetJson(r.budget);
    json["budget"]["target"] = r.target;
    json["outcome"] = {
        {"met", in_.climb.met}, {"rung", in_.climb.chosen}, {"sentence", in_.sentence}};
    const Measured& chosen = in_.climb.tried[in_.climb.chosen].measured;
    json["before"] = Side("float.onnx", in_.before, before_);
    json["after"] = Side("quantized.onnx", chosen, after_);
    // Where latency has a budget, what was judged is what is shown.
    if (chosen.latency_ms) {
      json["after"]["latency"] = {{"p50_ms", *chosen.latency_ms},
                                  {"p95_ms", nullptr},
                                  {"p99_ms", nullptr},
                                  {"min_ms", nullptr}};
    }
    json["after"]["drop_points"] = JsonNumber(chosen.drop_points);
    json["after"]["drop_ci95_points"] = IntervalToJson(chosen.drop_ci95_points);
    json["after"]["flip_rate"] = JsonNumber(chosen.flip_rate);
    json["after"]["sqnr_db"] = JsonNumber(chosen.sqnr_db);
    json["after"]["int8_macs_share"] = JsonNumber(chosen.int8_macs_share);
    json["rungs"] = Rungs();
    json["layers"] = Layers();
    json["tensors"] = Tensors();
    json["graph"] = GraphJson(real_, [&](NodeId id) { return IsFloatNode(id); });
    json["files"] = Json::array();
    for (const OutputFile& f : in_.files) {
      json["files"].push_back(
          {{"name", f.name}, {"bytes", f.bytes}, {"sha256", f.sha256}, {"what", f.what}});
    }
    json["steps"] = Json::array();
    for (const auto& [name, seconds] : in_.network.seconds()) {
      json["steps"].push_back({{"name", name}, {"seconds", seconds}});
    }
    json["warnings"] = Warnings();
    return json;
  }

 private:
  Result<Json> Data() const {
    const Recipe& r = in_.options.recipe;
    ADZE_ASSIGN(const int64_t evaluated, in_.dataset.NumSamples(r.evaluation_split));
    const auto calibrated = static_cast<int64_t>(in_.network.base().statistics.samples);
    return Json{{"path", r.data},
                {"sha256", in_.lock.data_sha256},
                {"calibration", {{"split", r.calibration_split}, {"samples", calibrated}}},
                {"evaluation", {{"split", r.evaluation_split}, {"samples", evaluated}}},
                {"metric", r.metric}};
  }

  static Json Side(const char* file, const Measured& m, const Timed& timed) {
    return {{"file", file},
            {"value", JsonNumber(m.value)},
            {"ci95", IntervalToJson(m.value_ci95)},
            {"size_bytes", m.size_bytes},
            {"latency", LatencyJson(timed.latency)},
            {"memory_bytes", m.memory_bytes}};
  }

  Json Rungs() const {
    Json rungs = Json::array();
    std::set<std::string> before;
    for (size_t i = 0; i < in_.climb.tried.size(); ++i) {
      const TriedRung& t = in_.climb.tried[i];
      const std::set<std::string>& in_float = t.candidate.float_layers;
      const auto def = std::find_if(AllRungs().begin(), AllRungs().end(),
                                    [&](const RungDef* d) { return t.candidate.rung == d->name; });
      std::string name = (*def)->name;
      std::string description = (*def)->summary;
      if (!in_float.empty()) {
        name = std::to_string(in_float.size()) + (in_float.size() == 1 ? " layer" : " layers") +
               " in float";
        description = "added:";
        for (const std::string& layer : in_float) {
          if (!before.contains(layer)) description += " " + NodeOf(layer);
        }
      }
      before = in_float;
      rungs.push_back({{"name", name},
                       {"description", description},
                       {"float_layers", t.candidate.float_layers},
                       {"value", JsonNumber(t.measured.value)},
                       {"drop_points", JsonNumber(t.measured.drop_points)},
                       {"drop_ci95_points", IntervalToJson(t.measured.drop_ci95_points)},
                       {"flip_rate", JsonNumber(t.measured.flip_rate)},
                       {"sqnr_db", JsonNumber(t.measured.sqnr_db)},
                       {"size_bytes", t.measured.size_bytes},
                       {"latency_ms", JsonOrNull(t.measured.latency_ms)},
                       {"memory_bytes", t.measured.memory_bytes},
                       {"met", t.unmet.empty()},
                       {"unmet", t.unmet},
                       {"chosen", i == in_.climb.chosen},
                       {"seconds", t.seconds}});
    }
    return rungs;
  }

  bool IsFloatNode(NodeId id) const {
    const NodePlan plan = in_.chosen.plan.nodes[static_cast<size_t>(id)];
    return plan == NodePlan::kFloat || plan == NodePlan::kIgnore;
  }

  // The name of the node that computes a layer's result, as the user's file has it.
  std::string NodeOf(const std::string& result) const {
    const ValueId v = real_.FindValue(result);
    const Node* const n = v == kNoId ? nullptr : real_.producer(v);
    return n == nullptr || n->name.empty() ? result : n->name;
  }

  // The comparison of a layer's result, behind the activation that runs with it.
  const TensorComparison* ResultOf(ValueId v) const {
    while (true) {
      const auto it = compared_.find(real_.value(v).name);
      if (it != compared_.end()) return &it->second;
      const auto users = real_.users(v);
      if (users.size() != 1 || real_.node(users[0]).outputs.size() != 1) return nullptr;
      if (NodeMacs(real_, users[0]) > 0) return nullptr;
      v = real_.node(users[0]).outputs[0];
    }
  }

  static Json TimeOf(const Timed& timed, const std::string& node) {
    const auto it = timed.step_us.find(node);
    return it == timed.step_us.end() || node.empty() ? Json(nullptr) : Json(it->second);
  }

  Json Layers() const {
    const std::map<std::string, double> gains = in_.network.KnownGainsDb();
    std::map<std::string, std::string> reasons;
    for (const FloatNode& f : in_.chosen.report.float_nodes) reasons[f.node] = f.reason;
    Json layers = Json::array();
    for (const NodeId id : real_.top().nodes) {
      const Node& n = real_.node(id);
      const OpDef* const def = FindOp(n.op);
      if (def == nullptr || def->quant.kind != QuantKind::kCompute) continue;
      const std::string& result = real_.value(n.outputs[0]).name;
      const bool is_float = IsFloatNode(id);
      const auto reason = reasons.find(n.name.empty() ? result : n.name);
      const TensorComparison* const c = ResultOf(n.outputs[0]);
      const ValueId weight = real_.input(id, def->quant.weight_input);
      const bool constant = weight != kNoId && real_.value(weight).is_constant();
      const auto gain = gains.find(result);
      layers.push_back(
          {{"name", n.name.empty() ? result : n.name},
           {"op", n.op.ToString()},
           {"macs", NodeMacs(real_, id)},
           {"parameters", constant ? real_.value(weight).constant.size() : 0},
           {"precision", is_float ? "float" : "int8"},
           {"reason", is_float && reason != reasons.end() ? Json(reason->second) : Json(nullptr)},
           {"own_sqnr_db", c != nullptr ? JsonNumber(c->own_sqnr_db) : Json(nullptr)},
           {"inherited_sqnr_db", c != nullptr ? JsonNumber(c->inherited_sqnr_db) : Json(nullptr)},
           {"total_sqnr_db", c != nullptr ? JsonNumber(c->total_sqnr_db) : Json(nullptr)},
           {"sensitivity_db", gain != gains.end() ? JsonNumber(gain->second) : Json(nullptr)},
           {"latency_us_before", TimeOf(before_, n.name)},
           {"latency_us_after", TimeOf(after_, n.name)},
           {"input", real_.value(real_.input(id, 0)).name},
           {"output", c != nullptr ? c->name : result},
           {"weight", constant ? Json(real_.value(weight).name) : Json(nullptr)}});
    }
    return layers;
  }

  Json Tensors() const {
    const Statistics& statistics = in_.network.base().statistics;
    Json out = Json::array();
    for (const auto& [name, e] : in_.chosen.encodings.tensors) {
      const ValueId v = real_.FindValue(name);
      if (v == kNoId) continue;
      const Value& value = real_.value(v);
      Json t = {{"name", name},
                {"kind", value.is_constant() ? "weight" : "activation"},
                {"storage", DTypeName(e.type.storage)},
                {"observer", e.provenance.observer},
                {"scale", e.type.scale},
                {"zero_point", e.type.zero_point},
                {"min", JsonNumber(e.provenance.range_min)},
                {"max", JsonNumber(e.provenance.range_max)}};
      Json low = nullptr, high = nullptr, clipped = nullptr, histogram = nullptr;
      if (value.is_constant()) {
        const std::span<const float> w = value.constant.values<float>();
        const auto [min, max] = std::minmax_element(w.begin(), w.end());
        if (!w.empty()) {
          low = JsonNumber(*min);
          high = JsonNumber(*max);
          histogram = HistogramJson(*min, *max, std::vector<double>(w.begin(), w.end()),
                                    std::vector<double>(w.size(), 1.0));
        }
      } else {
        const auto record = statistics.tensors.find(name);
        if (record != statistics.tensors.end()) {
          low = JsonNumber(record->second.range.min);
          high = JsonNumber(record->second.range.max);
          histogram = HistogramJson(record->second);
        }
        const auto c = compared_.find(name);
        if (c != compared_.end()) clipped = c->second.clipped_share;
      }
      t["observed_min"] = low;
      t["observed_max"] = high;
      t["clipped_share"] = clipped;
      t["histogram"] = histogram;
      out.push_back(std::move(t));
    }
    return out;
  }

  Json Warnings() const {
    Json warnings = in_.warnings;
    if (!before_.latency) {
      warnings.push_back("no latency: the network's inputs have free dimensions");
    }
    return warnings;
  }

  const EvidenceInput& in_;
  ThreadPool* pool_;
  const Graph& real_;  // equalized: tensors as the quantized network has them
  std::map<std::string, TensorComparison> compared_;
  Timed before_;
  Timed after_;
};

}  // namespace

Result<nlohmann::ordered_json> MakeEvidence(const EvidenceInput& input, ThreadPool* pool) {
  return Evidence(input, pool).Make();
}

}  // namespace adze
