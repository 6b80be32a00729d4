// Channels that are the same number on every sample: they cost time and say nothing. A fact about
// the float network.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.weight || !layer.seen) return std::nullopt;
  const auto& channels = layer.seen->channel.channels;
  // One value per sample and channel that never changes may be chance on a few samples.
  if (channels.empty() || channels[0].count < 2) return std::nullopt;
  const auto dead =
      std::count_if(channels.begin(), channels.end(), [](const auto& c) { return c.min == c.max; });
  if (dead == 0) return std::nullopt;
  Finding f;
  const auto all = static_cast<double>(channels.size());
  f.what = Clause("%td of %zu channels never change", dead, channels.size());
  f.numbers = {{"dead", static_cast<double>(dead)}, {"channels", all}};
  f.severity_db = 20 * static_cast<double>(dead) / all;
  f.advice = "removing them makes the network smaller and changes nothing";
  return f;
}

}  // namespace

extern constexpr FindingDef kDeadChannelsFinding = {
    .name = "dead_channels",
    .title = "dead channels",
    .find = Find,
    .always = true,
    .whole_network = true,
};

}  // namespace adze
