// Unrolled loops with constant indices, so that arrays of vectors stay in registers. Include after
// kernels/hwy_dispatch.h and <utility>.
//
//   Unroll<4>([&](auto i) ADZE_UNROLLED { acc[i] = hn::Zero(d); });
#if defined(ADZE_KERNELS_HWY_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ADZE_KERNELS_HWY_UNROLL_INL_H_
#undef ADZE_KERNELS_HWY_UNROLL_INL_H_
#else
#define ADZE_KERNELS_HWY_UNROLL_INL_H_
#endif

// On every lambda that Unroll calls: compiled for the target, and always inlined.
#undef ADZE_UNROLLED
#define ADZE_UNROLLED HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {

template <typename F, int... i>
HWY_INLINE void UnrollSequence(F&& f, std::integer_sequence<int, i...>) {
  (f(std::integral_constant<int, i>()), ...);
}
// f(0), f(1) … f(n - 1), the arguments being constants.
template <int n, typename F>
HWY_INLINE void Unroll(F&& f) {
  UnrollSequence(f, std::make_integer_sequence<int, n>());
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#endif  // toggle
