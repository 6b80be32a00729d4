// AVX2: activations widened to s16 beforehand, weights while they are loaded, pairs multiplied with
// vpmaddwd (exact, unlike vpmaddubsw, which saturates). Tiles of up to 6 pixels x 16 channels: 12
// accumulators, 2 weight vectors, 1 broadcast, 1 product. The last 8 channels of a layer go alone.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/conv_i8/conv_i8_block.h"
#include "kernels/requant_avx2.h"

namespace adze {
namespace {

constexpr int kPanel = 16;
constexpr int kMaxPixels = 6;

typedef int32_t UnalignedInt32 __attribute__((aligned(1), may_alias));

// One tile of one panel.
struct Tile {
  const uint8_t* a;
  const int8_t* weights;
  const int32_t* offset;
  const float* multiplier;
  uint8_t* y;
  const uint8_t* residual;
  int32_t channels;  // <= 16
};

// u8 results of P pixels with V whole vectors of 8 channels: four vectors at a time.
template <int P, int V, bool kResidual>
__attribute__((always_inline)) inline void StoreWhole(const RequantAvx2& k, const Tile& tile,
                                                      int64_t pixel_stride,
                                                      const __m256i (&acc)[P][V]) {
  constexpr int kVectors = P * V;
#pragma GCC unroll 3
  for (int first = 0; first < kVectors; first += 4) {
    __m256 f[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int i = first + j < kVectors ? first + j : kVectors - 1;
      f[j] = Scale(acc[i / V][i % V], _mm256_loadu_ps(tile.multiplier + 8 * (i % V)));
      if (kResidual) {
        f[j] = AddResidual(k, f[j], tile.residual + i / V * pixel_stride + 8 * (i % V));
      }
    }
    const Bytes32 bytes = RoundToBytes(k, f[0], f[1], f[2], f[3]);
    const __m128i half[2] = {bytes.ab, bytes.cd};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j += V) {
      if (first + j >= kVectors) break;
      uint8_t* const y = tile.y + (first + j) / V * pixel_stride;
      if (V == 2) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(y), half[j / 2]);
      } else if (j % 2 == 0) {
        StoreLow(half[j / 2], y);
      } else {
        StoreHigh(half[j / 2], y);
      }
    }
  }
}

// Everything else: less than 8 channels, 9 to 15.
template <int P, int V>
__attribute__((noinline)) void StoreRare(const RequantAvx2& k, const Tile& tile,
                                         int64_t pixel_stride, const __m256i* acc) {
  const int64_t y_bytes = k.output_f32 ? 4 : 1;
  for (int p = 0; p < P; ++p) {
    for (int v = 0; v < V; ++v) {
      const int n = tile.channels - 8 * v < 8 ? tile.channels - 8 * v : 8;
      const int64_t out = p * pixel_stride + 8 * v * y_bytes;
      StoreChannels(k, acc[p * V + v], tile.multiplier + 8 * v, n,
                    tile.residual == nullptr ? nullptr : tile.residual + out, tile.y + out);
    }
  }
}

// acc = offset + the sum of all products of the tile.
template <int P, int V>
__attribute__((always_inline)) inline void Accumulate(const ConvI8Block& b, const Tile& tile,
                                                      __m256i (&acc)[P][V]) {
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const __m256i offset =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.offset + 8 * v));
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) acc[p][v] = offset;
  }
  constexpr int kBases = (P + 2) / 3;
  const uint8_t* base[kBases];  // pixel p is at base[p / 3] + (p % 3) * stride
  int64_t strides[3] = {0, b.a_pixel_stride, 2 * b.a_pixel_stride};
  const int8_t* w = tile.weights;
  for (int i = 0; i < b.tap_rows; ++i) {
    for (int j = 0; j < b.tap_cols; ++j) {
      base[0] = tile.a + i * b.tap_row_stride + j * b.tap_col_stride;
      if (kBases > 1) base[kBases - 1] = base[0] + 3 * b.a_pixel_stride;
      for (int quad = 0; quad < b.tap_quads; ++quad) {
        // Opaque, else the other pixels' pointers are computed ahead and spilled.
        asm("" : "+r"(strides[1]), "+r"(strides[2]));
#pragma GCC unroll 2
        for (int pair = 0; pair < 2; ++pair) {
          __m256i wide[V];
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) {
            wide[v] = _mm256_cvtepi8_epi16(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 2 * kPanel * pair + 16 * v)));
          }
#pragma GCC unroll 6
          for (int p = 0; p < P; ++p) {
            const __m256i x = _mm256_set1_epi32(
                *reinterpret_cast<const UnalignedInt32*>(base[p / 3] + strides[p % 3] + 4 * pair));
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) {
              acc[p][v] = _mm256_add_epi32(acc[p][v], _mm256_madd_epi16(x, wide[v]));
              asm("" : "+x"(acc[p][v]));  // else the products are summed first, and spilled
            }
          }
        }
        w += 4 * kPanel;
#pragma GCC unroll 2
        for (int n = 0; n < kBases; ++n) base[n] += 8;
      }
    }
  }
}

template <int P, int V>
__attribute__((always_inline)) inline void RunTile(const ConvI8Block& b, const RequantAvx2& k,
                                                   const Tile& tile) {
  __m256i acc[P][V];
  Accumulate<P, V>(b, tile, acc);
  if (!k.output_f32 && tile.channels >= 8 * V) {
    if (tile.residual == nullptr) {
      StoreWhole<P, V, false>(k, tile, b.y_pixel_stride, acc);
    } else {
      StoreWhole<P, V, true>(k, tile, b.y_pixel_stride, acc);
    }
    return;
  }
  if (k.output_f32 && tile.channels >= 8 * V) {
#pragma GCC unroll 12
    for (int i = 0; i < P * V; ++i) {
      const __m256 f = Scale(acc[i / V][i % V], _mm256_loadu_ps(tile.multiplier + 8 * (i % V)));
      float* const y = reinterpret_cast<float*>(tile.y + i / V * b.y_pixel_stride);
      _mm256_storeu_ps(y + 8 * (i % V), Clamp(k, f));
    }
    return;
  }
  // A copy, so that the usual case keeps its accumulators in registers.
  __m256i spill[P * V];
#pragma GCC unroll 12
  for (int i = 0; i < P * V; ++i) spill[i] = acc[i / V][i % V];
  StoreRare<P, V>(k, tile, b.y_pixel_stride, spill);
}

// `count` tiles, one after another along a row; `tile` is the first, then the one after the last.
template <int P, int V>
void RunTiles(const ConvI8Block& b, const RequantAvx2& k, Tile& tile, int32_t count) {
  for (; count > 0; --count) {
    RunTile<P, V>(b, k, tile);
    tile.a += P * b.a_pixel_stride;
    tile.y += P * b.y_pixel_stride;
    if (tile.residual != nullptr) tile.residual += P * b.y_pixel_stride;
  }
}

using TilesFunction = void (*)(const ConvI8Block&, const RequantAvx2&, Tile&, int32_t);
constexpr TilesFunction kTiles[2][kMaxPixels + 1] = {
    {nullptr, RunTiles<1, 1>, RunTiles<2, 1>, RunTiles<3, 1>, RunTiles<4, 1>, RunTiles<5, 1>,
     RunTiles<6, 1>},
    {nullptr, RunTiles<1, 2>, RunTiles<2, 2>, RunTiles<3, 2>, RunTiles<4, 2>, RunTiles<5, 2>,
     RunTiles<6, 2>}};

}  // namespace

void WidenAvx2(const uint8_t* src, int64_t n, int16_t* dst) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i), _mm256_cvtepu8_epi16(bytes));
  }
  for (; i < n; ++i) dst[i] = src[i];
}

void ConvI8Avx2(const ConvI8Block& b) {
  const RequantAvx2 k = MakeRequantAvx2(*b.args);
  const int64_t panel_elements = int64_t{b.tap_rows} * b.tap_cols * b.tap_quads * 4 * kPanel;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  // Tiles of nearly equal width: the first ones of a row are wider by one pixel.
  const int32_t tiles = (b.cols + kMaxPixels - 1) / kMaxPixels;
  const int32_t width = tiles == 0 ? 0 : b.cols / tiles;
  const int32_t wider = b.cols - width * tiles;
  for (int32_t channel = 0; channel < b.channels; channel += kPanel) {
    Tile tile;
    tile.weights = static_cast<const int8_t*>(b.weights) + channel / kPanel * panel_elements;
    tile.offset = b.offset + channel;
    tile.multiplier = b.multiplier + channel;
    tile.channels = b.channels - channel < kPanel ? b.channels - channel : kPanel;
    const TilesFunction* const run = kTiles[tile.channels > 8];
    for (int32_t row = 0; row < b.rows; ++row) {
      const int64_t out = row * b.y_row_stride + channel * y_bytes;
      tile.a = static_cast<const uint8_t*>(b.a) + row * b.a_row_stride;
      tile.y = static_cast<uint8_t*>(b.y) + out;
      tile.residual = b.residual == nullptr ? nullptr : b.residual + out;
      if (wider > 0) run[width + 1](b, k, tile, wider);
      if (tiles > wider) run[width](b, k, tile, tiles - wider);
    }
  }
}

}  // namespace adze
