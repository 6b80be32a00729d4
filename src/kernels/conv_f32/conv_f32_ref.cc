#include <algorithm>

#include "kernels/conv_f32/conv_f32.h"

namespace adze {

ConvWeightStrides OihwStrides(const ConvWindow& window) {
  const int64_t hw = int64_t{window.kernel_h} * window.kernel_w;
  return {hw * (window.in_channels / window.groups), hw, window.kernel_w, 1};
}

void ConvF32Ref(const ConvF32Call& call, const float* oihw) {
  const ConvWindow& w = call.window;
  const ConvSizes& s = call.sizes;
  const int64_t in_group = w.in_channels / w.groups;
  const int64_t out_group = w.out_channels / w.groups;
  const ConvWeightStrides ws = OihwStrides(w);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t oh = 0; oh < s.out_h; ++oh)
      for (int64_t ow = 0; ow < s.out_w; ++ow)
        for (int64_t o = 0; o < w.out_channels; ++o) {
          double sum = 0;
          for (int64_t kh = 0; kh < w.kernel_h; ++kh)
            for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
              const int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
              const int64_t iw = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
              if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
              const float* const pixel = call.x +
                                         ((n * s.in_h + ih) * s.in_w + iw) * w.in_channels +
                                         (o / out_group) * in_group;
              for (int64_t c = 0; c < in_group; ++c) {
                sum += double{pixel[c]} *
                       oihw[o * ws.out + c * ws.in + kh * ws.kernel_h + kw * ws.kernel_w];
              }
            }
          const int64_t at = ((n * s.out_h + oh) * s.out_w + ow) * w.out_channels + o;
          double v = sum + call.bias[o];
          if (call.residual != nullptr) v += call.residual[at];
          call.y[at] =
              static_cast<float>(std::min(std::max(v, double{call.act_min}), double{call.act_max}));
        }
}

}  // namespace adze
