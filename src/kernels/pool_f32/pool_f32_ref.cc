#include <algorithm>
#include <limits>

#include "kernels/pool_f32/pool_f32.h"

namespace adze {

void PoolF32Ref(const PoolF32Call& call) {
  const ConvWindow& w = call.args.window;
  const ConvSizes& s = call.sizes;
  const bool average = call.args.kind == PoolKind::kAverage;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t oh = 0; oh < s.out_h; ++oh)
      for (int64_t ow = 0; ow < s.out_w; ++ow)
        for (int64_t c = 0; c < call.channels; ++c) {
          double sum = 0;
          float max = -std::numeric_limits<float>::infinity();
          int64_t inside = 0;
          int64_t padded = 0;
          for (int64_t kh = 0; kh < w.kernel_h; ++kh)
            for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
              const int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
              const int64_t iw = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
              if (ih < s.in_h + w.pad_bottom && iw < s.in_w + w.pad_right) ++padded;
              if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
              ++inside;
              const float x = call.x[((n * s.in_h + ih) * s.in_w + iw) * call.channels + c];
              sum += x;
              max = std::max(max, x);
            }
          const int64_t count = call.args.count_include_pad != 0 ? padded : inside;
          call.y[((n * s.out_h + oh) * s.out_w + ow) * call.channels + c] =
              !average     ? max
              : count == 0 ? 0.0f
                           : static_cast<float>(sum / static_cast<double>(count));
        }
}

}  // namespace adze
