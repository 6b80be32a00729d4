// Samples that judge show values that the samples which chose the ranges did not.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

// Share of the values that may lie outside: every sample sets some record.
constexpr double kUsualShare = 5e-4;
// What clipping at the edges of what calibration saw would cost.
constexpr double kHarmlessDb = 40;

// Half of the sum of differences between the shares that octaves of either sign hold: 0 alike, 1
// nothing in common.
double Distance(const TensorRecord& a, const TensorRecord& b) {
  const double all_a = std::max<double>(static_cast<double>(a.hist.total()), 1);
  const double all_b = std::max<double>(static_cast<double>(b.hist.total()), 1);
  const auto difference = [&](double in_a, double in_b) {
    return 0.5 * std::abs(in_a / all_a - in_b / all_b);
  };
  double sum = difference(static_cast<double>(a.hist.zeros), static_cast<double>(b.hist.zeros));
  constexpr int kOctave = 64;
  for (const bool negative : {false, true}) {
    for (int begin = 0; begin < HistRecord::kBinsPerSign; begin += kOctave) {
      double in_a = 0, in_b = 0;
      for (int i = begin; i < begin + kOctave; ++i) {
        in_a += static_cast<double>(a.hist.bin(negative, i));
        in_b += static_cast<double>(b.hist.bin(negative, i));
      }
      sum += difference(in_a, in_b);
    }
  }
  return sum;
}

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.codes || !layer.seen || !layer.calibrated || layer.moved) return std::nullopt;
  const RangeRecord& then = layer.calibrated->range;
  const RangeRecord& now = layer.seen->range;
  if (then.samples == 0 || now.samples == 0) return std::nullopt;
  const RangeEffect effect = EffectOfRange(
      *layer.seen, {std::min(then.min, 0.0f), std::max(then.max, 0.0f), 0, layer.codes->storage});
  const double lost_db = -10 * std::log10(effect.clip / effect.signal);
  if (!(effect.clipped_share > kUsualShare && lost_db < kHarmlessDb)) return std::nullopt;
  Finding f;
  const double distance = Distance(*layer.seen, *layer.calibrated);
  f.what = Clause(
      "%.2g %% of the values lie beyond what calibration saw (%.3g to %.3g, now %.3g to %.3g); the "
      "distributions differ by %.0f %%",
      100 * effect.clipped_share, then.min, then.max, now.min, now.max, 100 * distance);
  f.numbers = {{"outside_share", effect.clipped_share},
               {"calibrated_low", then.min},
               {"calibrated_high", then.max},
               {"seen_low", now.min},
               {"seen_high", now.max},
               {"distance_share", distance}};
  f.severity_db = kHarmlessDb - lost_db;
  f.fixes = {{FixKind::kRange, BestRange(*layer.seen, layer.codes->storage)}};
  f.advice = "calibrating on samples like those that judge";
  return f;
}

}  // namespace

extern constexpr FindingDef kNarrowCalibrationFinding = {
    .name = "narrow_calibration",
    .title = "calibrated on other data",
    .find = Find,
    .whole_network = true,
};

}  // namespace adze
