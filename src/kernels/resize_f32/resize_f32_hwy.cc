#include <cstring>
#include <utility>

#include "kernels/resize_f32/resize_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize_f32/resize_f32_hwy.cc"
#include "kernels/hwy_dispatch.h"
#include "kernels/hwy_util-inl.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void ResizeRowImpl(const ResizeF32Call& call, int64_t row) {
  const hn::CappedTag<float, 16> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t channels = call.channels;
  const ResizeTap& h = call.taps_h[row % call.out_h];
  const float* const image = call.x + row / call.out_h * call.in_h * call.in_w * channels;
  const float* const top = image + h.low * call.in_w * channels;
  const float* const bottom = image + h.high * call.in_w * channels;
  float* y = call.y + row * call.out_w * channels;
  for (int64_t ow = 0; ow < call.out_w; ++ow, y += channels) {
    const ResizeTap& w = call.taps_w[ow];
    const int64_t left = w.low * channels;
    if (call.mode == ResizeMode::kNearest) {
      std::memcpy(y, top + left, static_cast<size_t>(channels) * sizeof(float));
      continue;
    }
    const int64_t right = w.high * channels;
    const Vec w00 = hn::Set(d, (1 - h.frac) * (1 - w.frac));
    const Vec w01 = hn::Set(d, (1 - h.frac) * w.frac);
    const Vec w10 = hn::Set(d, h.frac * (1 - w.frac));
    const Vec w11 = hn::Set(d, h.frac * w.frac);
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t n = HWY_MIN(lanes, channels - c);
      Vec v = hn::Mul(w00, LoadTail(d, top + left + c, n));
      v = hn::MulAdd(w01, LoadTail(d, top + right + c, n), v);
      v = hn::MulAdd(w10, LoadTail(d, bottom + left + c, n), v);
      v = hn::MulAdd(w11, LoadTail(d, bottom + right + c, n), v);
      StoreTail(v, d, y + c, n);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {
void ResizeF32Rows(Isa isa, const ResizeF32Call& call, int64_t row_begin, int64_t row_end) {
  const auto resize = ADZE_HWY_CALL(isa, ResizeRowImpl);
  for (int64_t row = row_begin; row < row_end; ++row) resize(call, row);
}
}  // namespace adze
#endif  // HWY_ONCE
