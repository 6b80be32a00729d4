// Small helpers of the Highway kernels: ends of rows, unrolled loops, NaN-keeping minimum and
// maximum. Include after kernels/hwy_dispatch.h and <utility>.
#if defined(ADZE_KERNELS_HWY_UTIL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ADZE_KERNELS_HWY_UTIL_INL_H_
#undef ADZE_KERNELS_HWY_UTIL_INL_H_
#else
#define ADZE_KERNELS_HWY_UTIL_INL_H_
#endif

// On every lambda that Unroll calls: compiled for the target, and always inlined.
#undef ADZE_UNROLLED
#define ADZE_UNROLLED HWY_ATTR __attribute__((always_inline))

#undef ADZE_TARGET_IS_AVX
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#define ADZE_TARGET_IS_AVX 1
#else
#define ADZE_TARGET_IS_AVX 0
#endif

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename F, int... i>
HWY_INLINE void UnrollSequence(F&& f, std::integer_sequence<int, i...>) {
  (f(std::integral_constant<int, i>()), ...);
}
// f(0), f(1) … f(n - 1), the arguments being constants.
template <int n, typename F>
HWY_INLINE void Unroll(F&& f) {
  UnrollSequence(f, std::make_integer_sequence<int, n>());
}

// The larger (smaller) of two, NaN if b is NaN: the x86 instructions return their second operand
// then.
template <class V>
HWY_INLINE V MaxNan(V a, V b) {
#if ADZE_TARGET_IS_AVX
  return hn::Max(a, b);
#else
  return hn::IfThenElse(hn::Gt(a, b), a, b);
#endif
}
template <class V>
HWY_INLINE V MinNan(V a, V b) {
#if ADZE_TARGET_IS_AVX
  return hn::Min(a, b);
#else
  return hn::IfThenElse(hn::Lt(a, b), a, b);
#endif
}

// Tails: AVX masks neither read nor write the lanes they exclude; elsewhere the lanes go through
// memory of our own.

// Lanes [0, n) from p, the others zero; n <= Lanes(d). Reads nothing else.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadTail(D d, const T* p, int64_t n) {
#if ADZE_TARGET_IS_AVX
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
#if ADZE_TARGET_IS_AVX
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  T lanes[hn::MaxLanes(d)];
  hn::StoreU(v, d, lanes);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#endif  // toggle
