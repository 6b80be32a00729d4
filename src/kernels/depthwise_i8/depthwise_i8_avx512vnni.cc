// AVX-512 VNNI: 64 channels at a time. The bytes of four taps are interleaved with two levels of unpack, so that each
// 32-bit lane holds four taps of one channel for vpdpbusd; the lane order this leaves is undone by the packs of the
// epilogue, because weights and constants are packed in the same order.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/depthwise_i8/depthwise_i8_block.h"
#include "kernels/requant_avx512.h"

namespace adze {
namespace {

constexpr int kBlock = 64;

struct Quad {
  __m512i v[4];  // v[k] lane l: channels 16 l + 4 k …, four taps each
};

inline Quad Interleave(__m512i t0, __m512i t1, __m512i t2, __m512i t3) {
  const __m512i lo01 = _mm512_unpacklo_epi8(t0, t1);
  const __m512i hi01 = _mm512_unpackhi_epi8(t0, t1);
  const __m512i lo23 = _mm512_unpacklo_epi8(t2, t3);
  const __m512i hi23 = _mm512_unpackhi_epi8(t2, t3);
  return {{_mm512_unpacklo_epi16(lo01, lo23), _mm512_unpackhi_epi16(lo01, lo23),
           _mm512_unpacklo_epi16(hi01, hi23), _mm512_unpackhi_epi16(hi01, hi23)}};
}

// One block of channels.
struct Channels {
  __mmask64 mask;
  int count;  // real channels
  const int8_t* weights;
  const int32_t* offset;
  const float* multiplier;
};

inline void Store(const DepthwiseI8Block& b, const RequantU8& r, const Channels& c,
                  const __m512i (&acc)[4], const uint8_t* residual, void* y) {
  if (b.args->output_f32 == 0 && residual == nullptr) {
    __m512i q[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      q[k] = ScaleRound(acc[k], _mm512_loadu_ps(c.multiplier + 16 * k), r.top);
    }
    _mm512_mask_storeu_epi8(y, c.mask, PackU8(q[0], q[1], q[2], q[3], r));
    return;
  }
  // The rare modes: back to natural order through memory.
  alignas(64) int32_t spill[kBlock];
  alignas(64) float multiplier[kBlock];
  for (int k = 0; k < 4; ++k) {
    alignas(64) int32_t lanes[16];
    _mm512_store_si512(lanes, acc[k]);
    for (int l = 0; l < 16; ++l) {
      const int channel = l / 4 * 16 + 4 * k + l % 4;
      spill[channel] = lanes[l];
      multiplier[channel] = c.multiplier[16 * k + l];
    }
  }
  StorePixels(*b.args, spill, kBlock, multiplier, 1, c.count, residual, y, 0);
}

}  // namespace

void DepthwiseI8Avx512Vnni(const DepthwiseI8Block& b) {
  const RequantU8 r = MakeRequantU8(*b.args);
  const ConvWindow& window = b.args->window;
  const int32_t tap_rows = window.kernel_h == 3 ? 4 : window.kernel_h;
  const int64_t quads = (int64_t{window.kernel_w} * tap_rows + 3) / 4;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  for (int32_t channel = 0; channel < window.out_channels; channel += kBlock) {
    Channels c;
    c.count = window.out_channels - channel < kBlock ? window.out_channels - channel : kBlock;
    c.mask = c.count == kBlock ? ~__mmask64{0} : (__mmask64{1} << c.count) - 1;
    c.weights = static_cast<const int8_t*>(b.weights) + channel * 4 * quads;
    c.offset = b.offset + channel;
    c.multiplier = b.multiplier + channel;
    for (int32_t row = 0; row < b.rows; ++row) {
      for (int32_t col = 0; col < b.cols; ++col) {
        const uint8_t* const a = b.a + row * b.a_row_stride + col * b.a_pixel_stride + channel;
        __m512i acc[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) acc[k] = _mm512_loadu_si512(c.offset + 16 * k);
        const int8_t* w = c.weights;
        const uint8_t* column = a;
        int32_t i = 0;
        int32_t j = 0;
        for (int64_t quad = 0; quad < quads; ++quad, w += 4 * kBlock) {
          __m512i tap[4];
#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            // Taps that the packing added have zero weights and are not read.
            tap[k] = i < window.kernel_h && j < window.kernel_w
                         ? _mm512_maskz_loadu_epi8(c.mask, column + i * b.tap_row_stride)
                         : _mm512_setzero_si512();
            if (++i == tap_rows) i = 0, ++j, column += b.tap_col_stride;
          }
          const Quad x = Interleave(tap[0], tap[1], tap[2], tap[3]);
#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            acc[k] = _mm512_dpbusd_epi32(acc[k], x.v[k], _mm512_loadu_si512(w + 64 * k));
          }
        }
        const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride + channel * y_bytes;
        Store(b, r, c, acc, b.residual == nullptr ? nullptr : b.residual + out,
              static_cast<uint8_t*>(b.y) + out);
      }
    }
  }
}

}  // namespace adze
