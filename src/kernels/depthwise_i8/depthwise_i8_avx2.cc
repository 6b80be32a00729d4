// AVX2: tap pairs interleaved byte by byte, widened to s16 and multiplied with vpmaddwd, 16
// channels at a time.
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
  const RequantAvx2 k = MakeRequantAvx2(*b.args);
  const int64_t taps = int64_t{window.kernel_h} * window.kernel_w;
  // Offsets of the taps, which go down the columns of the window; beyond the known ones they are
  // computed.
  const auto offset_of = [&](int64_t tap) {
    return tap % window.kernel_h * b.tap_row_stride + tap / window.kernel_h * b.tap_col_stride;
  };
  constexpr int kKnown = 64;  // of any usual window
  int64_t offsets[kKnown];
  for (int64_t t = 0; t < taps && t < kKnown; ++t) offsets[t] = offset_of(t);
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
        for (int64_t tap = 0; tap < taps; tap += 2, w += 2 * kBlock) {
          const bool known = tap + 1 < kKnown;
          const __m128i x0 = Load16(a + (known ? offsets[tap] : offset_of(tap)));
          __m128i x1 = x0;  // a missing tap's weight is zero
          if (tap + 1 < taps) x1 = Load16(a + (known ? offsets[tap + 1] : offset_of(tap + 1)));
          const __m256i lo = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x0, x1));
          const __m256i hi = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x0, x1));
          acc0 = _mm256_add_epi32(acc0, _mm256_madd_epi16(lo, Load(w)));
          acc1 = _mm256_add_epi32(acc1, _mm256_madd_epi16(hi, Load(w + kBlock)));
        }
        const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride + channel * y_bytes;
        uint8_t* const y = static_cast<uint8_t*>(b.y) + out;
        const uint8_t* const residual = b.residual == nullptr ? nullptr : b.residual + out;
        StoreChannels(k, acc0, b.multiplier + channel, left < 8 ? left : 8, residual, y);
        if (left > 8) {
          StoreChannels(k, acc1, b.multiplier + channel + 8, left < 16 ? left - 8 : 8,
                        residual == nullptr ? nullptr : residual + 8, y + 8 * y_bytes);
        }
      }
    }
  }
}

}  // namespace adze
