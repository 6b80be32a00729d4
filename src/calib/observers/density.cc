#include "calib/observers/density.h"

#include <algorithm>

namespace adze {

std::vector<Interval> DensityOf(const TensorRecord& record) {
  constexpr int kBins = HistRecord::kBinsPerSign;
  std::vector<Interval> out;
  const double min = record.range.min;
  const double max = record.range.max;
  const auto add = [&](double low, double high, uint64_t count) {
    low = std::max(low, min);
    high = std::min(high, max);
    // A bin that holds only the extreme itself has no width left: keep a sliver at the extreme.
    if (!(low < high)) {
      const double at = std::clamp(low, min, max);
      const double width = 1e-7 * std::max(std::abs(at), 1e-30);
      low = at - width;
      high = at + width;
    }
    out.push_back({low, high, static_cast<double>(count)});
  };
  for (int i = kBins - 1; i >= 0; --i) {
    const uint64_t n = record.hist.bins[static_cast<size_t>(kBins + i)];
    if (n != 0) add(-HistRecord::BinLow(i + 1), -HistRecord::BinLow(i), n);
  }
  for (int i = 0; i < kBins; ++i) {
    const uint64_t n = record.hist.bins[static_cast<size_t>(i)];
    if (n != 0) add(HistRecord::BinLow(i), HistRecord::BinLow(i + 1), n);
  }
  return out;
}

}  // namespace adze
