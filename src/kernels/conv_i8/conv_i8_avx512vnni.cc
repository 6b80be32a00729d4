// AVX-512 VNNI: tiles of up to 14 pixels x 32 channels, 28 accumulators. Per reduction quad 14
// broadcasts and 2 weight loads feed 28 vpdpbusd, so both VNNI ports stay busy while the load ports
// are not (16 loads in 14 cycles).
#include <immintrin.h>
#include <stdint.h>

#include "kernels/conv_i8/conv_i8_block.h"
#include "kernels/requant_avx512.h"

namespace adze {
namespace {

constexpr int kPanel = 32;
constexpr int kMaxPixels = 14;

typedef int32_t UnalignedInt32 __attribute__((aligned(1), may_alias));

// One tile of one panel.
struct Tile {
  const uint8_t* a;
  const int8_t* weights;
  const int32_t* offset;
  const float* multiplier;
  uint8_t* y;
  const uint8_t* residual;
  int32_t channels;  // <= 32
};

// y of pixels p and p + 1 (the second only if `two`) from vectors of channels 0-15 and 16-31.
inline void StorePair(__m512i p0, __m512i p1, __m512i q0, __m512i q1, const RequantU8& r,
                      uint8_t* y, int64_t y_stride, __mmask32 mask, bool two) {
  // Lane l holds p0, p1, q0, q1 of channels 4 l .. 4 l + 3: gather p0, p1 | q0, q1.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_permutexvar_epi32(order, PackU8(p0, p1, q0, q1, r));
  if (mask == 0xffffffffu) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_castsi512_si256(bytes));
    if (two) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + y_stride),
                          _mm512_extracti64x4_epi64(bytes, 1));
    }
  } else {
    _mm256_mask_storeu_epi8(y, mask, _mm512_castsi512_si256(bytes));
    if (two) _mm256_mask_storeu_epi8(y + y_stride, mask, _mm512_extracti64x4_epi64(bytes, 1));
  }
}

// P pixels x V vectors of 16 channels.
template <int P, int V>
void RunTile(const ConvI8Block& b, const RequantU8& r, const Tile& tile) {
  __m512i acc[P][V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const __m512i offset = _mm512_loadu_si512(tile.offset + 16 * v);
#pragma GCC unroll 14
    for (int p = 0; p < P; ++p) acc[p][v] = offset;
  }
  // Pixel p is read at base[p / 3] + {0, stride, stride2}: five pointers and two strides instead of
  // fourteen pointers. The empty asm keeps the compiler from computing the others ahead and
  // spilling them.
  constexpr int kBases = (P + 2) / 3;
  const uint8_t* base[kBases];
  const int8_t* w = tile.weights;
  int64_t stride = b.a_pixel_stride;
  int64_t stride2 = 2 * stride;
  const int quads = b.tap_quads;
  for (int i = 0; i < b.tap_rows; ++i) {
    for (int j = 0; j < b.tap_cols; ++j) {
      base[0] = tile.a + i * b.tap_row_stride + j * b.tap_col_stride;
#pragma GCC unroll 5
      for (int k = 1; k < kBases; ++k) base[k] = base[k - 1] + 3 * stride;
      for (int quad = 0; quad < quads; ++quad) {
        __m512i wv[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) wv[v] = _mm512_loadu_si512(w + 64 * v);
        w += 4 * kPanel;
        asm("" : "+r"(stride), "+r"(stride2));
#pragma GCC unroll 14
        for (int p = 0; p < P; ++p) {
          const int64_t at = p % 3 == 0 ? 0 : p % 3 == 1 ? stride : stride2;
          const __m512i x =
              _mm512_set1_epi32(*reinterpret_cast<const UnalignedInt32*>(base[p / 3] + at));
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) acc[p][v] = _mm512_dpbusd_epi32(acc[p][v], x, wv[v]);
        }
#pragma GCC unroll 5
        for (int k = 0; k < kBases; ++k) base[k] += 4;
      }
    }
  }
  const bool plain = b.args->output_f32 == 0 && tile.residual == nullptr;
  if (!plain) {
    alignas(64) int32_t spill[P][16 * V];
#pragma GCC unroll 14
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) _mm512_store_si512(spill[p] + 16 * v, acc[p][v]);
    }
    StorePixels(*b.args, spill[0], 16 * V, tile.multiplier, P, tile.channels, tile.residual, tile.y,
                b.y_pixel_stride);
    return;
  }
  const __mmask32 mask = tile.channels >= 32 ? 0xffffffffu : (1u << tile.channels) - 1;
  __m512 m[V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) m[v] = _mm512_loadu_ps(tile.multiplier + 16 * v);
  uint8_t* y = tile.y;
#pragma GCC unroll 7
  for (int p = 0; p < P; p += 2) {
    const int q = p + 1 < P ? p + 1 : p;
    const __m512i p0 = ScaleRound(acc[p][0], m[0], r.top);
    const __m512i p1 = ScaleRound(acc[p][V - 1], m[V - 1], r.top);
    const __m512i q0 = ScaleRound(acc[q][0], m[0], r.top);
    const __m512i q1 = ScaleRound(acc[q][V - 1], m[V - 1], r.top);
    StorePair(p0, p1, q0, q1, r, y, b.y_pixel_stride, mask, q != p);
    y += 2 * b.y_pixel_stride;
  }
}

using TileFunction = void (*)(const ConvI8Block&, const RequantU8&, const Tile&);
#define ADZE_TILES(V)                                                                   \
  {                                                                                     \
    nullptr, RunTile<1, V>, RunTile<2, V>, RunTile<3, V>, RunTile<4, V>, RunTile<5, V>, \
        RunTile<6, V>, RunTile<7, V>, RunTile<8, V>, RunTile<9, V>, RunTile<10, V>,     \
        RunTile<11, V>, RunTile<12, V>, RunTile<13, V>, RunTile<14, V>                  \
  }
constexpr TileFunction kTiles[2][kMaxPixels + 1] = {ADZE_TILES(1), ADZE_TILES(2)};
#undef ADZE_TILES

}  // namespace

void ConvI8Avx512Vnni(const ConvI8Block& b) {
  const RequantU8 r = MakeRequantU8(*b.args);
  const int64_t panel_bytes = int64_t{b.tap_rows} * b.tap_cols * b.tap_quads * 4 * kPanel;
  const int64_t y_bytes = b.args->output_f32 != 0 ? 4 : 1;
  // Tiles of nearly equal width: a row of 16 is 8 + 8, not 14 + 2.
  const int32_t tiles = (b.cols + kMaxPixels - 1) / kMaxPixels;
  for (int32_t channel = 0; channel < b.channels; channel += kPanel) {
    Tile tile;
    tile.weights = static_cast<const int8_t*>(b.weights) + channel / kPanel * panel_bytes;
    tile.offset = b.offset + channel;
    tile.multiplier = b.multiplier + channel;
    tile.channels = b.channels - channel < kPanel ? b.channels - channel : kPanel;
    const TileFunction* const functions = kTiles[tile.channels > 16 ? 1 : 0];
    for (int32_t row = 0; row < b.rows; ++row) {
      tile.a = static_cast<const uint8_t*>(b.a) + row * b.a_row_stride;
      const int64_t out = row * b.y_row_stride + channel * y_bytes;
      tile.y = static_cast<uint8_t*>(b.y) + out;
      tile.residual = b.residual == nullptr ? nullptr : b.residual + out;
      int32_t left = b.cols;
      for (int32_t t = tiles; t > 0; --t) {
        const int32_t pixels = (left + t - 1) / t;
        functions[pixels](b, r, tile);
        left -= pixels;
        tile.a += pixels * b.a_pixel_stride;
        tile.y += pixels * b.y_pixel_stride;
        if (tile.residual != nullptr) tile.residual += pixels * b.y_pixel_stride;
      }
    }
  }
}

}  // namespace adze
