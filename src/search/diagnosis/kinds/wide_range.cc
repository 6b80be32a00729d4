// A range far wider than its values deserve: few of the codes are used, or rare values stretch it.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

constexpr double kWideDb = 6;  // one bit

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.codes || !layer.seen || layer.moved || layer.seen->range.samples == 0) {
    return std::nullopt;
  }
  const RangeEffect now = EffectOfRange(*layer.seen, *layer.codes);
  const Codes best = BestRange(*layer.seen, layer.codes->storage);
  const RangeEffect then = EffectOfRange(*layer.seen, best);
  // The other way round it is saturation.
  if (!(now.rounding > now.clip && best.step < layer.codes->step)) return std::nullopt;
  const double wide_db =
      10 * std::log10((now.rounding + now.clip) / std::max(then.rounding + then.clip, 1e-300));
  if (!(wide_db >= kWideDb)) return std::nullopt;
  Finding f;
  const RangeRecord& seen = layer.seen->range;
  const double used = (static_cast<double>(seen.max) - seen.min) / layer.codes->step;
  f.what = Clause("codes reach from %.3g to %.3g, but values from %.3g to %.3g: %.3g codes in use",
                  layer.codes->low, layer.codes->high, seen.min, seen.max, std::max(used, 1.0));
  f.numbers = {{"low", layer.codes->low}, {"high", layer.codes->high}, {"seen_low", seen.min},
               {"seen_high", seen.max},   {"codes_used", used},        {"wide_db", wide_db}};
  f.severity_db = wide_db;
  f.fixes = {{FixKind::kRange, best}};
  f.advice = Clause("codes from %.3g to %.3g", best.low, best.high);
  return f;
}

}  // namespace

extern constexpr FindingDef kWideRangeFinding = {
    .name = "wide_range",
    .title = "a range wider than its values",
    .find = Find,
    .together = "a range that fits the values for each of these tensors",
};

}  // namespace adze
