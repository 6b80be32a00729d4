#include "search/diagnosis/diagnosis_json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "formats/json/json.h"
#include "quant/integer_form.h"
#include "search/evidence_parts.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;

// A channel that stands out: as the finding of that name has it.
constexpr double kOutlier = 8;

// The float network's node: the multiply-accumulate, or what else computes the tensor; kNoId for
// its inputs.
NodeId NodeOf(const Diagnosis& d, const LayerFacts& layer) {
  const NodeId compute = ComputeNode(d.quantized, RoundedValue(d.quantized, layer.compared.value));
  const NodeId same = compute == kNoId ? kNoId : SameLayer(d.reference, d.quantized, compute);
  return same != kNoId ? same : d.reference.value(layer.compared.reference).producer;
}

Json Finite(double x) { return std::isnan(x) ? Json(nullptr) : JsonNumber(x); }

class Writer {
 public:
  Writer(const Diagnosis& d, const DiagnoseOptions& options, const DiagnosisSource& source)
      : d_(d), options_(options), source_(source) {}

  Json Write() const {
    Json json = {{"format", "adze.evidence"}, {"version", 1}};
    json["tool"] = ToolJson(source_.tool_version, options_.isa, source_.threads);
    json["model"] = ModelJson(d_.reference, source_.model, source_.model_sha256);
    const bool known = d_.calibration_samples > 0;
    const std::string& calibration =
        options_.calibration_split.empty() ? options_.split : options_.calibration_split;
    json["data"] = {{"path", source_.data},
                    {"calibration",
                     {{"split", known ? Json(calibration) : Json(nullptr)},
                      {"samples", known ? Json(d_.calibration_samples) : Json(nullptr)}}},
                    {"evaluation", {{"split", options_.split}, {"samples", d_.samples}}}};
    json["outcome"] = {{"met", nullptr}, {"sentence", d_.sentence}};
    json["after"] = {{"file", source_.quantized.empty() ? Json(nullptr) : Json(source_.quantized)},
                     {"sqnr_db", Finite(d_.output.sqnr_db)}};
    json["layers"] = Layers();
    json["tensors"] = Tensors();
    std::set<NodeId> integer;
    for (const LayerFacts& l : d_.facts.layers) {
      if (!l.codes && !l.weight) continue;
      integer.insert(NodeOf(d_, l));
      integer.insert(d_.reference.value(l.compared.reference).producer);
    }
    json["graph"] = GraphJson(d_.reference, [&](NodeId id) { return !integer.contains(id); });
    json["findings"] = Json::array();
    for (const Finding& f : d_.findings) json["findings"].push_back(FindingJson(f, true));
    for (const Finding& f : d_.dismissed) json["findings"].push_back(FindingJson(f, false));
    json["warnings"] = d_.warnings;
    return json;
  }

 private:
  Json Layers() const {
    Json out = Json::array();
    for (const LayerFacts& l : d_.facts.layers) {
      const TensorComparison& c = l.compared;
      const NodeId id = NodeOf(d_, l);
      if (id == kNoId) continue;  // an input of the network
      const OpDef* const def = FindOp(d_.reference.node(id).op);
      const int weight_input = def == nullptr ? -1 : def->quant.weight_input;
      const ValueId weight = weight_input < 0 ? kNoId : d_.reference.input(id, weight_input);
      const bool constant = weight != kNoId && d_.reference.value(weight).is_constant();
      Json channels = nullptr, outliers = nullptr, dead = nullptr;
      if (l.seen != nullptr && !l.seen->channel.channels.empty()) {
        const auto& all = l.seen->channel.channels;
        const std::vector<double> reach = ChannelReach(*l.seen);
        const double middle = MedianReach(reach);
        channels = all.size();
        outliers = std::count_if(reach.begin(), reach.end(),
                                 [&](double r) { return middle > 0 && r >= kOutlier * middle; });
        dead = std::count_if(all.begin(), all.end(),
                             [](const auto& ch) { return ch.count > 1 && ch.min == ch.max; });
      }
      out.push_back({{"name", LayerName(d_, l)},
                     {"op", d_.reference.node(id).op.ToString()},
                     {"macs", NodeMacs(d_.reference, id)},
                     {"parameters", constant ? d_.reference.value(weight).constant.size() : 0},
                     {"precision", l.codes || l.weight ? "int8" : "float"},
                     {"own_sqnr_db", Finite(c.own_sqnr_db)},
                     {"inherited_sqnr_db", Finite(c.inherited_sqnr_db)},
                     {"total_sqnr_db", Finite(c.total_sqnr_db)},
                     {"sensitivity_db", Gain(l)},
                     {"input", l.reads.empty() ? Json(nullptr) : Json(l.reads[0])},
                     {"output", c.name},
                     {"weight", constant ? Json(d_.reference.value(weight).name) : Json(nullptr)},
                     {"clipped_share", c.clipped_share},
                     {"channels", channels},
                     {"outlier_channels", outliers},
                     {"dead_channels", dead}});
    }
    return out;
  }

  // What keeping the layer in float gains, where it was measured.
  Json Gain(const LayerFacts& layer) const {
    for (const auto* list : {&d_.findings, &d_.dismissed}) {
      for (const Finding& f : *list) {
        if (f.places.size() == 1 && &d_.facts.layers[f.places[0]] == &layer && f.gain_db &&
            f.fixes[0].kind == FixKind::kKeepFloat) {
          return Finite(*f.gain_db);
        }
      }
    }
    return nullptr;
  }

  Json Tensors() const {
    Json out = Json::array();
    for (const LayerFacts& l : d_.facts.layers) {
      if (!l.codes) continue;
      const ValueId rounded = RoundedValue(d_.quantized, l.compared.value);
      const QuantType& type = *d_.quantized.value(rounded).type.quant;
      out.push_back(
          {{"name", l.compared.name},
           {"kind", "activation"},
           {"storage", DTypeName(type.storage)},
           {"scale", type.scale},
           {"zero_point", type.zero_point},
           {"min", JsonNumber(l.codes->low)},
           {"max", JsonNumber(l.codes->high)},
           {"observed_min", Finite(l.compared.observed_min)},
           {"observed_max", Finite(l.compared.observed_max)},
           {"clipped_share", l.compared.clipped_share},
           {"histogram", l.seen ? HistogramJson(*l.seen) : Json(nullptr)},
           {"calibration_histogram", l.calibrated ? HistogramJson(*l.calibrated) : Json(nullptr)}});
    }
    return out;
  }

  Json FindingJson(const Finding& f, bool told) const {
    const LayerFacts& layer = d_.facts.layers[f.places[0]];
    Json tensors = Json::array();
    for (const size_t p : f.places) tensors.push_back(d_.facts.layers[p].compared.name);
    Json numbers = Json::object();
    for (const auto& [name, value] : f.numbers) numbers[name] = Finite(value);
    const bool problem = IsProblem(f, d_.output.sqnr_db);
    return {{"name", LayerName(d_, layer)},
            {"op", LayerOp(d_, layer)},
            {"tensors", tensors},
            {"kind", f.kind},
            {"title", FindingOf(f.kind).title},
            {"level", !told     ? "minor"
                      : problem ? "problem"
                                : "note"},
            {"what", f.what},
            {"numbers", numbers},
            {"severity_db", Finite(f.severity_db)},
            {"own_sqnr_db", Finite(layer.compared.own_sqnr_db)},
            {"inherited_sqnr_db", Finite(layer.compared.inherited_sqnr_db)},
            {"fix", f.advice.empty() ? Json(nullptr) : Json(f.advice)},
            {"gain_db", f.gain_db ? Finite(*f.gain_db) : Json(nullptr)},
            {"samples", f.gain_db ? Json(d_.output.samples) : Json(nullptr)}};
  }

  const Diagnosis& d_;
  const DiagnoseOptions& options_;
  const DiagnosisSource& source_;
};

}  // namespace

std::string LayerName(const Diagnosis& d, const LayerFacts& layer) {
  const NodeId id = NodeOf(d, layer);
  if (id == kNoId || d.reference.node(id).name.empty()) return layer.compared.name;
  return d.reference.node(id).name;
}

std::string LayerOp(const Diagnosis& d, const LayerFacts& layer) {
  const NodeId id = NodeOf(d, layer);
  return id == kNoId ? "input" : d.reference.node(id).op.ToString();
}

Json DiagnosisJson(const Diagnosis& d, const DiagnoseOptions& options,
                   const DiagnosisSource& source) {
  return Writer(d, options, source).Write();
}

}  // namespace adze
