#include "calib/observers/density.h"

#include <algorithm>
#include <cmath>

namespace adze {

std::vector<Interval> DensityOf(const TensorRecord& record, int join_bins) {
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
  const auto join = [&](bool negative, int begin) {
    uint64_t n = 0;
    for (int i = begin; i < begin + join_bins; ++i) n += record.hist.bin(negative, i);
    return n;
  };
  // Magnitudes from 2^32 on count with the last bin.
  const auto beyond = [&](bool negative) {
    return record.hist
        .slots[static_cast<size_t>((negative ? 2 : 1) * HistRecord::kSlotsPerSign - 1)];
  };
  constexpr double kEdge = 0x1p32;
  if (const uint64_t n = beyond(true); n != 0) add(min, -kEdge, n);
  for (int i = kBins - join_bins; i >= 0; i -= join_bins) {
    const uint64_t n = join(true, i);
    if (n != 0) add(-HistRecord::BinLow(i + join_bins), -HistRecord::BinLow(i), n);
  }
  for (int i = 0; i < kBins; i += join_bins) {
    const uint64_t n = join(false, i);
    if (n != 0) add(HistRecord::BinLow(i), HistRecord::BinLow(i + join_bins), n);
  }
  if (const uint64_t n = beyond(false); n != 0) add(kEdge, max, n);
  return out;
}

}  // namespace adze
