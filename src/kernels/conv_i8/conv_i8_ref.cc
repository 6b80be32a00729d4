#include "kernels/conv_check.h"
#include "kernels/conv_i8/conv_i8.h"
#include "kernels/finish_i8/finish_i8.h"
#include "kernels/requant.h"

namespace adze {

void ConvI8Ref(const ConvI8Args& args, const ConvSizes& s, const uint8_t* x, const int8_t* weights,
               const int32_t* bias, const float* multiplier, const uint8_t* residual, void* y,
               const float* factor) {
  const ConvWindow& w = args.window;
  const int32_t in_per_group = w.in_channels / w.groups;
  const int32_t out_per_group = w.out_channels / w.groups;
  int64_t at = 0;
  for (int32_t n = 0; n < s.batch; ++n) {
    for (int32_t row = 0; row < s.out_h; ++row) {
      for (int32_t col = 0; col < s.out_w; ++col) {
        for (int32_t channel = 0; channel < w.out_channels; ++channel, ++at) {
          // Unsigned: the accumulator is defined modulo 2^32.
          uint32_t acc = bias == nullptr ? 0 : static_cast<uint32_t>(bias[channel]);
          for (int32_t c = 0; c < in_per_group; ++c) {
            for (int32_t i = 0; i < w.kernel_h; ++i) {
              for (int32_t j = 0; j < w.kernel_w; ++j) {
                const int64_t in_row = int64_t{row} * w.stride_h + i * w.dilation_h - w.pad_top;
                const int64_t in_col = int64_t{col} * w.stride_w + j * w.dilation_w - w.pad_left;
                if (in_row < 0 || in_row >= s.in_h || in_col < 0 || in_col >= s.in_w) continue;
                const int64_t in_channel = channel / out_per_group * in_per_group + c;
                const int32_t value =
                    x[((n * int64_t{s.in_h} + in_row) * s.in_w + in_col) * w.in_channels +
                      in_channel];
                const int32_t weight =
                    weights[((int64_t{channel} * in_per_group + c) * w.kernel_h + i) * w.kernel_w +
                            j];
                acc += static_cast<uint32_t>((value - args.x_zero_point) * weight);
              }
            }
          }
          if (!Finishes(args)) {
            StoreRequantized(args, static_cast<int32_t>(acc), multiplier[channel], residual, y, at);
            continue;
          }
          const float real = static_cast<float>(static_cast<int32_t>(acc)) * multiplier[channel];
          FindFinishI8(Isa::kGeneric)
              .kernel({&args, &real, factor == nullptr ? nullptr : factor + channel,
                       static_cast<uint8_t*>(y) + at, 1, 1, 1});
        }
      }
    }
  }
}

}  // namespace adze
