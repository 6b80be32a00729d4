// One scale for a weight whose output channels reach very differently far.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

// The largest over the middle channel: one bit. Small, but it adds up over layers.
constexpr double kUnequal = 2;

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.weight || !layer.weight->one_scale) return std::nullopt;
  const std::vector<double>& reach = layer.weight->reach;
  const double middle = MedianReach(reach);
  if (reach.size() < 2 || !(middle > 0)) return std::nullopt;
  const auto top = std::max_element(reach.begin(), reach.end());
  if (!(*top >= kUnequal * middle)) return std::nullopt;
  Finding f;
  const auto channel = top - reach.begin();
  f.what = Clause("channel %td of %zu reaches %.3g, half of them less than %.3g: %.2g codes",
                  channel, reach.size(), *top, middle, middle / layer.weight->step);
  f.numbers = {{"channel", static_cast<double>(channel)},
               {"channels", static_cast<double>(reach.size())},
               {"reach", *top},
               {"median_reach", middle}};
  f.severity_db = 20 * std::log10(*top / middle);
  f.fixes = {{FixKind::kPerChannelWeights, {}}};
  f.advice = "one weight scale per channel";
  return f;
}

}  // namespace

extern constexpr FindingDef kWeightChannelsFinding = {
    .name = "weight_channels",
    .title = "one weight scale for unequal channels",
    .find = Find,
    .together = "one weight scale per channel in all of these layers",
};

}  // namespace adze
