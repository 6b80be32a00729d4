// AVX-512 VNNI: 64 channels at a time. The bytes of four taps are interleaved with two levels of
// unpack, so that each 32-bit lane holds four taps of one channel for vpdpbusd; the lane order this
// leaves is undone by the packs of the epilogue, because weights and constants are packed in the
// same order.
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
  int count;  // real channels; loads take whole vectors, which may over-read by 63 bytes
  const int8_t* weights;
  const int8_t* shifted;  // 3x3 only: weights of the second row of a pair
  const int32_t* offset;
  const float* multiplier;
};

// Residual or float output: back to natural order through memory. By value, so that the usual case
// keeps its accumulators in registers.
__attribute__((noinline)) void StoreRare(const DepthwiseI8Block& b, const Channels& c, Quad acc,
                                         const uint8_t* residual, void* y) {
  alignas(64) int32_t spill[kBlock];
  alignas(64) float multiplier[kBlock];
  for (int k = 0; k < 4; ++k) {
    alignas(64) int32_t lanes[16];
    _mm512_store_si512(lanes, acc.v[k]);
    for (int l = 0; l < 16; ++l) {
      const int channel = l / 4 * 16 + 4 * k + l % 4;
      spill[channel] = lanes[l];
      multiplier[channel] = c.multiplier[16 * k + l];
    }
  }
  StorePixels(*b.args, spill, kBlock, multiplier, 1, c.count, residual, y, 0);
}

inline void Store(const DepthwiseI8Block& b, const RequantU8& r, const Channels& c,
                  const __m512i (&acc)[4], const uint8_t* residual, void* y) {
  if (b.args->output_f32 != 0 || residual != nullptr) {
    StoreRare(b, c, {{acc[0], acc[1], acc[2], acc[3]}}, residual, y);
    return;
  }
  __m512i q[4];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    q[k] = ScaleRound(acc[k], _mm512_loadu_ps(c.multiplier + 16 * k), r.top);
  }
  _mm512_mask_storeu_epi8(y, c.mask, PackU8(q[0], q[1], q[2], q[3], r));
}

inline void Multiply(const Quad& x, const int8_t* w, __m512i (&acc)[4]) {
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    acc[k] = _mm512_dpbusd_epi32(acc[k], x.v[k], _mm512_loadu_si512(w + 64 * k));
  }
}

// kRows (1 or 2) output rows of a 3x3 window. One quad holds the rows of one window column; with
// two output rows (vertical stride and dilation 1) it holds the four input rows of both, and the
// second row's weights are the first row's shifted by one byte. Columns shared with the next pixel,
// all but kStep of three, are kept in registers.
template <int kRows, int kStep>
void Rows3x3(const DepthwiseI8Block& b, const RequantU8& r, const Channels& c, const uint8_t* a,
             const uint8_t* residual, uint8_t* y) {
  const int8_t* const weights[2] = {c.weights, c.shifted};
  const int64_t row = b.tap_row_stride;
  const auto column = [&](const uint8_t* p) {
    const __m512i last = kRows == 2 ? _mm512_loadu_si512(p + 3 * row) : _mm512_setzero_si512();
    return Interleave(_mm512_loadu_si512(p), _mm512_loadu_si512(p + row),
                      _mm512_loadu_si512(p + 2 * row), last);
  };
  const int64_t next = b.tap_col_stride;
  Quad q[3];
#pragma GCC unroll 3
  for (int j = 0; j + kStep < 3; ++j) q[j] = column(a + j * next);
  for (int32_t col = 0; col < b.cols; ++col) {
#pragma GCC unroll 3
    for (int j = 3 - kStep; j < 3; ++j) q[j] = column(a + j * next);
#pragma GCC unroll 2
    for (int k = 0; k < kRows; ++k) {
      __m512i acc[4];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) acc[v] = _mm512_loadu_si512(c.offset + 16 * v);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) Multiply(q[j], weights[k] + j * 4 * kBlock, acc);
      Store(b, r, c, acc, residual == nullptr ? nullptr : residual + k * b.y_row_stride,
            y + k * b.y_row_stride);
    }
#pragma GCC unroll 3
    for (int j = 0; j + kStep < 3; ++j) q[j] = q[j + kStep];
    a += b.a_pixel_stride;
    y += b.y_pixel_stride;
    if (residual != nullptr) residual += b.y_pixel_stride;
  }
}

// One output row of any window, taps four by four.
void Row(const DepthwiseI8Block& b, const RequantU8& r, const Channels& c, const uint8_t* a,
         const uint8_t* residual, uint8_t* y) {
  const ConvWindow& window = b.args->window;
  const int32_t tap_rows = window.kernel_h == 3 ? 4 : window.kernel_h;
  const int64_t taps = (int64_t{window.kernel_w} * tap_rows + 3) / 4 * 4;
  // Taps that the packing added have zero weights: they read the first one.
  const auto offset_of = [&](int64_t tap) {
    const int64_t i = tap % tap_rows;
    const int64_t j = tap / tap_rows;
    return i < window.kernel_h && j < window.kernel_w ? i * b.tap_row_stride + j * b.tap_col_stride
                                                      : 0;
  };
  constexpr int kKnown = 64;  // of any usual window
  int64_t offsets[kKnown];
  for (int64_t t = 0; t < taps && t < kKnown; ++t) offsets[t] = offset_of(t);
  for (int32_t col = 0; col < b.cols; ++col) {
    __m512i acc[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) acc[k] = _mm512_loadu_si512(c.offset + 16 * k);
    for (int64_t tap = 0; tap < taps; tap += 4) {
      __m512i x[4];
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        x[k] = _mm512_loadu_si512(a + (tap < kKnown ? offsets[tap + k] : offset_of(tap + k)));
      }
      Multiply(Interleave(x[0], x[1], x[2], x[3]), c.weights + tap * kBlock, acc);
    }
    Store(b, r, c, acc, residual, y);
    a += b.a_pixel_stride;
    y += b.y_pixel_stride;
    if (residual != nullptr) residual += b.y_pixel_stride;
  }
}

}  // namespace

void DepthwiseI8Avx512Vnni(const DepthwiseI8Block& b) {
  const RequantU8 r = MakeRequantU8(*b.args);
  const ConvWindow& window = b.args->window;
  const int32_t tap_rows = window.kernel_h == 3 ? 4 : window.kernel_h;
  const int64_t taps = (int64_t{window.kernel_w} * tap_rows + 3) / 4 * 4;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  alignas(64) int8_t shifted[3 * 4 * kBlock];
  auto* one = Row;
  auto* two = Row;  // unused unless rows go in pairs
  bool pairs = false;
  if (window.kernel_h == 3 && window.kernel_w == 3) {
    const int step = b.a_pixel_stride == b.tap_col_stride       ? 1
                     : b.a_pixel_stride == 2 * b.tap_col_stride ? 2
                                                                : 3;
    one = step == 1 ? Rows3x3<1, 1> : step == 2 ? Rows3x3<1, 2> : Rows3x3<1, 3>;
    two = step == 1 ? Rows3x3<2, 1> : step == 2 ? Rows3x3<2, 2> : Rows3x3<2, 3>;
    pairs = b.a_row_stride == b.tap_row_stride;
  }
  for (int32_t channel = 0; channel < window.out_channels; channel += kBlock) {
    Channels c;
    c.count = window.out_channels - channel < kBlock ? window.out_channels - channel : kBlock;
    c.mask = c.count == kBlock ? ~__mmask64{0} : (__mmask64{1} << c.count) - 1;
    c.weights = static_cast<const int8_t*>(b.weights) + channel * taps;
    c.shifted = shifted;
    c.offset = b.offset + channel;
    c.multiplier = b.multiplier + channel;
    for (int k = 0; pairs && k < 12; ++k) {
      const __m512i w = _mm512_loadu_si512(c.weights + 64 * k);
      _mm512_store_si512(shifted + 64 * k, _mm512_maskz_slli_epi32(0xffff, w, 8));
    }
    for (int32_t row = 0; row < b.rows;) {
      const int64_t out = row * b.y_row_stride + channel * y_bytes;
      const uint8_t* const a = b.a + row * b.a_row_stride + channel;
      const uint8_t* const residual = b.residual == nullptr ? nullptr : b.residual + out;
      const bool pair = pairs && row + 1 < b.rows;
      (pair ? two : one)(b, r, c, a, residual, static_cast<uint8_t*>(b.y) + out);
      row += pair ? 2 : 1;
    }
  }
}

}  // namespace adze
