// The inner loops of statistics.
#ifndef ADZE_CALIB_RECORD_KERNELS_H_
#define ADZE_CALIB_RECORD_KERNELS_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

struct ScanResult {
  float min;  // of the elements when all are finite
  float max;
  int64_t non_finite;  // elements that are NaN or infinite
};
// n >= 1.
ScanResult ScanF32(Isa isa, const float* x, int64_t n);

// Appends the HistRecord slot of every element that is not +-0 to `slots`, in order, and returns
// how many there are. NaN and infinities count as large. Space for n + kSlotSlack entries is
// needed.
inline constexpr int kSlotSlack = 16;
int64_t NonZeroSlotsF32(Isa isa, const float* x, int64_t n, int32_t* slots);

// Extremes and moments of `channels` neighbouring columns, added to what the arrays hold. Row r of
// column c is x[r * stride + c]. Each column is summed in the order of its rows.
struct ColumnSums {
  float* min;
  float* max;
  double* sum;
  double* squares;
};
void ScanColumnsF32(Isa isa, const float* x, int64_t rows, int64_t stride, int64_t channels,
                    const ColumnSums& sums);

}  // namespace adze

#endif  // ADZE_CALIB_RECORD_KERNELS_H_
