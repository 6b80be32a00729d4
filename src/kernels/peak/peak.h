// The fastest loops an instruction set allows, doing nothing useful: they measure the roof under
// which the kernels of that instruction set work. Operands stay in registers (arithmetic) or are
// read once (memory).
#ifndef ADZE_KERNELS_PEAK_PEAK_H_
#define ADZE_KERNELS_PEAK_PEAK_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

struct PeakLoops {
  Isa isa;
  // Both return the multiply-accumulates done, proportional to `rounds`. u8 x s8 into int32 by the
  // exact instructions of conv_i8's variant (vpmaddwd, vpdpbusd); float32 by FMA.
  int64_t (*multiply_int8)(int64_t rounds);
  int64_t (*multiply_f32)(int64_t rounds);
  // Reads `bytes` (a multiple of 512) from `data` (64-byte aligned) and returns their combination.
  uint64_t (*read)(const void* data, int64_t bytes);
};

// The newest row that `isa` includes. Pure, thread-safe.
const PeakLoops& FindPeak(Isa isa);

}  // namespace adze

#endif  // ADZE_KERNELS_PEAK_PEAK_H_
