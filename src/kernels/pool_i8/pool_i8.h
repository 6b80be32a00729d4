// Quantized max, average and global average pooling, channels-last. The equations are beside
// PoolI8Args; every kernel gives their bits.
#ifndef ADZE_KERNELS_POOL_I8_POOL_I8_H_
#define ADZE_KERNELS_POOL_I8_POOL_I8_H_

#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/pool_i8/pool_i8_args.h"

namespace adze {

// Concrete sizes, dense NHWC.
struct PoolI8Sizes {
  int64_t batch = 0, in_h = 0, in_w = 0, channels = 0, out_h = 0, out_w = 0;
};

// One kernel variant; pool_i8_list.inc holds the rows.
struct PoolI8Row {
  Isa isa;
  const char* name;
  PoolI8Kernel max;
  PoolI8Kernel average;
};
std::span<const PoolI8Row> PoolI8Rows();  // oldest first
const PoolI8Row& FindPoolI8(Isa isa);     // the newest that runs on `isa`

// Refuses arguments out of range or sizes that are neither the floor nor the ceil-mode output of
// the window; after it, PoolI8RunRow stays in bounds and sums fit int32.
Status CheckPoolI8(const PoolI8Args& args, const PoolI8Sizes& sizes);

// Computes output row `row` of [0, batch * out_h).
void PoolI8RunRow(const PoolI8Row& kernels, const PoolI8Args& args, const PoolI8Sizes& sizes,
                  const uint8_t* x, int64_t row, uint8_t* y);

// The product that makes a sum over `count` > 0 positions a code of y.
inline float PoolI8Multiplier(const PoolI8Args& args, int64_t count) {
  return args.x_scale / (args.y_scale * static_cast<float>(count));
}

// The definition, in plain loops.
void PoolI8Ref(const PoolI8Args& args, const PoolI8Sizes& sizes, const uint8_t* x, uint8_t* y);

}  // namespace adze

#endif  // ADZE_KERNELS_POOL_I8_POOL_I8_H_
