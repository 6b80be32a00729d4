#include "kernels/peak/peak.h"

namespace adze {

#define ADZE_PEAK(isa, suffix)              \
  int64_t PeakInt8##suffix(int64_t rounds); \
  int64_t PeakF32##suffix(int64_t rounds);  \
  uint64_t PeakRead##suffix(const void* data, int64_t bytes);
#include "kernels/peak/peak_list.inc"
#undef ADZE_PEAK

namespace {

constexpr PeakLoops kRows[] = {
#define ADZE_PEAK(isa, suffix) {isa, PeakInt8##suffix, PeakF32##suffix, PeakRead##suffix},
#include "kernels/peak/peak_list.inc"
#undef ADZE_PEAK
};

}  // namespace

const PeakLoops& FindPeak(Isa isa) {
  const PeakLoops* best = &kRows[0];
  for (const PeakLoops& row : kRows) {
    if (row.isa <= isa) best = &row;
  }
  return *best;
}

}  // namespace adze
