// Highway under our own ISA switch. An x_hwy.cc is compiled once per target; which of the compiled
// versions runs is decided by the Isa of the plan (ADZE_ISA), never by Highway's own CPU detection,
// so results are reproducible for one ISA setting on every machine that has it.
//
//   Isa          Highway target                                       float lanes
//   kGeneric     the compiler's baseline (x86-64: scalar; Arm: NEON)   1 / 4
//   kAvx2        HWY_AVX2 with FMA                                      8
//   kAvx512Vnni  HWY_AVX3 (AVX-512 F, BW, DQ, VL)                       16
//
// How to write x_hwy.cc:
//
//   #include "kernels/x/x.h"
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "kernels/x/x_hwy.cc"
//   #include "kernels/hwy_dispatch.h"    // instead of hwy/foreach_target.h and hwy/highway.h
//   HWY_BEFORE_NAMESPACE();
//   namespace adze { namespace HWY_NAMESPACE { void DoImpl(…) { … } } }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace adze { void Do(Isa isa, …) { ADZE_HWY_CALL(isa, DoImpl)(…); } }
//   #endif
//
// Everything inside HWY_NAMESPACE is compiled with that target's instructions: standard headers
// must be included above, or a shared inline function would be emitted with instructions that an
// older CPU lacks.

// Only these targets are built; none needs AES, PCLMUL or F16C. EMU128 would make the baseline
// depend on the compiler.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_DISABLE_PCLMUL_AES
#define HWY_DISABLE_F16C
#define HWY_BROKEN_EMU128 1
#endif

// The order matters to Highway.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
// clang-format on

#ifndef ADZE_KERNELS_HWY_DISPATCH_H_
#define ADZE_KERNELS_HWY_DISPATCH_H_

#include "base/cpu.h"

// The function pointer of `func` for an Isa. Use under #if HWY_ONCE, in the namespace around
// HWY_NAMESPACE.
#if (HWY_TARGETS & HWY_AVX2) && (HWY_TARGETS & HWY_AVX3) && !HWY_IDE
#define ADZE_HWY_CALL(isa, func)                     \
  ((isa) >= ::adze::Isa::kAvx512Vnni ? &N_AVX3::func \
   : (isa) >= ::adze::Isa::kAvx2     ? &N_AVX2::func \
                                     : &HWY_STATIC_DISPATCH(func))
#else
#define ADZE_HWY_CALL(isa, func) ((void)(isa), &HWY_STATIC_DISPATCH(func))
#endif

#endif  // ADZE_KERNELS_HWY_DISPATCH_H_
