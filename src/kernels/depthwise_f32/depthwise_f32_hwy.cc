#include <algorithm>
#include <utility>

#include "kernels/depthwise_f32/depthwise_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_f32/depthwise_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_util-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag()));

// Neighbouring output pixels of one row. All pointers are at channel 0.
struct DepthwiseTile {
  const float* x;  // first tap inside the image of the first pixel
  const float* w;  // its weights
  const float* bias;
  const float* residual;  // or null
  float* y;
  int64_t channels, padded_channels;
  int64_t x_row, x_tap,
      x_pixel;    // floats between taps of a column, taps of a row, and output pixels
  int64_t w_row;  // floats between kernel rows
  int32_t taps_h, taps_w;
  float lo, hi;
};

// One vector of channels of kPixels pixels. kTapsW and kStride are the width of the window and the
// stride when dilation is 1, so that pixels share their loads; 0: whatever the tile says.
template <int kPixels, int kTapsW, int kStride, bool kPartial>
HWY_INLINE void DepthwiseChannels(const DepthwiseTile& t, int64_t c, int64_t n) {
  const Tag d;
  const auto load = [&](const float* p) ADZE_UNROLLED {
    if constexpr (kPartial) return LoadTail(d, p, n);
    return hn::LoadU(d, p);
  };
  Vec acc[kPixels];
  const Vec bias = load(t.bias + c);
  Unroll<kPixels>([&](auto p) ADZE_UNROLLED { acc[p] = bias; });
  const float* x = t.x + c;
  const float* w = t.w + c;
  for (int32_t kh = 0; kh < t.taps_h; ++kh, x += t.x_row, w += t.w_row) {
    if constexpr (kTapsW != 0) {
      Vec in[(kPixels - 1) * kStride + kTapsW];
      Unroll<(kPixels - 1) * kStride + kTapsW>(
          [&](auto i) ADZE_UNROLLED { in[i] = load(x + i * t.x_tap); });
      Unroll<kTapsW>([&](auto kw) ADZE_UNROLLED {
        const Vec wv = hn::LoadU(d, w + kw * t.padded_channels);
        Unroll<kPixels>(
            [&](auto p) ADZE_UNROLLED { acc[p] = hn::MulAdd(in[p * kStride + kw], wv, acc[p]); });
      });
    } else {
      for (int32_t kw = 0; kw < t.taps_w; ++kw) {
        const Vec wv = hn::LoadU(d, w + kw * t.padded_channels);
        const float* const tap = x + kw * t.x_tap;
        Unroll<kPixels>([&](auto p) ADZE_UNROLLED {
          acc[p] = hn::MulAdd(load(tap + p * t.x_pixel), wv, acc[p]);
        });
      }
    }
  }
  const Vec lo = hn::Set(d, t.lo);
  const Vec hi = hn::Set(d, t.hi);
  Unroll<kPixels>([&](auto p) ADZE_UNROLLED {
    const int64_t at = p * t.channels + c;
    if (t.residual != nullptr) acc[p] = hn::Add(acc[p], load(t.residual + at));
    const Vec v = MinNan(hi, MaxNan(lo, acc[p]));
    if constexpr (kPartial) {
      StoreTail(v, d, t.y + at, n);
    } else {
      hn::StoreU(v, d, t.y + at);
    }
  });
}

template <int kPixels, int kTapsW, int kStride>
HWY_NOINLINE void RunDepthwiseTile(const DepthwiseTile& t) {
  int64_t c = 0;
  for (; c + kLanes <= t.channels; c += kLanes) {
    DepthwiseChannels<kPixels, kTapsW, kStride, false>(t, c, kLanes);
  }
  if (c < t.channels) DepthwiseChannels<kPixels, kTapsW, kStride, true>(t, c, t.channels - c);
}

// `pixels` neighbours whose windows lie wholly inside the image horizontally.
template <int kTapsW, int kStride>
HWY_INLINE void RunDepthwiseInterior(DepthwiseTile t, int64_t pixels) {
  const auto advance = [&t](int64_t n) HWY_ATTR {
    t.x += n * t.x_pixel;
    t.y += n * t.channels;
    if (t.residual != nullptr) t.residual += n * t.channels;
    return n;
  };
  for (; pixels >= 8; pixels -= advance(8)) RunDepthwiseTile<8, kTapsW, kStride>(t);
  for (; pixels >= 4; pixels -= advance(4)) RunDepthwiseTile<4, kTapsW, kStride>(t);
  for (; pixels >= 1; pixels -= advance(1)) RunDepthwiseTile<1, kTapsW, kStride>(t);
}

void DepthwiseF32RowsImpl(const DepthwiseF32Call& call, int64_t row_begin, int64_t row_end) {
  const ConvWindow& w = call.window;
  const ConvSizes& s = call.sizes;
  const int64_t channels = w.in_channels;
  DepthwiseTile t;
  t.bias = call.bias;
  t.channels = channels;
  t.padded_channels = DepthwiseF32PackedFloats(w) / w.kernel_h / w.kernel_w;
  t.x_row = int64_t{w.dilation_h} * s.in_w * channels;
  t.x_tap = w.dilation_w * channels;
  t.x_pixel = w.stride_w * channels;
  t.w_row = w.kernel_w * t.padded_channels;
  t.lo = call.act_min;
  t.hi = call.act_max;
  // Taps [first, last) of a window starting at `start` that lie in [0, size).
  const auto first_tap = [](int64_t start, int64_t dilation, int64_t taps) HWY_ATTR {
    return start >= 0 ? 0 : std::min(taps, (-start + dilation - 1) / dilation);
  };
  const auto last_tap = [](int64_t start, int64_t dilation, int64_t taps, int64_t size) HWY_ATTR {
    return start >= size ? 0 : std::min(taps, (size - 1 - start) / dilation + 1);
  };
  // Output columns [left, right) have their whole window inside.
  const int64_t span = int64_t{w.kernel_w - 1} * w.dilation_w + 1;
  const int64_t left = std::min<int64_t>(s.out_w, (w.pad_left + w.stride_w - 1) / w.stride_w);
  const int64_t room = s.in_w - span + w.pad_left;
  const int64_t right =
      std::max(left, room < 0 ? 0 : std::min<int64_t>(s.out_w, room / w.stride_w + 1));

  for (int64_t row = row_begin; row < row_end; ++row) {
    const int64_t n = row / s.out_h;
    const int64_t ih = row % s.out_h * w.stride_h - w.pad_top;
    const int64_t kh_begin = first_tap(ih, w.dilation_h, w.kernel_h);
    const int64_t kh_end = last_tap(ih, w.dilation_h, w.kernel_h, s.in_h);
    t.taps_h = static_cast<int32_t>(std::max<int64_t>(0, kh_end - kh_begin));
    const float* const line =
        t.taps_h == 0 ? call.x
                      : call.x + (n * s.in_h + ih + kh_begin * w.dilation_h) * s.in_w * channels;
    const float* const weights = call.weights + (t.taps_h == 0 ? 0 : kh_begin * t.w_row);
    for (int64_t ow = 0; ow < s.out_w;) {
      const int64_t iw = ow * w.stride_w - w.pad_left;
      const int64_t out = (row * s.out_w + ow) * channels;
      t.y = call.y + out;
      t.residual = call.residual == nullptr ? nullptr : call.residual + out;
      if (ow >= left && ow < right) {
        t.x = line + iw * channels;
        t.w = weights;
        t.taps_w = w.kernel_w;
        const int64_t pixels = right - ow;
        const bool dense = w.dilation_w == 1;
        if (dense && w.kernel_w == 3 && w.stride_w == 1) {
          RunDepthwiseInterior<3, 1>(t, pixels);
        } else if (dense && w.kernel_w == 3 && w.stride_w == 2) {
          RunDepthwiseInterior<3, 2>(t, pixels);
        } else if (dense && w.kernel_w == 5 && w.stride_w == 1) {
          RunDepthwiseInterior<5, 1>(t, pixels);
        } else {
          RunDepthwiseInterior<0, 0>(t, pixels);
        }
        ow = right;
        continue;
      }
      const int64_t kw_begin = first_tap(iw, w.dilation_w, w.kernel_w);
      const int64_t kw_end = last_tap(iw, w.dilation_w, w.kernel_w, s.in_w);
      t.taps_w = static_cast<int32_t>(std::max<int64_t>(0, kw_end - kw_begin));
      t.x = t.taps_w == 0 ? line : line + (iw + kw_begin * w.dilation_w) * channels;
      t.w = t.taps_w == 0 ? weights : weights + kw_begin * t.padded_channels;
      RunDepthwiseTile<1, 0, 0>(t);
      ++ow;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {
void DepthwiseF32Rows(Isa isa, const DepthwiseF32Call& call, int64_t row_begin, int64_t row_end) {
  ADZE_HWY_CALL(isa, DepthwiseF32RowsImpl)(call, row_begin, row_end);
}
}  // namespace adze
#endif  // HWY_ONCE
