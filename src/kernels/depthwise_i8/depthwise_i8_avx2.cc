// AVX2: tap pairs interleaved byte by byte, widened to s16 and multiplied with vpmaddwd, 16 channels at a time.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/depthwise_i8/depthwise_i8_block.h"
#include "kernels/requant_avx2.h"

namespace adze {
namespace {

constexpr int kBlock = 16;

inline __m128i Load16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline __m256i Load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

}  // namespace

void DepthwiseI8Avx2(const DepthwiseI8Block& b) {
  const ConvWindow& window = b.args->window;
  const int64_t taps = int64_t{window.kernel_h} * window.kernel_w;
  const int64_t pairs = (taps + 1) / 2;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  for (int32_t channel = 0; channel < window.out_channels; channel += kBlock) {
    const int16_t* const weights = static_cast<const int16_t*>(b.weights) + channel * 2 * pairs;
    const __m256i offset0 = Load(b.offset + channel);
    const __m256i offset1 = Load(b.offset + channel + 8);
    const int32_t left = window.out_channels - channel;
    for (int32_t row = 0; row < b.rows; ++row) {
      for (int32_t col = 0; col < b.cols; ++col) {
        const uint8_t* const a = b.a + row * b.a_row_stride + col * b.a_pixel_stride + channel;
        __m256i acc0 = offset0;
        __m256i acc1 = offset1;
        const int16_t* w = weights;
        int32_t i = 0;  // taps go down the columns of the window
        const uint8_t* column = a;
        for (int64_t pair = 0; pair < pairs; ++pair, w += 2 * kBlock) {
          const uint8_t* tap[2];
          for (int k = 0; k < 2; ++k) {
            tap[k] = column + i * b.tap_row_stride;
            if (++i == window.kernel_h) i = 0, column += b.tap_col_stride;
          }
          const __m128i x0 = Load16(tap[0]);
          const __m128i x1 = 2 * pair + 1 < taps ? Load16(tap[1]) : x0;  // its weight is zero
          const __m256i lo = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x0, x1));
          const __m256i hi = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x0, x1));
          acc0 = _mm256_add_epi32(acc0, _mm256_madd_epi16(lo, Load(w)));
          acc1 = _mm256_add_epi32(acc1, _mm256_madd_epi16(hi, Load(w + kBlock)));
        }
        const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride + channel * y_bytes;
        uint8_t* const y = static_cast<uint8_t*>(b.y) + out;
        const uint8_t* const residual = b.residual == nullptr ? nullptr : b.residual + out;
        StoreChannels(*b.args, acc0, b.multiplier + channel, left < 8 ? left : 8, residual, y);
        if (left > 8) {
          StoreChannels(*b.args, acc1, b.multiplier + channel + 8, left < 16 ? left - 8 : 8,
                        residual == nullptr ? nullptr : residual + 8, y + 8 * y_bytes);
        }
      }
    }
  }
}

}  // namespace adze
