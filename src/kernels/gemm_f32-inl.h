// The register tile of the float matrix kernels: up to kGemmRows rows of a times one panel of b.
// Include after kernels/hwy_dispatch.h and <utility>.
//
// A row of a is given as `taps` pointers to `tap_len` floats each, K = taps * tap_len: a
// convolution needs no im2col, a plain matrix has one tap. b is a panel [K][vecs * lanes]. Per step
// of K: `vecs` vector loads, one broadcast per row and rows * vecs fused multiply-adds into
// accumulators that stay in registers. 12 x 2 (AVX-512) and 6 x 2 (AVX2) leave room for the
// operands and need fewer than one load per multiply-add, so the FMA ports are the limit.
#if defined(ADZE_KERNELS_GEMM_F32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ADZE_KERNELS_GEMM_F32_INL_H_
#undef ADZE_KERNELS_GEMM_F32_INL_H_
#else
#define ADZE_KERNELS_GEMM_F32_INL_H_
#endif

#include "kernels/hwy_util-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GemmTag = hn::CappedTag<float, 16>;
using GemmVec = hn::Vec<GemmTag>;
inline constexpr int kGemmLanes = static_cast<int>(hn::MaxLanes(GemmTag()));
inline constexpr int kGemmPanel = 2 * kGemmLanes;  // width of a full panel
#if HWY_TARGET == HWY_AVX3
inline constexpr int kGemmRows = 12;
#elif HWY_TARGET == HWY_AVX2
inline constexpr int kGemmRows = 6;
#elif HWY_TARGET == HWY_NEON
inline constexpr int kGemmRows = 8;
#else
inline constexpr int kGemmRows = 4;
#endif
inline constexpr int kGemmPrefetch = 512;  // floats ahead in b

// What a tile reads and writes. Pointers are of the tile's first row and first column.
struct GemmTile {
  const float* const* a = nullptr;  // a[tap * a_tap_stride + row]
  int64_t a_tap_stride = 0;
  int64_t taps = 0, tap_len = 0;
  const float* b = nullptr;         // panel
  const float* bias = nullptr;      // null: none
  const float* residual = nullptr;  // null: none; rows of `stride` floats like y
  float* y = nullptr;
  int64_t stride = 0;
  int64_t columns = 0;  // valid columns of the panel
  float lo = 0, hi = 0;
};

HWY_INLINE GemmVec GemmClamp(GemmVec v, GemmVec lo, GemmVec hi) {
  return MinNan(hi, MaxNan(lo, v));
}

// y = clamp((acc + bias) + residual, lo, hi) of `rows` rows of `width` accumulators each, of which
// t.columns are valid. Out of line: for the last panel and single rows.
inline HWY_NOINLINE void GemmStorePartial(const GemmTile& t, const float* acc, int64_t rows,
                                          int64_t width) {
  const GemmTag d;
  const GemmVec lo = hn::Set(d, t.lo);
  const GemmVec hi = hn::Set(d, t.hi);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < HWY_MIN(width, t.columns); c += kGemmLanes) {
      const int64_t n = HWY_MIN(t.columns - c, kGemmLanes);
      const int64_t at = r * t.stride + c;
      GemmVec v = hn::LoadU(d, acc + r * width + c);
      if (t.bias != nullptr) v = hn::Add(v, LoadTail(d, t.bias + c, n));
      if (t.residual != nullptr) v = hn::Add(v, LoadTail(d, t.residual + at, n));
      StoreTail(GemmClamp(v, lo, hi), d, t.y + at, n);
    }
  }
}

// The same for a tile in registers.
template <int kRows, int kVecs>
HWY_INLINE void GemmStore(const GemmTile& t, GemmVec (&acc)[kRows][kVecs]) {
  const GemmTag d;
  if (t.columns < kVecs * kGemmLanes) {
    HWY_ALIGN float lanes[kRows * kVecs * kGemmLanes];
    Unroll<kRows>([&](auto r) ADZE_UNROLLED {
      Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
        hn::Store(acc[r][v], d, lanes + (r * kVecs + v) * kGemmLanes);
      });
    });
    GemmStorePartial(t, lanes, kRows, kVecs * kGemmLanes);
    return;
  }
  const GemmVec lo = hn::Set(d, t.lo);
  const GemmVec hi = hn::Set(d, t.hi);
  const int64_t stride = t.stride;
  float* HWY_RESTRICT y = t.y;
  Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
    const GemmVec bias = t.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, t.bias + v * kGemmLanes);
    Unroll<kRows>([&](auto r) ADZE_UNROLLED { acc[r][v] = hn::Add(acc[r][v], bias); });
  });
  if (t.residual != nullptr) {
    const float* residual = t.residual;
    Unroll<kRows>([&](auto r) ADZE_UNROLLED {
      Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
        acc[r][v] = hn::Add(acc[r][v], hn::LoadU(d, residual + v * kGemmLanes));
      });
      residual += stride;
    });
  }
  Unroll<kRows>([&](auto r) ADZE_UNROLLED {
    Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
      hn::StoreU(GemmClamp(acc[r][v], lo, hi), d, y + v * kGemmLanes);
    });
    y += stride;
  });
}

template <int kRows, int kVecs>
HWY_NOINLINE void GemmTileOf(const GemmTile& t) {
  const GemmTag d;
  GemmVec acc[kRows][kVecs];
  Unroll<kRows>([&](auto r) ADZE_UNROLLED {
    Unroll<kVecs>([&](auto v) ADZE_UNROLLED { acc[r][v] = hn::Zero(d); });
  });
  const float* HWY_RESTRICT b = t.b;
  const float* const* a = t.a;
  for (int64_t tap = 0; tap < t.taps; ++tap, a += t.a_tap_stride) {
    const float* p[kRows];
    Unroll<kRows>([&](auto r) ADZE_UNROLLED { p[r] = a[r]; });
    for (int64_t c = 0; c < t.tap_len; ++c) {
      GemmVec bv[kVecs];
      Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
        bv[v] = hn::LoadU(d, b + v * kGemmLanes);
        // Weights that are not in L2 yet arrive at the rate of the misses in flight.
        __builtin_prefetch(b + v * kGemmLanes + kGemmPrefetch);
      });
      b += kVecs * kGemmLanes;
      Unroll<kRows>([&](auto r) ADZE_UNROLLED {
        const GemmVec x = hn::Set(d, p[r][c]);
        Unroll<kVecs>([&](auto v) ADZE_UNROLLED { acc[r][v] = hn::MulAdd(x, bv[v], acc[r][v]); });
      });
    }
  }
  GemmStore(t, acc);
}

// One row against kPanels panels at once: several streams of b, each prefetched, saturate the
// memory where one does not. The same sums as GemmTileOf<1, 2>.
template <int kPanels>
HWY_NOINLINE void GemvOf(const GemmTile& t, int64_t panel_stride) {
  const GemmTag d;
  GemmVec acc[kPanels][2];
  Unroll<kPanels>([&](auto q) ADZE_UNROLLED { acc[q][0] = acc[q][1] = hn::Zero(d); });
  int64_t k = 0;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* const a = t.a[tap * t.a_tap_stride];
    for (int64_t c = 0; c < t.tap_len; ++c, k += kGemmPanel) {
      const GemmVec x = hn::Set(d, a[c]);
      Unroll<kPanels>([&](auto q) ADZE_UNROLLED {
        const float* const b = t.b + q * panel_stride + k;
        __builtin_prefetch(b + kGemmPrefetch);
        if constexpr (kGemmLanes == 16) __builtin_prefetch(b + kGemmPrefetch + 16);
        acc[q][0] = hn::MulAdd(x, hn::LoadU(d, b), acc[q][0]);
        acc[q][1] = hn::MulAdd(x, hn::LoadU(d, b + kGemmLanes), acc[q][1]);
      });
    }
  }
  HWY_ALIGN float lanes[kPanels * kGemmPanel];
  Unroll<kPanels>([&](auto q) ADZE_UNROLLED {
    hn::Store(acc[q][0], d, lanes + q * kGemmPanel);
    hn::Store(acc[q][1], d, lanes + q * kGemmPanel + kGemmLanes);
  });
  GemmStorePartial(t, lanes, 1, kPanels * kGemmPanel);
}

template <int kVecs, int... i>
HWY_INLINE void GemmTileRows(const GemmTile& t, int rows, std::integer_sequence<int, i...>) {
  using Function = void (*)(const GemmTile&);
  static constexpr Function kTable[] = {&GemmTileOf<i + 1, kVecs>...};
  kTable[rows - 1](t);
}
// rows in [1, kGemmRows], vecs 1 or 2.
HWY_INLINE void RunGemmTile(const GemmTile& t, int rows, int vecs) {
  constexpr auto kSizes = std::make_integer_sequence<int, kGemmRows>();
  if (vecs == 2) {
    GemmTileRows<2>(t, rows, kSizes);
  } else {
    GemmTileRows<1>(t, rows, kSizes);
  }
}

// Number of panels of n columns, and vectors of the last one.
HWY_INLINE int64_t GemmPanels(int64_t n) { return (n + kGemmPanel - 1) / kGemmPanel; }
HWY_INLINE int GemmPanelVecs(int64_t n, int64_t panel) {
  return n - panel * kGemmPanel > kGemmLanes ? 2 : 1;
}
// Floats of the panels of a K x n matrix.
HWY_INLINE int64_t GemmPackedFloats(int64_t k, int64_t n) {
  return k * ((n + kGemmLanes - 1) / kGemmLanes * kGemmLanes);
}

// All tiles of rows [0, rows) and panels [panel_begin, panel_end) of an n-column product. `t` holds
// the pointers of row 0 and column 0 of the whole matrix and `packed` all its panels. Tiles of a
// panel are of nearly equal height.
HWY_INLINE void GemmBlock(GemmTile t, const float* packed, int64_t n, int64_t rows,
                          int64_t panel_begin, int64_t panel_end) {
  const int64_t k = t.taps * t.tap_len;
  const GemmTile base = t;
  const int64_t tiles = (rows + kGemmRows - 1) / kGemmRows;
  for (int64_t p = panel_begin; p < panel_end;) {
    const int64_t column = p * kGemmPanel;
    t.b = packed + column * k;
    t.columns = n - column;
    t.bias = base.bias != nullptr ? base.bias + column : nullptr;
    t.a = base.a;
    t.y = base.y + column;
    t.residual = base.residual != nullptr ? base.residual + column : nullptr;
    const int64_t full =
        HWY_MIN(panel_end, n / kGemmPanel) - p;  // panels of two full vectors from here
    if (rows == 1 && full >= 4) {
      GemvOf<4>(t, k * kGemmPanel);
      p += 4;
      continue;
    }
    const int vecs = GemmPanelVecs(n, p);
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t next = (i + 1) * rows / tiles;
      const int64_t height = next - row;
      t.a = base.a + row;
      t.y = base.y + column + row * t.stride;
      if (base.residual != nullptr) t.residual = base.residual + column + row * t.stride;
      RunGemmTile(t, static_cast<int>(height), vecs);
      row = next;
    }
    ++p;
  }
}

// Packs panels [panel_begin, panel_end) of the K x n matrix whose element (k, column) is source(k,
// column).
template <typename Source>
void GemmPack(int64_t k, int64_t n, int64_t panel_begin, int64_t panel_end, const Source& source,
              float* packed) {
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const int64_t column = p * kGemmPanel;
    const int64_t width = GemmPanelVecs(n, p) * kGemmLanes;
    float* out = packed + column * k;
    for (int64_t i = 0; i < k; ++i, out += width) {
      for (int64_t j = 0; j < width; ++j) out[j] = column + j < n ? source(i, column + j) : 0.0f;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#endif  // toggle
