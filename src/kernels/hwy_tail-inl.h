// Loads and stores of the first n lanes of a vector, for the ends of rows. Include after kernels/hwy_dispatch.h.
#if defined(ADZE_KERNELS_HWY_TAIL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ADZE_KERNELS_HWY_TAIL_INL_H_
#undef ADZE_KERNELS_HWY_TAIL_INL_H_
#else
#define ADZE_KERNELS_HWY_TAIL_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// AVX masks neither read nor write the lanes they exclude; elsewhere the lanes go through memory of our own.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#define ADZE_NATIVE_TAILS 1
#else
#define ADZE_NATIVE_TAILS 0
#endif

// Lanes [0, n) from p, the others zero; n <= Lanes(d). Reads nothing else.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadTail(D d, const T* p, int64_t n) {
#if ADZE_NATIVE_TAILS
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  T lanes[hn::MaxLanes(d)] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::LoadU(d, lanes);
#endif
}

// Lanes [0, n) to p; n <= Lanes(d). Writes nothing else.
template <class D, typename T>
HWY_INLINE void StoreTail(hn::Vec<D> v, D d, T* p, int64_t n) {
#if ADZE_NATIVE_TAILS
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  T lanes[hn::MaxLanes(d)];
  hn::StoreU(v, d, lanes);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}
#undef ADZE_NATIVE_TAILS

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#endif  // toggle
