// The portable variant, one channel at a time.
#include <cstdint>

#include "kernels/depthwise_i8/depthwise_i8_block.h"
#include "kernels/requant.h"

namespace adze {

void DepthwiseI8Generic(const DepthwiseI8Block& b) {
  const ConvWindow& w = b.args->window;
  const int8_t* const weights = static_cast<const int8_t*>(b.weights);
  const int64_t taps = int64_t{w.kernel_h} * w.kernel_w;
  for (int32_t row = 0; row < b.rows; ++row) {
    for (int32_t col = 0; col < b.cols; ++col) {
      const uint8_t* const pixel = b.a + row * b.a_row_stride + col * b.a_pixel_stride;
      const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride;
      for (int32_t c = 0; c < w.out_channels; ++c) {
        uint32_t acc = static_cast<uint32_t>(b.offset[c]);
        const int8_t* tap = weights + c * taps;
        for (int32_t j = 0; j < w.kernel_w; ++j) {
          for (int32_t i = 0; i < w.kernel_h; ++i, ++tap) {
            const int32_t x = pixel[i * b.tap_row_stride + j * b.tap_col_stride + c];
            acc += static_cast<uint32_t>(x * *tap);
          }
        }
        StoreRequantized(*b.args, static_cast<int32_t>(acc), b.multiplier[c],
                         b.residual == nullptr ? nullptr : b.residual + out,
                         static_cast<uint8_t*>(b.y) + out, c);
      }
    }
  }
}

}  // namespace adze
