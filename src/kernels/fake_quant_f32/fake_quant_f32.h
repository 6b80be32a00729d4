// Quantize and dequantize in one step, for simulated quantization.
#ifndef ADZE_KERNELS_FAKE_QUANT_F32_FAKE_QUANT_F32_H_
#define ADZE_KERNELS_FAKE_QUANT_F32_FAKE_QUANT_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Step arguments of kFakeQuantF32; replaced between runs by Executor::SetStepArgs. scale 0: copy.
// Otherwise scale is positive and finite, |qmin|, |qmax|, |zero_point| <= 2^23.
struct FakeQuantArgs {
  float scale = 0;
  int32_t zero_point = 0;
  int32_t qmin = 0, qmax = 255;
};

// y[i] = DequantizeOne(QuantizeOne(x[i], scale, zero_point, qmin, qmax), scale, zero_point), to the
// bit, on every ISA. y may be x.
void FakeQuantF32(Isa isa, const FakeQuantArgs& args, const float* x, float* y, int64_t n);
void FakeQuantF32Ref(const FakeQuantArgs& args, const float* x, float* y, int64_t n);

}  // namespace adze

#endif  // ADZE_KERNELS_FAKE_QUANT_F32_FAKE_QUANT_F32_H_
