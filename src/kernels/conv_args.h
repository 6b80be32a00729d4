// Arguments shared by the convolution families: plain data, stored in plan steps.
#ifndef ADZE_KERNELS_CONV_ARGS_H_
#define ADZE_KERNELS_CONV_ARGS_H_

#include <cstdint>

namespace adze {

// A 2-D convolution window, sizes of the image left out. 1-D convolutions use height 1. Gemm and
// MatMul are 1x1 convolutions on an image of height 1 and width = rows.
struct ConvWindow {
  int32_t kernel_h = 1, kernel_w = 1;
  int32_t stride_h = 1, stride_w = 1;
  int32_t dilation_h = 1, dilation_w = 1;
  int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int32_t in_channels = 0, out_channels = 0;
  int32_t groups = 1;
};

// Concrete sizes, all NHWC, dense.
struct ConvSizes {
  int32_t batch = 0, in_h = 0, in_w = 0, out_h = 0, out_w = 0;
};

// What a quantized convolution applies to its real results before it rounds them. Values are
// stable: they are stored in plans.
enum class FusedActivation : int32_t {
  kNone = 0,
  kLeakyRelu = 1,    // x >= 0 ? x : act_alpha * x
  kHardSigmoid = 2,  // clamp(act_alpha * x + act_beta, 0, 1)
  kHardSwish = 3,    // x * clamp(act_alpha * x + act_beta, 0, 1)
  kSigmoid = 4,      // 1 / (1 + exp(-x))
  kSilu = 5,         // x / (1 + exp(-x))
};

// Keeps every real result finite: an accumulator is less than 2^31.
inline constexpr float kLargestRealMultiplier = 1e20f;

// Step arguments of kConvI8 and kDepthwiseI8.
//   acc[c] = bias[c] + sum (x - x_zero_point) * w[c]         (exact in int32; ruled out of overflow
//   at lowering) without residual:
//     u8 out:  y = clamp(rne(float(acc) * multiplier[c]) + y_zero_point, act_min, act_max)
//     f32 out: y = clamp(float(acc) * multiplier[c], act_min_f, act_max_f)
//   with residual r (u8, same dims as y), u8 out only: the unfused pair, re-rounded in registers:
//     t = clamp(rne(float(acc) * multiplier[c]) + t_zero_point, t_min, t_max)
//     y = clamp(rne(float(t - t_zero_point) * t_multiplier + float(r - r_zero_point) *
//     r_multiplier) + y_zero_point,
//               act_min, act_max)           (two products rounded to float, then one float
//               addition)
//   with an activation f or channel factors, u8 out only, no residual; multiplier[c] is that of the
//   real result:
//     y = clamp(rne(f(float(acc) * multiplier[c]) * factor[c] / y_scale) + y_zero_point, act_min,
//     act_max)                           (each operation rounded to float; finish_i8 has the order)
// Padding reads x_zero_point. Multipliers are finite; zero points and clamp bounds of u8 values lie
// in [0, 255]. Step weights, all written by ConvI8Pack / DepthwiseI8Pack: [0] packed weights (int8
// tensor of that many bytes), [1] int32 offset[padded channels] = bias[c] - x_zero_point *
// sum(w[c]) (modulo 2^32, as the accumulator is), [2] float multiplier[padded channels], and with
// channel factors [3] float factor[out_channels]. With an activation or factors |multiplier| <=
// kLargestRealMultiplier. Step
// inputs: [0] x, [1] the residual if has_residual.
struct ConvI8Args {
  ConvWindow window;
  int32_t packing = 0;  // ConvI8Packing or DepthwiseI8Packing of the weights
  int32_t x_zero_point = 0, y_zero_point = 0;
  int32_t act_min = 0, act_max = 255;
  int32_t output_f32 = 0;
  float act_min_f = 0, act_max_f = 0;
  int32_t has_residual = 0;
  int32_t t_zero_point = 0, t_min = 0, t_max = 255, r_zero_point = 0;
  float t_multiplier = 0, r_multiplier = 0;
  FusedActivation activation = FusedActivation::kNone;
  int32_t has_factor = 0;
  float act_alpha = 0, act_beta = 0, y_scale = 0;
};

// Step arguments of kConvF32 and kDepthwiseF32:
//   y = clamp((sum x * w + bias[c]) + residual, act_min, act_max); use -inf/inf for no clamp.
// Step weights: [0] packed weights, [1] float bias[out_channels].
struct ConvF32Args {
  ConvWindow window;
  int32_t packing = 0;  // ConvF32Packing of kConvF32's weights
  float act_min = 0, act_max = 0;
  int32_t has_residual = 0;
};

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_ARGS_H_
