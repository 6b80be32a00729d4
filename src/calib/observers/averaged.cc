// The mean over samples of each sample's extremes: single outlying samples count little.
#include <algorithm>

#include "calib/observers/observer.h"

namespace adze {
namespace {

RealRange FinishAveraged(const TensorRecord& record, const ObserverSpec&) {
  const RangeRecord& r = record.range;
  const double n = static_cast<double>(r.samples);
  const auto within = [&](double x) { return std::clamp(static_cast<float>(x), r.min, r.max); };
  return {within(r.sum_min.Finish() / n), within(r.sum_max.Finish() / n)};
}

}  // namespace

extern constexpr ObserverDef kAveragedObserver = {
    .name = "averaged",
    .summary = "the mean over samples of each sample's smallest and largest value",
    .finish = FinishAveraged,
};

}  // namespace adze
