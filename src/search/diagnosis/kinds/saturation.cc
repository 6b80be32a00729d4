// Values beyond the codes' range, though calibration saw such values (if it is known what it saw).
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

// Clipping with less error than this is what observers do on purpose.
constexpr double kHarmlessDb = 40;

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.codes || !layer.seen || layer.moved) return std::nullopt;
  const RangeEffect effect = EffectOfRange(*layer.seen, *layer.codes);
  const double lost_db = -10 * std::log10(effect.clip / effect.signal);
  if (!(effect.signal > 0 && lost_db < kHarmlessDb)) return std::nullopt;
  if (layer.calibrated) {
    // Calibration must have seen a good part of what is clipped: else it is to blame.
    const RangeEffect then = EffectOfRange(*layer.calibrated, *layer.codes);
    if (!(then.clip / then.signal > 0.1 * effect.clip / effect.signal)) return std::nullopt;
  }
  Finding f;
  const Codes best = BestRange(*layer.seen, layer.codes->storage);
  const RangeRecord& seen = layer.seen->range;
  f.what =
      Clause("codes reach from %.3g to %.3g, values from %.3g to %.3g: %.2g %% are clipped",
             layer.codes->low, layer.codes->high, seen.min, seen.max, 100 * effect.clipped_share);
  f.numbers = {{"low", layer.codes->low},
               {"high", layer.codes->high},
               {"seen_low", seen.min},
               {"seen_high", seen.max},
               {"clipped_share", effect.clipped_share},
               {"clip_sqnr_db", lost_db}};
  f.severity_db = kHarmlessDb - lost_db;
  f.fixes = {{FixKind::kRange, best}};
  f.advice = Clause("codes from %.3g to %.3g", best.low, best.high);
  return f;
}

}  // namespace

extern constexpr FindingDef kSaturationFinding = {
    .name = "saturation",
    .title = "values beyond the range",
    .find = Find,
    .together = "a range that fits the values for each of these tensors",
};

}  // namespace adze
