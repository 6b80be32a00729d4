// The inner loops of statistics.
#ifndef ADZE_CALIB_RECORD_KERNELS_H_
#define ADZE_CALIB_RECORD_KERNELS_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Slots per sign of a working histogram: 0: below 2^-32, 1 … 4096: the bins, 4097: 2^32 and above, infinities and NaN.
inline constexpr int kSlotsPerSign = 4098;

struct ScanResult {
  float min;           // of the elements when all are finite
  float max;
  int64_t non_finite;  // elements that are NaN or infinite
};
// n >= 1.
ScanResult ScanF32(Isa isa, const float* x, int64_t n);

// slots[i] = slot of x[i] by magnitude, plus kSlotsPerSign if its sign bit is set. Returns how many x are +-0.
int64_t SlotsF32(Isa isa, const float* x, int64_t n, int32_t* slots);

}  // namespace adze

#endif  // ADZE_CALIB_RECORD_KERNELS_H_
