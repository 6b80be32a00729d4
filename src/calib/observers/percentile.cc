// Clips the same share of values at both ends: (100 - percentile) / 2 percent each, or, for
// symmetric quantizers, that share of the magnitudes.
#include <algorithm>
#include <cmath>

#include "calib/observers/density.h"
#include "calib/observers/observer.h"

namespace adze {
namespace {

// The point above which `share` of all values lie, walking down from the top; linear inside a bin.
double UpperQuantile(const std::vector<Interval>& density, double total, double share,
                     double fallback) {
  double left = share * total;
  for (auto it = density.rbegin(); it != density.rend(); ++it) {
    if (left < it->count) return it->high - (it->high - it->low) * left / it->count;
    left -= it->count;
  }
  return fallback;
}

std::vector<Interval> Mirrored(std::vector<Interval> density) {
  for (Interval& i : density) {
    const double low = i.low;
    i.low = -i.high;
    i.high = -low;
  }
  std::reverse(density.begin(), density.end());
  return density;
}

RealRange FinishPercentile(const TensorRecord& record, const ObserverSpec& spec) {
  const RangeRecord& r = record.range;
  std::vector<Interval> density = DensityOf(record);
  const double total = static_cast<double>(record.hist.total());
  const double share = (100.0 - spec.percentile) / 100.0;
  const auto within = [&](double x) { return std::clamp(static_cast<float>(x), r.min, r.max); };
  if (spec.symmetric) {
    for (Interval& i : density) {
      if (i.high <= 0) i = {-i.high, -i.low, i.count};
    }
    std::sort(density.begin(), density.end(),
              [](const Interval& a, const Interval& b) { return a.high < b.high; });
    const double bound = UpperQuantile(density, total, share, 0);
    return {within(-bound), within(bound)};
  }
  // Zeros lie between the negative and the positive bins: a walk that reaches them has found the
  // quantile.
  const auto split =
      std::find_if(density.begin(), density.end(), [](const Interval& i) { return i.low >= 0; });
  const std::vector<Interval> negative(density.begin(), split);
  const std::vector<Interval> positive(split, density.end());
  return {within(-UpperQuantile(Mirrored(negative), total, share / 2, 0)),
          within(UpperQuantile(positive, total, share / 2, 0))};
}

}  // namespace

extern constexpr ObserverDef kPercentileObserver = {
    .name = "percentile",
    .summary = "clips a fixed share of the values, 0.01 % unless told otherwise",
    .finish = FinishPercentile,
};

}  // namespace adze
