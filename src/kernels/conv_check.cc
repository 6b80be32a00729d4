#include "kernels/conv_check.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace adze {
namespace {

// Far above any real network; with these bounds no product below overflows.
constexpr int32_t kMaxWindow = 1 << 16;
constexpr int32_t kMaxChannels = 1 << 24;
constexpr int64_t kMaxTensor = int64_t{1} << 40;

Status CheckRange(const char* what, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return OkStatus();
  return InvalidInput(std::string(what) + " = " + std::to_string(value) + ", must be in [" +
                      std::to_string(min) + ", " + std::to_string(max) + "]");
}

// Both factors are non-negative and small enough not to overflow before the comparison.
Status CheckElements(const char* what, const ConvSizes& s, int32_t h, int32_t w, int32_t channels) {
  int64_t n = 1;
  for (int64_t d : {s.batch, h, w, channels}) {
    if (d != 0 && n > kMaxTensor / d) {
      return InvalidInput(std::string(what) + " has more than 2^40 elements");
    }
    n *= d;
  }
  return OkStatus();
}

int64_t OutputSize(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads) {
  const int64_t room = in + pads - ((kernel - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace

Status CheckConvWindow(const ConvWindow& w) {
  ADZE_TRY(CheckRange("kernel height", w.kernel_h, 1, kMaxWindow));
  ADZE_TRY(CheckRange("kernel width", w.kernel_w, 1, kMaxWindow));
  ADZE_TRY(CheckRange("vertical stride", w.stride_h, 1, kMaxWindow));
  ADZE_TRY(CheckRange("horizontal stride", w.stride_w, 1, kMaxWindow));
  ADZE_TRY(CheckRange("vertical dilation", w.dilation_h, 1, kMaxWindow));
  ADZE_TRY(CheckRange("horizontal dilation", w.dilation_w, 1, kMaxWindow));
  ADZE_TRY(CheckRange("top padding", w.pad_top, 0, kMaxWindow));
  ADZE_TRY(CheckRange("left padding", w.pad_left, 0, kMaxWindow));
  ADZE_TRY(CheckRange("bottom padding", w.pad_bottom, 0, kMaxWindow));
  ADZE_TRY(CheckRange("right padding", w.pad_right, 0, kMaxWindow));
  ADZE_TRY(CheckRange("input channels", w.in_channels, 1, kMaxChannels));
  ADZE_TRY(CheckRange("output channels", w.out_channels, 1, kMaxChannels));
  ADZE_TRY(CheckRange("groups", w.groups, 1, kMaxChannels));
  if (w.in_channels % w.groups != 0 || w.out_channels % w.groups != 0) {
    return InvalidInput("groups = " + std::to_string(w.groups) + " does not divide " +
                        std::to_string(w.in_channels) + " input and " +
                        std::to_string(w.out_channels) + " output channels");
  }
  const int64_t taps = int64_t{w.kernel_h} * w.kernel_w;
  const int64_t depth = w.in_channels / w.groups;
  if (taps > (int64_t{1} << 31) / depth) return InvalidInput("a window of more than 2^31 elements");
  if (taps * depth > (int64_t{1} << 36) / w.out_channels) {
    return InvalidInput("more than 2^36 convolution weights");
  }
  return OkStatus();
}

Status CheckDepthwise(const ConvWindow& w) {
  if (w.groups == w.in_channels && w.groups == w.out_channels) return OkStatus();
  return InvalidInput("a depthwise convolution needs one input and one output channel per group");
}

Status CheckConvSizes(const ConvWindow& w, const ConvSizes& s) {
  ADZE_TRY(CheckConvWindow(w));
  ADZE_TRY(CheckRange("batch", s.batch, 0, INT32_MAX));
  ADZE_TRY(CheckRange("input height", s.in_h, 0, INT32_MAX));
  ADZE_TRY(CheckRange("input width", s.in_w, 0, INT32_MAX));
  ADZE_TRY(CheckRange("output height", s.out_h, 0, INT32_MAX));
  ADZE_TRY(CheckRange("output width", s.out_w, 0, INT32_MAX));
  ADZE_TRY(CheckElements("the input", s, s.in_h, s.in_w, w.in_channels));
  ADZE_TRY(CheckElements("the output", s, s.out_h, s.out_w, w.out_channels));
  const int64_t h =
      OutputSize(s.in_h, w.kernel_h, w.stride_h, w.dilation_h, int64_t{w.pad_top} + w.pad_bottom);
  const int64_t v =
      OutputSize(s.in_w, w.kernel_w, w.stride_w, w.dilation_w, int64_t{w.pad_left} + w.pad_right);
  if (s.out_h != h || s.out_w != v) {
    return InvalidInput("output of " + std::to_string(s.out_h) + "x" + std::to_string(s.out_w) +
                        ", but the window gives " + std::to_string(h) + "x" + std::to_string(v));
  }
  return OkStatus();
}

Status CheckConvI8Args(const ConvI8Args& a, const ConvSizes& s) {
  ADZE_TRY(CheckConvSizes(a.window, s));
  ADZE_TRY(CheckRange("x_zero_point", a.x_zero_point, 0, 255));
  ADZE_TRY(CheckRange("y_zero_point", a.y_zero_point, 0, 255));
  ADZE_TRY(CheckRange("act_max", a.act_max, 0, 255));
  ADZE_TRY(CheckRange("act_min", a.act_min, 0, a.act_max));
  ADZE_TRY(CheckRange("output_f32", a.output_f32, 0, 1));
  ADZE_TRY(CheckRange("has_residual", a.has_residual, 0, 1 - a.output_f32));
  if (a.output_f32 != 0 && !(a.act_min_f <= a.act_max_f)) {
    return InvalidInput("act_min_f must not exceed act_max_f");
  }
  ADZE_TRY(CheckRange("activation", static_cast<int32_t>(a.activation), 0,
                      static_cast<int32_t>(FusedActivation::kSilu)));
  ADZE_TRY(CheckRange("has_factor", a.has_factor, 0, 1));
  if (Finishes(a)) {
    if (a.output_f32 != 0 || a.has_residual != 0) {
      return InvalidInput("an activation goes with a plain u8 output only");
    }
    if (!std::isfinite(a.act_alpha) || !std::isfinite(a.act_beta) || !std::isnormal(a.y_scale) ||
        a.y_scale < 0) {
      return InvalidInput(
          "act_alpha and act_beta must be finite, y_scale a positive normal number");
    }
  }
  if (a.has_residual != 0) {
    ADZE_TRY(CheckRange("t_zero_point", a.t_zero_point, 0, 255));
    ADZE_TRY(CheckRange("t_max", a.t_max, 0, 255));
    ADZE_TRY(CheckRange("t_min", a.t_min, 0, a.t_max));
    ADZE_TRY(CheckRange("r_zero_point", a.r_zero_point, 0, 255));
    if (!std::isfinite(a.t_multiplier) || !std::isfinite(a.r_multiplier)) {
      return InvalidInput("multipliers of the residual addition must be finite");
    }
  }
  return OkStatus();
}

ConvI8Args RealResults(const ConvI8Args& args) {
  ConvI8Args real = args;
  real.activation = FusedActivation::kNone;
  real.has_factor = 0;
  real.output_f32 = 1;
  real.act_min_f = -std::numeric_limits<float>::infinity();
  real.act_max_f = std::numeric_limits<float>::infinity();
  return real;
}

}  // namespace adze
