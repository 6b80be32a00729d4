// A bias is stored in steps of input scale times weight scale: where both are tiny, 32 bits do not
// hold it.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

std::optional<Finding> Find(const LayerFacts& layer) {
  if (layer.biases.empty()) return std::nullopt;
  const auto worst =
      std::max_element(layer.biases.begin(), layer.biases.end(),
                       [](const BiasFacts& a, const BiasFacts& b) { return a.times < b.times; });
  const bool one_scale = layer.weight && layer.weight->one_scale;
  Finding f;
  const auto channel = static_cast<long long>(worst->channel);
  if (worst->repaired) {
    f.what = Clause("the bias of channel %lld needs a weight scale %.3g times as large%s", channel,
                    worst->times, one_scale ? ", which all channels share" : "");
    f.fixes = {{one_scale ? FixKind::kPerChannelWeights : FixKind::kKeepFloat, {}}};
    f.advice = one_scale ? "one weight scale per channel" : "the layer in float";
  } else {
    f.what = Clause("the bias of channel %lld is %.3g times what 32 bits hold, and cut off there",
                    channel, worst->times);
    f.fixes = {{FixKind::kFitBias, {}}};
    f.advice = "a larger weight scale for such channels (adze quantize does that)";
  }
  if (layer.biases.size() > 1) f.what += Clause("; %zu channels in all", layer.biases.size());
  f.numbers = {{"channel", static_cast<double>(worst->channel)},
               {"channels", static_cast<double>(layer.biases.size())},
               {"times", worst->times},
               {"repaired", worst->repaired ? 1 : 0}};
  f.severity_db = 20 * std::log10(std::max(worst->times, 1.0));
  return f;
}

}  // namespace

extern constexpr FindingDef kBiasOverflowFinding = {
    .name = "bias_overflow",
    .title = "a bias that 32 bits do not hold",
    .find = Find,
    .always = true,
};

}  // namespace adze
