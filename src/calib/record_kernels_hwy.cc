#include "calib/record_kernels.h"
#include "calib/records.h"

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

int64_t NonZeroSlotsImpl(const float* x, int64_t n, int32_t* slots) {
  constexpr int32_t kLast = HistRecord::kSlotsPerSign - 1;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto magnitude = hn::Set(di, 0x7fffffff);
  const auto base = hn::Set(di, kLowestBin - 1);
  const auto last = hn::Set(di, kLast);
  const auto negative = hn::Set(di, HistRecord::kSlotsPerSign);
#if HWY_TARGET != HWY_AVX3
  int32_t lane_slots[hn::MaxLanes(d)];
#endif
  int64_t count = 0;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::BitCast(di, hn::LoadU(d, x + i));
    const auto abs = hn::And(bits, magnitude);
    const auto bin = hn::Sub(hn::ShiftRight<kMantissaShift>(abs), base);
    const auto slot = hn::Min(hn::Max(bin, hn::Zero(di)), last);
    const auto signed_slot = hn::Add(slot, hn::And(hn::BroadcastSignBit(bits), negative));
    // Zeros are dropped: there are many, and each increment would wait for the last one's store.
#if HWY_TARGET == HWY_AVX3
    const auto keep = hn::Ne(abs, hn::Zero(di));
    hn::StoreU(hn::Compress(signed_slot, keep), di, slots + count);
    count += static_cast<int64_t>(hn::CountTrue(di, keep));
#else
    hn::StoreU(signed_slot, di, lane_slots);
    for (int64_t k = 0; k < lanes; ++k) {
      slots[count] = lane_slots[k];
      count += x[i + k] != 0;
    }
#endif
  }
  for (; i < n; ++i) {
    const hn::CappedTag<float, 1> d1;
    const hn::RebindToSigned<decltype(d1)> di1;
    const int32_t bits = hn::GetLane(hn::BitCast(di1, hn::LoadU(d1, x + i)));
    const int32_t abs = bits & 0x7fffffff;
    if (abs == 0) continue;
    int32_t slot = (abs >> kMantissaShift) - (kLowestBin - 1);
    slot = slot < 0 ? 0 : slot;
    slot = slot > kLast ? kLast : slot;
    slots[count++] = slot + (bits < 0 ? HistRecord::kSlotsPerSign : 0);
  }
  return count;
}

// kVectors neighbouring vectors of columns.
template <int kVectors, class DD>
HWY_INLINE void ScanColumnTile(DD dd, const float* x, int64_t rows, int64_t stride,
                               const ColumnSums& s) {
  const hn::Rebind<float, DD> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(dd));
  hn::Vec<decltype(d)> lo[kVectors];
  hn::Vec<decltype(d)> hi[kVectors];
  hn::Vec<DD> sum[kVectors];
  hn::Vec<DD> squares[kVectors];
  for (int k = 0; k < kVectors; ++k) {
    lo[k] = hn::LoadU(d, s.min + k * lanes);
    hi[k] = hn::LoadU(d, s.max + k * lanes);
    sum[k] = hn::LoadU(dd, s.sum + k * lanes);
    squares[k] = hn::LoadU(dd, s.squares + k * lanes);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int k = 0; k < kVectors; ++k) {
      const auto v = hn::LoadU(d, x + r * stride + k * lanes);
      lo[k] = hn::Min(lo[k], v);
      hi[k] = hn::Max(hi[k], v);
      const auto wide = hn::PromoteTo(dd, v);
      sum[k] = hn::Add(sum[k], wide);
      squares[k] = hn::Add(squares[k], hn::Mul(wide, wide));  // exact products: as with an FMA
    }
  }
  for (int k = 0; k < kVectors; ++k) {
    hn::StoreU(lo[k], d, s.min + k * lanes);
    hn::StoreU(hi[k], d, s.max + k * lanes);
    hn::StoreU(sum[k], dd, s.sum + k * lanes);
    hn::StoreU(squares[k], dd, s.squares + k * lanes);
  }
}

void ScanColumnsImpl(const float* x, int64_t rows, int64_t stride, int64_t channels,
                     const ColumnSums& sums) {
  const hn::ScalableTag<double> dd;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(dd));
  const auto at = [&](int64_t c) {
    return ColumnSums{sums.min + c, sums.max + c, sums.sum + c, sums.squares + c};
  };
  int64_t c = 0;
  for (; c + 2 * lanes <= channels; c += 2 * lanes) {
    ScanColumnTile<2>(dd, x + c, rows, stride, at(c));
  }
  for (; c + lanes <= channels; c += lanes) ScanColumnTile<1>(dd, x + c, rows, stride, at(c));
  const hn::CappedTag<double, 1> one;
  for (; c < channels; ++c) ScanColumnTile<1>(one, x + c, rows, stride, at(c));
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

int64_t NonZeroSlotsF32(Isa isa, const float* x, int64_t n, int32_t* slots) {
  return ADZE_HWY_CALL(isa, NonZeroSlotsImpl)(x, n, slots);
}

void ScanColumnsF32(Isa isa, const float* x, int64_t rows, int64_t stride, int64_t channels,
                    const ColumnSums& sums) {
  ADZE_HWY_CALL(isa, ScanColumnsImpl)(x, rows, stride, channels, sums);
}

}  // namespace adze
#endif
