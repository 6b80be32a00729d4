// A record's histogram as a list of intervals on the real line: what searching observers work on.
#ifndef ADZE_CALIB_OBSERVERS_DENSITY_H_
#define ADZE_CALIB_OBSERVERS_DENSITY_H_

#include <vector>

#include "calib/records.h"

namespace adze {

// `count` values spread evenly over [low, high), low < high.
struct Interval {
  double low;
  double high;
  double count;
};

// Non-empty bins in ascending order, cut to the exact [range.min, range.max] that the record saw;
// `join_bins`, a power of two up to 64, adjacent bins are taken together. Exact zeros, which every
// quantizer represents exactly, and magnitudes below 2^-32 are left out.
std::vector<Interval> DensityOf(const TensorRecord& record, int join_bins = 1);

}  // namespace adze

#endif  // ADZE_CALIB_OBSERVERS_DENSITY_H_
