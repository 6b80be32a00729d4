// AVX2: activations and weights widened to s16, pairs multiplied with vpmaddwd (exact, unlike
// vpmaddubsw, which saturates). Tiles of up to 6 pixels x 16 channels: 12 accumulators, 2 weight
// vectors, 1 broadcast, 1 product.
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
  const int16_t* weights;
  const int32_t* offset;
  const float* multiplier;
  uint8_t* y;
  const uint8_t* residual;
  int32_t channels;  // <= 16
};

template <int P>
void RunTile(const ConvI8Block& b, const RequantAvx2& k, const Tile& tile) {
  __m256i acc[P][2];
#pragma GCC unroll 2
  for (int v = 0; v < 2; ++v) {
    const __m256i offset =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.offset + 8 * v));
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) acc[p][v] = offset;
  }
  constexpr int kBases = (P + 2) / 3;
  const uint8_t* base[kBases];  // pixel p is at base[p / 3] + (p % 3) * stride
  int64_t stride = b.a_pixel_stride;
  const int16_t* w = tile.weights;
  const int pairs = 2 * b.tap_quads;
  for (int i = 0; i < b.tap_rows; ++i) {
    for (int j = 0; j < b.tap_cols; ++j) {
      base[0] = tile.a + i * b.tap_row_stride + j * b.tap_col_stride;
      if (kBases > 1) base[kBases - 1] = base[0] + 3 * stride;
      for (int pair = 0; pair < pairs; ++pair) {
        const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
        const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 16));
        w += 2 * kPanel;
        asm("" : "+r"(stride));  // else the other pixels' pointers are computed ahead and spilled
#pragma GCC unroll 6
        for (int p = 0; p < P; ++p) {
          const __m256i x = _mm256_set1_epi32(
              *reinterpret_cast<const UnalignedInt32*>(base[p / 3] + (p % 3) * stride));
          acc[p][0] = _mm256_add_epi32(acc[p][0], _mm256_madd_epi16(x, w0));
          acc[p][1] = _mm256_add_epi32(acc[p][1], _mm256_madd_epi16(x, w1));
        }
#pragma GCC unroll 2
        for (int i = 0; i < kBases; ++i) base[i] += 4;
      }
    }
  }
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      const int n = tile.channels - 8 * v < 8 ? tile.channels - 8 * v : 8;
      if (n <= 0) break;
      const int64_t out = p * b.y_pixel_stride + 8 * v * y_bytes;
      StoreChannels(k, acc[p][v], tile.multiplier + 8 * v, n,
                    tile.residual == nullptr ? nullptr : tile.residual + out, tile.y + out);
    }
  }
}

using TileFunction = void (*)(const ConvI8Block&, const RequantAvx2&, const Tile&);
constexpr TileFunction kTiles[kMaxPixels + 1] = {nullptr,    RunTile<1>, RunTile<2>, RunTile<3>,
                                                 RunTile<4>, RunTile<5>, RunTile<6>};

}  // namespace

void ConvI8Avx2(const ConvI8Block& b) {
  const RequantAvx2 k = MakeRequantAvx2(*b.args);
  const int64_t panel_elements = int64_t{b.tap_rows} * b.tap_cols * b.tap_quads * 4 * kPanel;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  const int32_t tiles = (b.cols + kMaxPixels - 1) / kMaxPixels;  // of nearly equal width
  for (int32_t channel = 0; channel < b.channels; channel += kPanel) {
    Tile tile;
    tile.weights = static_cast<const int16_t*>(b.weights) + channel / kPanel * panel_elements;
    tile.offset = b.offset + channel;
    tile.multiplier = b.multiplier + channel;
    tile.channels = b.channels - channel < kPanel ? b.channels - channel : kPanel;
    for (int32_t row = 0; row < b.rows; ++row) {
      tile.a = static_cast<const uint8_t*>(b.a) + row * b.a_row_stride;
      const int64_t out = row * b.y_row_stride + channel * y_bytes;
      tile.y = static_cast<uint8_t*>(b.y) + out;
      tile.residual = b.residual == nullptr ? nullptr : b.residual + out;
      int32_t left = b.cols;
      for (int32_t t = tiles; t > 0; --t) {
        const int32_t pixels = (left + t - 1) / t;
        kTiles[pixels](b, k, tile);
        left -= pixels;
        tile.a += pixels * b.a_pixel_stride;
        tile.y += pixels * b.y_pixel_stride;
        if (tile.residual != nullptr) tile.residual += pixels * b.y_pixel_stride;
      }
    }
  }
}

}  // namespace adze
