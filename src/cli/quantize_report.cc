#include "cli/quantize_report.h"

#include <cstdio>

namespace adze::cli {
namespace {

Json FloatNodes(const std::vector<FloatNode>& nodes) {
  Json list = Json::array();
  for (const FloatNode& n : nodes) {
    list.push_back({{"node", n.node}, {"op", n.op}, {"reason", n.reason}});
  }
  return list;
}

}  // namespace

Json QuantizeReportJson(const QuantizeResult& r, double wall_s) {
  Json repairs = Json::array();
  for (const BiasRepair& b : r.report.repairs) {
    repairs.push_back({{"weight", b.weight},
                       {"channel", b.channel},
                       {"old_scale", b.old_scale},
                       {"new_scale", b.new_scale}});
  }
  Json tensors = Json::array();
  for (const TensorChoice& t : r.choices) {
    tensors.push_back({{"tensor", t.tensor},
                       {"observer", t.observer},
                       {"min", JsonNumber(t.range.min)},
                       {"max", JsonNumber(t.range.max)},
                       {"candidates", t.candidates}});
  }
  Json scores = Json::array();
  for (const ObserverScore& s : r.scores) {
    scores.push_back({{"observer", s.observer}, {"sqnr_db", JsonNumber(s.sqnr_db)}});
  }
  return {{"samples", r.statistics.samples},
          {"int8_macs_share", r.report.int8_macs_share},
          {"float_nodes", FloatNodes(r.report.float_nodes)},
          {"equalized", r.equalized},
          {"rounded", r.rounded},
          {"corrected_biases", r.corrected_biases},
          {"repairs", repairs},
          {"tensors", tensors},
          {"scores", scores},
          {"collect_s", r.collect_s},
          {"auto_s", r.auto_s},
          {"apply_s", r.apply_s},
          {"wall_s", wall_s},
          {"peak_rss_bytes", PeakRssBytes()}};
}

void PrintQuantizeReport(const QuantizeResult& r, double wall_s) {
  std::printf("calibrated on %llu samples; %.2f %% of the multiply-accumulates are int8\n",
              static_cast<unsigned long long>(r.statistics.samples),
              100 * r.report.int8_macs_share);
  std::printf("equalized %lld tensors, rounded %lld layers adaptively, corrected %lld biases\n",
              static_cast<long long>(r.equalized), static_cast<long long>(r.rounded),
              static_cast<long long>(r.corrected_biases));
  for (const ObserverScore& s : r.scores) {
    std::printf("  output SQNR with %-11s %6.2f dB\n", s.observer.c_str(), s.sqnr_db);
  }
  for (const FloatNode& n : r.report.float_nodes) {
    std::printf("  float: %s (%s): %s\n", n.node.c_str(), n.op.c_str(), n.reason.c_str());
  }
  for (const BiasRepair& b : r.report.repairs) {
    std::printf("  repaired: channel %lld of '%s': scale %.6g -> %.6g, its bias would overflow\n",
                static_cast<long long>(b.channel), b.weight.c_str(), b.old_scale, b.new_scale);
  }
  std::printf("%.2f s, peak memory %.0f MB\n", wall_s, static_cast<double>(PeakRssBytes()) / 1e6);
}

Json QuantizeReportJson(const WeightOnlyResult& r, const NumberFormat& format, double wall_s) {
  return {{"samples", r.samples},
          {"weight_format", format.name},
          {"layers", r.layers},
          {"reconstructed", r.reconstructed},
          {"quantized_weights_share", r.share},
          {"bits_per_weight", r.bits_per_weight},
          {"float_nodes", FloatNodes(r.float_layers)},
          {"wall_s", wall_s},
          {"peak_rss_bytes", PeakRssBytes()}};
}

void PrintQuantizeReport(const WeightOnlyResult& r, const NumberFormat& format, double wall_s) {
  std::printf(
      "weights of %lld layers in %s: %.2f %% of those of convolutions and matrix products, %.2f "
      "bits each with scales\n",
      static_cast<long long>(r.layers), format.name, 100 * r.share, r.bits_per_weight);
  if (r.samples > 0) {
    std::printf("reconstructed %lld layers on %lld samples\n",
                static_cast<long long>(r.reconstructed), static_cast<long long>(r.samples));
  } else {
    std::printf("rounded to the nearest numbers: with --data layers are reconstructed\n");
  }
  for (const FloatNode& n : r.float_layers) {
    std::printf("  float: %s (%s): %s\n", n.node.c_str(), n.op.c_str(), n.reason.c_str());
  }
  std::printf("%.2f s, peak memory %.0f MB\n", wall_s, static_cast<double>(PeakRssBytes()) / 1e6);
}

}  // namespace adze::cli
