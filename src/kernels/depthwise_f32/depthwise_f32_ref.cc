#include <algorithm>

#include "kernels/depthwise_f32/depthwise_f32.h"

namespace adze {
namespace {
int64_t PaddedChannels(const ConvWindow& window) {
  return (int64_t{window.in_channels} + 15) / 16 * 16;
}
}  // namespace

int64_t DepthwiseF32PackedFloats(const ConvWindow& window) {
  return int64_t{window.kernel_h} * window.kernel_w * PaddedChannels(window);
}

void PackDepthwiseF32(const ConvWindow& window, const float* weights, float* packed) {
  const int64_t padded = PaddedChannels(window);
  const int64_t taps = int64_t{window.kernel_h} * window.kernel_w;
  std::fill_n(packed, taps * padded, 0.0f);
  for (int64_t t = 0; t < taps; ++t)
    for (int64_t c = 0; c < window.in_channels; ++c) packed[t * padded + c] = weights[c * taps + t];
}

void DepthwiseF32Ref(const DepthwiseF32Call& call, const float* weights) {
  const ConvWindow& w = call.window;
  const ConvSizes& s = call.sizes;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t oh = 0; oh < s.out_h; ++oh)
      for (int64_t ow = 0; ow < s.out_w; ++ow)
        for (int64_t c = 0; c < w.in_channels; ++c) {
          double sum = call.bias[c];
          for (int64_t kh = 0; kh < w.kernel_h; ++kh)
            for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
              const int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
              const int64_t iw = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
              if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
              sum += double{call.x[((n * s.in_h + ih) * s.in_w + iw) * w.in_channels + c]} *
                     weights[(c * w.kernel_h + kh) * w.kernel_w + kw];
            }
          const int64_t at = ((n * s.out_h + oh) * s.out_w + ow) * w.in_channels + c;
          if (call.residual != nullptr) sum += call.residual[at];
          call.y[at] = static_cast<float>(
              std::min(std::max(sum, double{call.act_min}), double{call.act_max}));
        }
}

}  // namespace adze
