// Float depthwise convolution over NHWC images (groups = in_channels = out_channels), with bias,
// residual and clamp:
//
//   ih = oh * stride_h - pad_top + kh * dilation_h, iw likewise
//   sum = bias[c] + sum_{kh,kw} x[n, ih, iw, c] * w[c, kh, kw]
//   y[n, oh, ow, c] = clamp(sum + residual[n, oh, ow, c], act_min, act_max)
//
// The sum starts at bias[c] and runs over the taps inside the image in the order (kh, kw), one
// fused multiply-add each (two roundings where the target has no FMA).
#ifndef ADZE_KERNELS_DEPTHWISE_F32_DEPTHWISE_F32_H_
#define ADZE_KERNELS_DEPTHWISE_F32_DEPTHWISE_F32_H_

#include <cstdint>

#include "base/cpu.h"
#include "kernels/conv_args.h"

namespace adze {

// Packed weights, the same for every ISA: [kernel_h * kernel_w][channels rounded up to 16], missing
// channels zero.
int64_t DepthwiseF32PackedFloats(const ConvWindow& window);
// From an ONNX Conv weight [channels][1][kernel_h][kernel_w].
void PackDepthwiseF32(const ConvWindow& window, const float* weights, float* packed);

struct DepthwiseF32Call {
  ConvWindow window;
  ConvSizes sizes;
  const float* x = nullptr;
  const float* weights = nullptr;   // packed
  const float* bias = nullptr;      // channels
  const float* residual = nullptr;  // like y, or null; may be y itself
  float* y = nullptr;
  float act_min = 0, act_max = 0;
};
// Computes output rows [row_begin, row_end) of batch * out_h. Rows are independent.
void DepthwiseF32Rows(Isa isa, const DepthwiseF32Call& call, int64_t row_begin, int64_t row_end);

// The definition in plain loops, on unpacked weights, accumulating in double.
void DepthwiseF32Ref(const DepthwiseF32Call& call, const float* weights);

}  // namespace adze

#endif  // ADZE_KERNELS_DEPTHWISE_F32_DEPTHWISE_F32_H_
