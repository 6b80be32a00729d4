#include "search/diagnosis/facts.h"

#include <algorithm>
#include <cmath>

#include "calib/observers/density.h"

namespace adze {

RangeEffect EffectOfRange(const TensorRecord& record, const Codes& codes) {
  RangeEffect effect;
  double count = static_cast<double>(record.hist.zeros);
  double clipped = 0;
  const double rounding = codes.step * codes.step / 12;
  for (const Interval& i : DensityOf(record)) {
    const double middle = 0.5 * (i.low + i.high);
    const double power = middle * middle;
    count += i.count;
    effect.signal += i.count * power;
    const double beyond = std::max({0.0, middle - codes.high, codes.low - middle});
    effect.clip += i.count * beyond * beyond;
    if (beyond > 0.5 * codes.step) clipped += i.count;
    // What is below half a step becomes 0 and loses itself only.
    if (beyond == 0) effect.rounding += i.count * std::min(rounding, power);
  }
  if (count > 0) effect.clipped_share = clipped / count;
  return effect;
}

Codes BestRange(const TensorRecord& record, DType storage) {
  const ObserverSpec spec{storage};
  const AffineParams p = Finish(*FindObserver("mse"), record, spec);
  const IntRange range = RangeOf(storage);
  const double scale = p.scale;
  return {scale * static_cast<double>(range.min - p.zero_point),
          scale * static_cast<double>(range.max - p.zero_point), scale, storage};
}

std::vector<double> ChannelReach(const TensorRecord& record) {
  std::vector<double> reach;
  for (const ChannelRecord::Channel& c : record.channel.channels) {
    reach.push_back(std::max(std::abs(c.min), std::abs(c.max)));
  }
  return reach;
}

double MedianReach(std::vector<double> reach) {
  std::erase_if(reach, [](double r) { return !(r > 0); });
  if (reach.empty()) return 0;
  const auto middle = reach.begin() + static_cast<ptrdiff_t>(reach.size() / 2);
  std::nth_element(reach.begin(), middle, reach.end());
  return *middle;
}

}  // namespace adze
