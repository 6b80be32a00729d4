#include <algorithm>
#include <utility>

#include "kernels/pool_f32/pool_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool_f32/pool_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_util-inl.h"

#ifndef ADZE_POOL_F32_SHARED_
#define ADZE_POOL_F32_SHARED_
namespace adze {
namespace {

// Taps of one axis of a window: [begin, end) lie inside the image, `padded` of all inside the
// padded image.
struct Taps {
  int64_t begin, end, padded;
};

Taps TapsOf(int64_t start, int64_t kernel, int64_t dilation, int64_t size, int64_t pad_end) {
  Taps t{0, 0, 0};
  if (start < 0) t.begin = std::min(kernel, (-start + dilation - 1) / dilation);
  if (start < size) t.end = std::min(kernel, (size - 1 - start) / dilation + 1);
  t.end = std::max(t.begin, t.end);
  const int64_t limit = size + pad_end;  // start >= -pad_begin, so every window begins inside
  if (start < limit) t.padded = std::min(kernel, (limit - 1 - start) / dilation + 1);
  return t;
}

}  // namespace
}  // namespace adze
#endif  // ADZE_POOL_F32_SHARED_

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Tag()));

// kVecs vectors of channels of one window: the larger blocks keep several cache lines per pixel in
// flight. The last vector holds `last` channels.
template <bool kAverage, int kVecs, bool kPartial>
HWY_INLINE void PoolChannels(const float* x, int64_t row, int64_t tap, int64_t taps_h,
                             int64_t taps_w, float count, float* y, int64_t last) {
  const Tag d;
  const auto load = [&](const float* p) ADZE_UNROLLED {
    if constexpr (kPartial) return LoadTail(d, p, last);
    return hn::LoadU(d, p);
  };
  Vec acc[kVecs];
  Unroll<kVecs>([&](auto v)
                    ADZE_UNROLLED { acc[v] = kAverage ? hn::Zero(d) : hn::Neg(hn::Inf(d)); });
  for (int64_t kh = 0; kh < taps_h; ++kh) {
    const float* p = x + kh * row;
    for (int64_t kw = 0; kw < taps_w; ++kw, p += tap) {
      Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
        const Vec in = load(p + v * kLanes);
        acc[v] = kAverage ? hn::Add(acc[v], in) : MaxNan(acc[v], in);
      });
    }
  }
  Unroll<kVecs>([&](auto v) ADZE_UNROLLED {
    const Vec out = kAverage ? hn::Div(acc[v], hn::Set(d, count)) : acc[v];
    if constexpr (kPartial) {
      StoreTail(out, d, y + v * kLanes, last);
    } else {
      hn::StoreU(out, d, y + v * kLanes);
    }
  });
}

template <bool kAverage>
HWY_NOINLINE void PoolPixel(const PoolF32Call& call, int64_t n, int64_t oh, int64_t ow, int64_t c,
                            int64_t c_end) {
  const ConvWindow& w = call.args.window;
  const ConvSizes& s = call.sizes;
  const int64_t ih = oh * w.stride_h - w.pad_top;
  const int64_t iw = ow * w.stride_w - w.pad_left;
  const Taps h = TapsOf(ih, w.kernel_h, w.dilation_h, s.in_h, w.pad_bottom);
  const Taps v = TapsOf(iw, w.kernel_w, w.dilation_w, s.in_w, w.pad_right);
  const int64_t taps_h = h.end - h.begin;
  const int64_t taps_w = v.end - v.begin;
  const int64_t count = call.args.count_include_pad != 0 ? h.padded * v.padded : taps_h * taps_w;
  const float divisor = count == 0 ? 1.0f : static_cast<float>(count);
  const bool any = taps_h > 0 && taps_w > 0;
  const float* const x = !any ? call.x
                              : call.x + ((n * s.in_h + ih + h.begin * w.dilation_h) * s.in_w + iw +
                                          v.begin * w.dilation_w) *
                                             call.channels;
  float* const y = call.y + ((n * s.out_h + oh) * s.out_w + ow) * call.channels;
  const int64_t row = int64_t{w.dilation_h} * s.in_w * call.channels;
  const int64_t tap = int64_t{w.dilation_w} * call.channels;
  const int64_t rows = any ? taps_h : 0;
  for (; c + 4 * kLanes <= c_end; c += 4 * kLanes) {
    PoolChannels<kAverage, 4, false>(x + c, row, tap, rows, taps_w, divisor, y + c, kLanes);
  }
  for (; c + kLanes <= c_end; c += kLanes) {
    PoolChannels<kAverage, 1, false>(x + c, row, tap, rows, taps_w, divisor, y + c, kLanes);
  }
  if (c < c_end) {
    PoolChannels<kAverage, 1, true>(x + c, row, tap, rows, taps_w, divisor, y + c, c_end - c);
  }
}

void PoolPixelImpl(const PoolF32Call& call, int64_t n, int64_t oh, int64_t ow, int64_t c,
                   int64_t c_end) {
  if (call.args.kind == PoolKind::kAverage) {
    PoolPixel<true>(call, n, oh, ow, c, c_end);
  } else {
    PoolPixel<false>(call, n, oh, ow, c, c_end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

void PoolF32Rows(Isa isa, const PoolF32Call& call, int64_t row_begin, int64_t row_end) {
  const auto pixel = ADZE_HWY_CALL(isa, PoolPixelImpl);
  for (int64_t row = row_begin; row < row_end; ++row) {
    for (int64_t ow = 0; ow < call.sizes.out_w; ++ow) {
      pixel(call, row / call.sizes.out_h, row % call.sizes.out_h, ow, 0, call.channels);
    }
  }
}

void PoolF32Channels(Isa isa, const PoolF32Call& call, int64_t n, int32_t c_begin, int32_t c_end) {
  const auto pixel = ADZE_HWY_CALL(isa, PoolPixelImpl);
  for (int64_t oh = 0; oh < call.sizes.out_h; ++oh) {
    for (int64_t ow = 0; ow < call.sizes.out_w; ++ow) pixel(call, n, oh, ow, c_begin, c_end);
  }
}

}  // namespace adze
#endif  // HWY_ONCE
