// The vector body of quantize and dequantize, compiled once per ISA.
#ifndef ADZE_KERNELS_QUANTIZE_QUANTIZE_BODY_H_
#define ADZE_KERNELS_QUANTIZE_QUANTIZE_BODY_H_

#include "kernels/quantize/quantize_args.h"
#include "kernels/simd_i8.h"

namespace adze {
namespace {

inline void QuantizeRun(const QuantizeArgs& args, const float* x, int64_t n, uint8_t* y) {
  const F32 scale = Set(args.scale);
  const Requantizer requantizer = MakeRequantizer(args.zero_point, 0, 255);
  const auto quantize = [&](const float* from, uint8_t* to) {
    StoreU8(Requantize(ZeroNan(Div(LoadF32(from), scale)), requantizer), to);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) quantize(x + i, y + i);
  if (i < n) {
    float from[kLanes] = {};
    uint8_t to[kLanes];
    for (int64_t k = i; k < n; ++k) from[k - i] = x[k];
    quantize(from, to);
    for (int64_t k = i; k < n; ++k) y[k] = to[k - i];
  }
}

inline void DequantizeRun(const QuantizeArgs& args, const uint8_t* x, int64_t n, float* y) {
  const F32 scale = Set(args.scale);
  const I32 zero_point = Set(args.zero_point);
  const auto dequantize = [&](const uint8_t* from, float* to) {
    StoreF32(Mul(ToFloat(Sub(LoadU8(from), zero_point)), scale), to);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) dequantize(x + i, y + i);
  if (i < n) {
    uint8_t from[kLanes] = {};
    float to[kLanes];
    for (int64_t k = i; k < n; ++k) from[k - i] = x[k];
    dequantize(from, to);
    for (int64_t k = i; k < n; ++k) y[k] = to[k - i];
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_QUANTIZE_QUANTIZE_BODY_H_
