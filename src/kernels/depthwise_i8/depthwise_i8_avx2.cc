// AVX2: the bytes of two taps are interleaved, widened to s16 and multiplied with vpmaddwd. A
// vector holds 32 channels of one output pixel or, where at most 16 are left, 16 channels of two
// neighbouring pixels: either way every shuffle stays within its 128-bit half, and the packs of the
// epilogue undo the order that the unpacks left.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/depthwise_i8/depthwise_i8_block.h"
#include "kernels/requant_avx2.h"

namespace adze {
namespace {

constexpr int kBlock = 32;      // channels of a packed block: vector v holds 4 v to 4 v + 3 in its
                                // lower half, and 16 more in its upper half
constexpr int kVectors = 2;     // of activations at a time
constexpr int kKnownTaps = 64;  // of any usual window

// Tap t as the packing numbers them, down the columns of the window. One that the packing added has
// a zero weight and reads the first.
__attribute__((noinline)) int64_t TapOffset(const DepthwiseI8Block& b, int64_t t) {
  const ConvWindow& window = b.args->window;
  if (t >= int64_t{window.kernel_h} * window.kernel_w) return 0;
  return t % window.kernel_h * b.tap_row_stride + t / window.kernel_h * b.tap_col_stride;
}

// A block of channels and a run of output pixels of one row.
struct Run {
  const uint8_t* a;
  const int64_t* offsets;  // TapOffset of the first kKnownTaps
  int64_t pairs;           // of taps
  const int16_t* weights;
  const int32_t* offset;
  const float* multiplier;
  int channels;  // <= 32
  uint8_t* y;
  const uint8_t* residual;
  int32_t cols;
};

// Constants of vector v; with two pixels the 16 lower channels twice.
template <int kPixels>
inline __m256i LoadConstant(const void* p) {
  return kPixels == 1
             ? _mm256_loadu_si256(static_cast<const __m256i*>(p))
             : _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}

// 32 bytes of one pixel, or 16 of each of two.
template <int kPixels>
inline __m256i LoadPixels(const uint8_t* const* pixels, int64_t offset) {
  const uint8_t* const p = pixels[0] + offset;
  if (kPixels == 1) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const uint8_t* const q = pixels[kPixels - 1] + offset;
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(q)), 1);
}

// With residual: back to natural order through memory.
template <int kPixels>
__attribute__((noinline)) void StoreRare(const RequantAvx2& k, const Run& run, const __m256i* acc,
                                         const int64_t* at) {
  for (int p = 0; p < kPixels; ++p) {
    alignas(32) int32_t sums[kBlock] = {};
    alignas(32) float multiplier[kBlock] = {};
    for (int c = 0; c < run.channels; ++c) {
      const int slot = c / 4 % 4 * 8 + c / 16 * 4 + c % 4;
      sums[c] = reinterpret_cast<const int32_t*>(acc)[slot + 4 * p];
      multiplier[c] = run.multiplier[slot];
    }
    for (int c = 0; c < run.channels; c += 8) {
      const int n = run.channels - c < 8 ? run.channels - c : 8;
      const int64_t out = at[p] + c;
      StoreChannels(k, _mm256_load_si256(reinterpret_cast<const __m256i*>(sums + c)),
                    multiplier + c, n, run.residual + out, run.y + out);
    }
  }
}

// The 32 bytes of a vector: a half holds 16 channels.
template <int kPixels>
__attribute__((always_inline)) inline __m256i ToBytes(const RequantAvx2& k, const Run& run,
                                                      const __m256i* acc) {
  __m256i rounded[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const __m256i m = LoadConstant<kPixels>(run.multiplier + 8 * v);
    rounded[v] = Round(k, Scale(acc[v], _mm256_castsi256_ps(m)));
  }
  return PackBytes(k, rounded[0], rounded[1], rounded[2], rounded[3]);
}

// Whole vectors of u8 without residual.
template <int kPixels>
__attribute__((always_inline)) inline void StorePlain(const RequantAvx2& k, const Run& run,
                                                      const __m256i (&acc)[4], const int64_t* at) {
  const __m256i bytes = ToBytes<kPixels>(k, run, acc);
  uint8_t* const y = run.y + at[0];
  if (kPixels == 1) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), bytes);
  } else {
    uint8_t* const next = run.y + at[kPixels - 1];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm256_castsi256_si128(bytes));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(next), _mm256_extracti128_si256(bytes, 1));
  }
}

// Any number of channels, u8 without residual or float.
template <int kPixels>
__attribute__((noinline)) void StorePart(const RequantAvx2& k, const Run& run, const __m256i* acc,
                                         const int64_t* at) {
  for (int h = 0; h < 2 && !k.output_f32; ++h) {
    const int first = kPixels == 1 ? 16 * h : 0;
    const int n = run.channels - first < 16 ? run.channels - first : 16;
    uint8_t* const y = run.y + at[kPixels == 1 ? 0 : h] + first;
    const __m256i bytes = ToBytes<kPixels>(k, run, acc);
    const __m128i half =
        h == 0 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
    if (n == 16) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y), half);
    } else if (n == 8) {
      StoreLow(half, y);
    } else {
      alignas(16) uint8_t whole[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(whole), half);
      for (int c = 0; c < n; ++c) y[c] = whole[c];
    }
  }
  for (int v = 0; v < 4 && k.output_f32; ++v) {
    const __m256i m = LoadConstant<kPixels>(run.multiplier + 8 * v);
    const __m256 f = Clamp(k, Scale(acc[v], _mm256_castsi256_ps(m)));
    for (int h = 0; h < 2; ++h) {
      const int first = 4 * v + (kPixels == 1 ? 16 * h : 0);
      float* const y = reinterpret_cast<float*>(run.y + at[kPixels == 1 ? 0 : h]) + first;
      const __m128 half = h == 0 ? _mm256_castps256_ps128(f) : _mm256_extractf128_ps(f, 1);
      if (first + 4 <= run.channels) {
        _mm_storeu_ps(y, half);
        continue;
      }
      alignas(16) float whole[4];
      _mm_store_ps(whole, half);
      for (int c = 0; first + c < run.channels; ++c) y[c] = whole[c];
    }
  }
}

// kPixels: of a vector. kPlain: all its channels exist, u8 without residual.
template <int kPixels, bool kPlain>
void RunPixels(const DepthwiseI8Block& b, const RequantAvx2& constants, const Run& whole) {
  // Copies: stores through uint8_t* may alias anything behind a reference.
  const int64_t a_pixel_stride = b.a_pixel_stride;
  const int64_t y_pixel_stride = b.y_pixel_stride;
  const RequantAvx2 k = constants;
  const Run run = whole;
  const auto tap_at = [&](int64_t t) {
    return __builtin_expect(t < kKnownTaps, 1) ? run.offsets[t] : TapOffset(b, t);
  };
  const __m256i zero = _mm256_setzero_si256();
  constexpr int kStep = kVectors * kPixels;
  for (int32_t col = 0; col < run.cols; col += kStep) {
    const uint8_t* a[kStep];
    int64_t at[kStep];
#pragma GCC unroll 4
    for (int p = 0; p < kStep; ++p) {  // beyond the end of the run the last pixel once more
      const int64_t pixel = col + p < run.cols ? col + p : run.cols - 1;
      a[p] = run.a + pixel * a_pixel_stride;
      at[p] = pixel * y_pixel_stride;
    }
    __m256i acc[kVectors][4];
#pragma GCC unroll 8
    for (int i = 0; i < 4 * kVectors; ++i) {
      acc[i / 4][i % 4] = LoadConstant<kPixels>(run.offset + 8 * (i % 4));
    }
    const int16_t* w = run.weights;
    for (int64_t pair = 0; pair < run.pairs; ++pair, w += 2 * kBlock) {
      const int64_t tap0 = tap_at(2 * pair);
      const int64_t tap1 = tap_at(2 * pair + 1);
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) {
        const __m256i x0 = LoadPixels<kPixels>(a + i * kPixels, tap0);
        const __m256i x1 = LoadPixels<kPixels>(a + i * kPixels, tap1);
        const __m256i lo = _mm256_unpacklo_epi8(x0, x1);
        const __m256i hi = _mm256_unpackhi_epi8(x0, x1);
        const __m256i x[4] = {_mm256_unpacklo_epi8(lo, zero), _mm256_unpackhi_epi8(lo, zero),
                              _mm256_unpacklo_epi8(hi, zero), _mm256_unpackhi_epi8(hi, zero)};
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          const __m256i product = _mm256_madd_epi16(x[v], LoadConstant<kPixels>(w + 16 * v));
          acc[i][v] = _mm256_add_epi32(acc[i][v], product);
        }
      }
    }
    if (!kPlain) {
      for (int i = 0; i < kVectors && col + i * kPixels < run.cols; ++i) {
        __m256i sums[4];
        for (int v = 0; v < 4; ++v) sums[v] = acc[i][v];
        if (run.residual == nullptr) {
          StorePart<kPixels>(k, run, sums, at + i * kPixels);
        } else {
          StoreRare<kPixels>(k, run, sums, at + i * kPixels);
        }
      }
      continue;
    }
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) StorePlain<kPixels>(k, run, acc[i], at + i * kPixels);
  }
}

using RunFunction = void (*)(const DepthwiseI8Block&, const RequantAvx2&, const Run&);
// By plain, pixels - 1.
constexpr RunFunction kRunPixels[2][2] = {{RunPixels<1, false>, RunPixels<2, false>},
                                          {RunPixels<1, true>, RunPixels<2, true>}};

}  // namespace

void DepthwiseI8Avx2(const DepthwiseI8Block& b) {
  const ConvWindow& window = b.args->window;
  const RequantAvx2 k = MakeRequantAvx2(*b.args);
  const int64_t y_bytes = k.output_f32 ? 4 : 1;
  Run run;
  run.pairs = (int64_t{window.kernel_h} * window.kernel_w + 1) / 2;
  int64_t offsets[kKnownTaps];
  for (int64_t t = 0; t < kKnownTaps && t < 2 * run.pairs; ++t) offsets[t] = TapOffset(b, t);
  run.offsets = offsets;
  // Channels go innermost but for runs of pixels: the input lines that a run reads stay in L1 while
  // its channels pass.
  constexpr int64_t kRunBytes = 16 << 10;
  const int64_t fitting = kRunBytes / (int64_t{window.kernel_h} * b.a_pixel_stride) / 4 * 4;
  const int32_t run_cols = fitting < 8 ? 8 : fitting < b.cols ? fitting : b.cols;
  for (int32_t row = 0; row < b.rows; ++row) {
    for (int32_t col = 0; col < b.cols; col += run_cols) {
      run.cols = b.cols - col < run_cols ? b.cols - col : run_cols;
      for (int32_t channel = 0; channel < window.out_channels; channel += kBlock) {
        const int32_t left = window.out_channels - channel;
        const int64_t out = row * b.y_row_stride + col * b.y_pixel_stride + channel * y_bytes;
        run.a = b.a + row * b.a_row_stride + col * b.a_pixel_stride + channel;
        run.weights = static_cast<const int16_t*>(b.weights) + channel * 2 * run.pairs;
        run.offset = b.offset + channel;
        run.multiplier = b.multiplier + channel;
        run.channels = left < kBlock ? left : kBlock;
        run.y = static_cast<uint8_t*>(b.y) + out;
        run.residual = b.residual == nullptr ? nullptr : b.residual + out;
        const bool two = run.channels <= kBlock / 2;
        const bool plain =
            !k.output_f32 && run.residual == nullptr && run.channels == (two ? kBlock / 2 : kBlock);
        kRunPixels[plain][two](b, k, run);
      }
    }
  }
}

}  // namespace adze
