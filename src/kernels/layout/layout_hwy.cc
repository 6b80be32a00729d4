#include <cstring>
#include <utility>

#include "kernels/layout/layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layout/layout_hwy.cc"
#include "kernels/hwy_dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The three planes of a colour image become pixels, or back: the first and the last layer of most
// networks.
HWY_INLINE int64_t Interleave3(const uint32_t* x, int64_t cols, uint32_t* y) {
  const hn::CappedTag<uint32_t, 16> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + lanes <= cols; c += lanes) {
    hn::StoreInterleaved3(hn::LoadU(d, x + c), hn::LoadU(d, x + cols + c),
                          hn::LoadU(d, x + 2 * cols + c), d, y + 3 * c);
  }
  return c;
}

// y[j * y_stride + i] = x[i * x_stride + j], i, j < 4.
HWY_INLINE void Transpose4x4(const uint32_t* x, int64_t x_stride, uint32_t* y, int64_t y_stride) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 4; ++j) y[j * y_stride + i] = x[i * x_stride + j];
#else
  const hn::Full128<uint32_t> d;
  const hn::Full128<uint64_t> d64;
  const auto r0 = hn::LoadU(d, x);
  const auto r1 = hn::LoadU(d, x + x_stride);
  const auto r2 = hn::LoadU(d, x + 2 * x_stride);
  const auto r3 = hn::LoadU(d, x + 3 * x_stride);
  const auto a = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));  // 00 10 01 11
  const auto b = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto e = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto f = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, a, b)), d, y);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, a, b)), d, y + y_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, e, f)), d, y + 2 * y_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, e, f)), d, y + 3 * y_stride);
#endif
}

void Transpose32Impl(const uint32_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                     int64_t row_end, uint32_t* y) {
  int64_t c = rows == 3 && row_begin == 0 && row_end == 3 ? Interleave3(x, cols, y) : 0;
  // Bands of 16 rows fill the cache lines of y; within one, columns of 4.
  for (int64_t band = row_begin; band < row_end; band += 16) {
    const int64_t stop = HWY_MIN(band + 16, row_end);
    int64_t j = c;
    for (; j + 4 <= cols; j += 4) {
      int64_t i = band;
      for (; i + 4 <= stop; i += 4) Transpose4x4(x + i * cols + j, cols, y + j * rows + i, rows);
      for (; i < stop; ++i) {
        for (int64_t k = 0; k < 4; ++k) y[(j + k) * rows + i] = x[i * cols + j + k];
      }
    }
    for (; j < cols; ++j) {
      for (int64_t i = band; i < stop; ++i) y[j * rows + i] = x[i * cols + j];
    }
  }
}

// An 8x8 byte matrix in eight 64-bit words, element (i, j) in byte j of word i (little endian):
// halves of growing distance are exchanged across the diagonal.
HWY_INLINE void Transpose8x8(uint64_t* w) {
  constexpr uint64_t kMasks[] = {0x00ff00ff00ff00ffu, 0x0000ffff0000ffffu, 0x00000000ffffffffu};
  for (int step = 0; step < 3; ++step) {
    const int distance = 1 << step;
    const int shift = 8 << step;
    for (int i = 0; i < 8; ++i) {
      if ((i & distance) != 0) continue;
      const uint64_t t = ((w[i] >> shift) ^ w[i + distance]) & kMasks[step];
      w[i] ^= t << shift;
      w[i + distance] ^= t;
    }
  }
}

void Transpose8Impl(const uint8_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                    int64_t row_end, uint8_t* y) {
  int64_t i = row_begin;
  for (; i + 8 <= row_end; i += 8) {
    int64_t j = 0;
    for (; j + 8 <= cols; j += 8) {
      uint64_t w[8];
      for (int k = 0; k < 8; ++k) std::memcpy(&w[k], x + (i + k) * cols + j, 8);
      Transpose8x8(w);
      for (int k = 0; k < 8; ++k) std::memcpy(y + (j + k) * rows + i, &w[k], 8);
    }
    for (; j < cols; ++j) {
      for (int64_t k = i; k < i + 8; ++k) y[j * rows + k] = x[k * cols + j];
    }
  }
  for (int64_t j = 0; j < cols && i < row_end; ++j) {
    for (int64_t k = i; k < row_end; ++k) y[j * rows + k] = x[k * cols + j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

void Transpose2D32(Isa isa, const uint32_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                   int64_t row_end, uint32_t* y) {
  ADZE_HWY_CALL(isa, Transpose32Impl)(x, rows, cols, row_begin, row_end, y);
}

void Transpose2D8(Isa isa, const uint8_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                  int64_t row_end, uint8_t* y) {
  ADZE_HWY_CALL(isa, Transpose8Impl)(x, rows, cols, row_begin, row_end, y);
}

}  // namespace adze
#endif  // HWY_ONCE
