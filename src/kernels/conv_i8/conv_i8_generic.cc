// The portable variant: panels of 8 channels, one reduction element at a time.
#include <algorithm>
#include <cstdint>

#include "kernels/conv_i8/conv_i8_block.h"
#include "kernels/requant.h"

namespace adze {

void ConvI8Generic(const ConvI8Block& b) {
  constexpr int kPanel = 8;
  const int64_t tap_elements = int64_t{b.tap_quads} * 4;
  const int64_t panel_bytes = int64_t{b.tap_rows} * b.tap_cols * tap_elements * kPanel;
  for (int32_t channel = 0; channel < b.channels; channel += kPanel) {
    const int8_t* const panel =
        static_cast<const int8_t*>(b.weights) + channel / kPanel * panel_bytes;
    const int32_t lanes = std::min(kPanel, b.channels - channel);
    for (int32_t row = 0; row < b.rows; ++row) {
      for (int32_t col = 0; col < b.cols; ++col) {
        uint32_t acc[kPanel];
        for (int n = 0; n < kPanel; ++n) acc[n] = static_cast<uint32_t>(b.offset[channel + n]);
        const int8_t* w = panel;
        const uint8_t* const pixel =
            static_cast<const uint8_t*>(b.a) + row * b.a_row_stride + col * b.a_pixel_stride;
        for (int32_t i = 0; i < b.tap_rows; ++i) {
          for (int32_t j = 0; j < b.tap_cols; ++j) {
            const uint8_t* const tap = pixel + i * b.tap_row_stride + j * b.tap_col_stride;
            for (int64_t k = 0; k < tap_elements; ++k, w += kPanel) {
              for (int n = 0; n < kPanel; ++n) {
                acc[n] += static_cast<uint32_t>(int32_t{tap[k]} * w[n]);
              }
            }
          }
        }
        const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride;
        void* const y = static_cast<uint8_t*>(b.y) + out;
        for (int32_t n = 0; n < lanes; ++n) {
          StoreRequantized(*b.args, static_cast<int32_t>(acc[n]), b.multiplier[channel + n],
                           b.residual == nullptr ? nullptr : b.residual + out, y, channel + n);
        }
      }
    }
  }
}

}  // namespace adze
