// Arguments of kQuantize and kDequantize: plain data, stored in plan steps and included by per-ISA
// files.
#ifndef ADZE_KERNELS_QUANTIZE_QUANTIZE_ARGS_H_
#define ADZE_KERNELS_QUANTIZE_QUANTIZE_ARGS_H_

#include <stdint.h>

namespace adze {

// quantize:   u8 y = saturate(rne(x / scale) + zero_point), a float division; NaN gives zero_point.
// dequantize: f32 y = float(x - zero_point) * scale.
// scale > 0 and finite, zero_point in [0, 255]. Input and output may differ in layout (kLogical,
// kChannelsLast). Step inputs: [0] x; no weights.
struct QuantizeArgs {
  float scale = 0;
  int32_t zero_point = 0;
};

using QuantizeKernel = void (*)(const QuantizeArgs& args, const float* x, int64_t n, uint8_t* y);
using DequantizeKernel = void (*)(const QuantizeArgs& args, const uint8_t* x, int64_t n, float* y);

}  // namespace adze

#endif  // ADZE_KERNELS_QUANTIZE_QUANTIZE_ARGS_H_
