// One channel of an activation decides the scale of all: the others are left with a few codes.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

constexpr double kOutlier = 8;  // times the middle channel: 3 bits
constexpr size_t kFewestChannels = 4;

std::optional<Finding> Find(const LayerFacts& layer) {
  // In a concatenation the channels are those of branches.
  if (!layer.codes || !layer.seen || layer.moved || layer.compared.op == "Concat") {
    return std::nullopt;
  }
  const std::vector<double> reach = ChannelReach(*layer.seen);
  const double middle = MedianReach(reach);
  if (reach.size() < kFewestChannels || !(middle > 0)) return std::nullopt;
  const auto top = std::max_element(reach.begin(), reach.end());
  // What lies beyond the codes' range does not stretch them.
  const double decides = std::min(*top, std::max(layer.codes->high, -layer.codes->low));
  if (!(decides >= kOutlier * middle)) return std::nullopt;
  const auto outliers =
      std::count_if(reach.begin(), reach.end(), [&](double r) { return r >= kOutlier * middle; });
  Finding f;
  const auto channel = top - reach.begin();
  f.what = Clause("channel %td of %zu reaches %.3g, half of them less than %.3g: %.2g codes",
                  channel, reach.size(), *top, middle, middle / layer.codes->step);
  f.numbers = {{"channel", static_cast<double>(channel)},
               {"channels", static_cast<double>(reach.size())},
               {"outliers", static_cast<double>(outliers)},
               {"reach", *top},
               {"median_reach", middle}};
  f.severity_db = 20 * std::log10(decides / middle);
  if (layer.equalizable) {
    f.fixes = {{FixKind::kEqualize, {}}};
    f.advice = "equalized channels (adze quantize does that unless told not to)";
  } else {
    f.fixes = {{FixKind::kKeepReadersFloat, {}}};
    f.advice = "the layers that read it in float (quantize --keep-float)";
  }
  return f;
}

}  // namespace

extern constexpr FindingDef kOutlierChannelFinding = {
    .name = "outlier_channel",
    .title = "an outlier channel",
    .find = Find,
    .together = "equalized channels, or where that cannot be, the layers that read them in float",
};

}  // namespace adze
