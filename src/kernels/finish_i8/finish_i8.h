// What stands between an integer convolution's real results and their codes: an activation and
// channel factors. Run by the convolution on each of its chunks while they are in cache.
#ifndef ADZE_KERNELS_FINISH_I8_FINISH_I8_H_
#define ADZE_KERNELS_FINISH_I8_FINISH_I8_H_

#include <span>

#include "base/cpu.h"
#include "kernels/finish_i8/finish_i8_block.h"

namespace adze {

// One kernel variant; finish_i8_list.inc holds the rows.
struct FinishI8Row {
  Isa isa;
  const char* name;
  FinishI8Kernel kernel;
};
std::span<const FinishI8Row> FinishI8Rows();  // oldest first
const FinishI8Row& FindFinishI8(Isa isa);     // the newest that runs on `isa`

}  // namespace adze

#endif  // ADZE_KERNELS_FINISH_I8_FINISH_I8_H_
