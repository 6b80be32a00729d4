#include <algorithm>
#include <bit>
#include <cmath>

#include "calib/record_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "calib/record_kernels_hwy.cc"
#include "kernels/hwy_dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The bits of 2^-32, shifted like those of x: 127 - 32 in the exponent, 6 mantissa bits.
constexpr int32_t kLowestBin = (127 - 32) << 6;
constexpr int32_t kMantissaShift = 23 - 6;

void ScanImpl(const float* x, int64_t n, ScanResult* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  float lo = x[0];
  float hi = x[0];
  int64_t bad = 0;
  int64_t i = 0;
  if (n >= 2 * lanes) {
    auto lo0 = hn::LoadU(d, x);
    auto hi0 = lo0;
    auto lo1 = lo0;
    auto hi1 = lo0;
    // The largest magnitude as an integer orders finite numbers below infinity below NaN.
    auto top = hn::Zero(di);
    const auto magnitude = hn::Set(di, 0x7fffffff);
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const auto a = hn::LoadU(d, x + i);
      const auto b = hn::LoadU(d, x + i + lanes);
      lo0 = hn::Min(lo0, a);
      hi0 = hn::Max(hi0, a);
      lo1 = hn::Min(lo1, b);
      hi1 = hn::Max(hi1, b);
      top = hn::Max(top, hn::And(hn::BitCast(di, a), magnitude));
      top = hn::Max(top, hn::And(hn::BitCast(di, b), magnitude));
    }
    lo = hn::GetLane(hn::MinOfLanes(d, hn::Min(lo0, lo1)));
    hi = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hi0, hi1)));
    if (hn::GetLane(hn::MaxOfLanes(di, top)) >= 0x7f800000) bad = 1;
  }
  for (; i < n; ++i) {
    lo = x[i] < lo ? x[i] : lo;
    hi = x[i] > hi ? x[i] : hi;
    if (!(x[i] - x[i] == 0)) bad = 1;
  }
  if (bad != 0) {  // rare: count exactly
    bad = 0;
    for (int64_t k = 0; k < n; ++k) bad += !(x[k] - x[k] == 0);
  }
  out->min = lo;
  out->max = hi;
  out->non_finite = bad;
}

int64_t SlotsImpl(const float* x, int64_t n, int32_t* slots) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto magnitude = hn::Set(di, 0x7fffffff);
  const auto base = hn::Set(di, kLowestBin - 1);
  const auto last = hn::Set(di, kSlotsPerSign - 1);
  const auto negative = hn::Set(di, kSlotsPerSign);
  int64_t zeros = 0;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::BitCast(di, hn::LoadU(d, x + i));
    const auto abs = hn::And(bits, magnitude);
    zeros += static_cast<int64_t>(hn::CountTrue(di, hn::Eq(abs, hn::Zero(di))));
    const auto bin = hn::Sub(hn::ShiftRight<kMantissaShift>(abs), base);
    const auto slot = hn::Min(hn::Max(bin, hn::Zero(di)), last);
    const auto sign = hn::BroadcastSignBit(bits);
    hn::StoreU(hn::Add(slot, hn::And(sign, negative)), di, slots + i);
  }
  for (; i < n; ++i) {
    const hn::CappedTag<float, 1> d1;
    const hn::RebindToSigned<decltype(d1)> di1;
    const int32_t bits = hn::GetLane(hn::BitCast(di1, hn::LoadU(d1, x + i)));
    const int32_t abs = bits & 0x7fffffff;
    zeros += abs == 0;
    int32_t slot = (abs >> kMantissaShift) - (kLowestBin - 1);
    slot = slot < 0 ? 0 : slot;
    slot = slot > kSlotsPerSign - 1 ? kSlotsPerSign - 1 : slot;
    slots[i] = slot + (bits < 0 ? kSlotsPerSign : 0);
  }
  return zeros;
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

ScanResult ScanF32(Isa isa, const float* x, int64_t n) {
  ScanResult out{};
  ADZE_HWY_CALL(isa, ScanImpl)(x, n, &out);
  return out;
}

int64_t SlotsF32(Isa isa, const float* x, int64_t n, int32_t* slots) {
  return ADZE_HWY_CALL(isa, SlotsImpl)(x, n, slots);
}

}  // namespace adze
#endif
