#include "search/evidence_parts.h"

#include <algorithm>
#include <ctime>
#include <fstream>

#include "quant/integer_form.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kHistogramBins = 64;

std::string CpuName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Json ValuesJson(const Graph& g, const std::vector<ValueId>& values) {
  Json out = Json::array();
  for (const ValueId v : values) {
    const TensorType& t = g.value(v).type;
    out.push_back(
        {{"name", g.value(v).name},
         {"type", std::string(DTypeName(t.dtype)) + (t.shape ? ShapeToString(*t.shape) : "?")}});
  }
  return out;
}

}  // namespace

Json ToolJson(const std::string& version, Isa isa, int threads) {
  return {{"version", version},
          {"isa", IsaName(isa)},
          {"threads", threads},
          {"cpu", CpuName()},
          {"date", Now()}};
}

Json ModelJson(const Graph& graph, const std::string& path, const std::string& sha256) {
  int64_t operators = 0;
  int64_t parameters = 0;
  int64_t macs = 0;
  for (const NodeId id : graph.top().nodes) {
    ++operators;
    macs += NodeMacs(graph, id);
  }
  for (ValueId v = 0; v < graph.num_values(); ++v) {
    const Value& value = graph.value(v);
    if (!value.dead && value.is_constant() && IsFloat(value.constant.dtype())) {
      parameters += value.constant.size();
    }
  }
  return {{"path", path},
          {"sha256", sha256},
          {"inputs", ValuesJson(graph, graph.top().inputs)},
          {"outputs", ValuesJson(graph, graph.top().outputs)},
          {"operators", operators},
          {"parameters", parameters},
          {"macs", macs}};
}

Json GraphJson(const Graph& graph, const std::function<bool(NodeId)>& is_float) {
  const auto names = [&](const std::vector<ValueId>& values) {
    Json out = Json::array();
    for (const ValueId v : values) {
      if (v != kNoId && !graph.value(v).is_constant()) out.push_back(graph.value(v).name);
    }
    return out;
  };
  Json nodes = Json::array();
  for (const NodeId id : graph.top().nodes) {
    const Node& n = graph.node(id);
    nodes.push_back({{"name", n.name},
                     {"op", n.op.ToString()},
                     {"inputs", names(n.inputs)},
                     {"outputs", names(n.outputs)},
                     {"precision", is_float(id) ? "float" : "int8"}});
  }
  return {{"nodes", nodes},
          {"inputs", names(graph.top().inputs)},
          {"outputs", names(graph.top().outputs)}};
}

Json HistogramJson(double low, double high, const std::vector<double>& values,
                   const std::vector<double>& counts) {
  if (!(high > low)) return nullptr;
  std::vector<uint64_t> bins(kHistogramBins, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const double at = (values[i] - low) / (high - low) * static_cast<double>(kHistogramBins);
    const double last = static_cast<double>(kHistogramBins - 1);
    bins[static_cast<size_t>(std::clamp(at, 0.0, last))] += static_cast<uint64_t>(counts[i]);
  }
  return {{"low", low}, {"high", high}, {"counts", bins}};
}

Json HistogramJson(const TensorRecord& record) {
  std::vector<double> values = {0.0};
  std::vector<double> counts = {static_cast<double>(record.hist.zeros)};
  for (const bool negative : {false, true}) {
    for (int b = 0; b < HistRecord::kBinsPerSign; ++b) {
      const uint64_t count = record.hist.bin(negative, b);
      if (count == 0) continue;
      const double middle = 0.5 * (HistRecord::BinLow(b) + HistRecord::BinLow(b + 1));
      values.push_back(negative ? -middle : middle);
      counts.push_back(static_cast<double>(count));
    }
  }
  return HistogramJson(record.range.min, record.range.max, values, counts);
}

}  // namespace adze
