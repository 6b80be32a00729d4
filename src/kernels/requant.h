// The integer epilogue of ConvI8Args for one accumulator: the definition, and what portable kernels
// use.
#ifndef ADZE_KERNELS_REQUANT_H_
#define ADZE_KERNELS_REQUANT_H_

#include <cstdint>

#include "kernels/conv_args.h"
#include "numerics/rounding.h"

namespace adze {

// Writes output element `at` of y (and reads that of `residual`, when there is one).
inline void StoreRequantized(const ConvI8Args& args, int32_t acc, float multiplier,
                             const uint8_t* residual, void* y, int64_t at) {
  if (args.output_f32 != 0) {
    float v = static_cast<float>(acc) * multiplier;
    v = v > args.act_min_f ? v : args.act_min_f;
    v = v < args.act_max_f ? v : args.act_max_f;
    static_cast<float*>(y)[at] = v;
    return;
  }
  int32_t q;
  if (args.has_residual != 0) {
    const int32_t t = RequantizeOne(acc, multiplier, args.t_zero_point, args.t_min, args.t_max);
    const float a = static_cast<float>(t - args.t_zero_point) * args.t_multiplier;
    const float b = static_cast<float>(residual[at] - args.r_zero_point) * args.r_multiplier;
    q = RoundSaturate(a + b, args.act_min - args.y_zero_point, args.act_max - args.y_zero_point) +
        args.y_zero_point;
  } else {
    q = RequantizeOne(acc, multiplier, args.y_zero_point, args.act_min, args.act_max);
  }
  static_cast<uint8_t*>(y)[at] = static_cast<uint8_t>(q);
}

}  // namespace adze

#endif  // ADZE_KERNELS_REQUANT_H_
