// The vector body of pool_i8, compiled once per ISA. May over-read up to 63 bytes past the
// activation.
#ifndef ADZE_KERNELS_POOL_I8_POOL_I8_BODY_H_
#define ADZE_KERNELS_POOL_I8_POOL_I8_BODY_H_

#include "kernels/pool_i8/pool_i8_args.h"
#include "kernels/simd_i8.h"

namespace adze {
namespace {

inline void MaxWindow(const PoolI8Window& w) {
  constexpr int kBytes = 4 * kLanes;
  for (int64_t c = 0; c < w.channels; c += kBytes) {
    U8 best = LoadBytes(w.x + c);
    for (int64_t i = 0; i < w.rows; ++i) {
      const uint8_t* p = w.x + i * w.row_stride + c;
      for (int64_t j = 0; j < w.cols; ++j, p += w.col_stride) best = MaxBytes(best, LoadBytes(p));
    }
    if (c + kBytes <= w.channels) {
      StoreBytes(best, w.y + c);
    } else {
      uint8_t tail[kBytes];
      StoreBytes(best, tail);
      for (int64_t k = c; k < w.channels; ++k) w.y[k] = tail[k - c];
    }
  }
}

inline void AverageWindow(const PoolI8Window& w) {
  const Requantizer requantizer =
      MakeRequantizer(w.args->y_zero_point, w.args->act_min, w.args->act_max);
  const F32 multiplier = Set(w.multiplier);
  const I32 start = Set(static_cast<int32_t>(-w.rows * w.cols * w.args->x_zero_point));
  for (int64_t c = 0; c < w.channels; c += kLanes) {
    I32 sum = start;
    for (int64_t i = 0; i < w.rows; ++i) {
      const uint8_t* p = w.x + i * w.row_stride + c;
      for (int64_t j = 0; j < w.cols; ++j, p += w.col_stride) sum = Add(sum, LoadU8(p));
    }
    const I32 q = Requantize(Mul(ToFloat(sum), multiplier), requantizer);
    if (c + kLanes <= w.channels) {
      StoreU8(q, w.y + c);
    } else {
      uint8_t tail[kLanes];
      StoreU8(q, tail);
      for (int64_t k = c; k < w.channels; ++k) w.y[k] = tail[k - c];
    }
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_POOL_I8_POOL_I8_BODY_H_
