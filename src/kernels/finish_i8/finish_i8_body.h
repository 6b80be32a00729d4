// The body of finish_i8, compiled once per ISA: one float operation after another, none contracted,
// so that every ISA gives the same bits. docs/design/numerics.md is normative.
#ifndef ADZE_KERNELS_FINISH_I8_FINISH_I8_BODY_H_
#define ADZE_KERNELS_FINISH_I8_FINISH_I8_BODY_H_

#include "kernels/finish_i8/finish_i8_block.h"
#include "kernels/simd_i8.h"

namespace adze {
namespace {

// exp(x) for |x| <= 80, within 2 units in the last place: x = n ln 2 + r with ln 2 in two parts
// (Cody and Waite), and the polynomial of the Cephes library for exp(r).
inline F32 Exp(F32 x) {
  const I32 n = RoundToInt(Mul(x, Set(1.44269504f)));
  const F32 k = ToFloat(n);
  const F32 r = Add(Add(x, Mul(k, Set(-0.693359375f))), Mul(k, Set(2.12194440e-4f)));
  F32 p = Set(1.9875691500e-4f);
  constexpr float kCoefficients[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                                     1.6666665459e-1f, 5.0000001201e-1f};
#pragma GCC unroll 5
  for (const float c : kCoefficients) {
    p = Add(Mul(p, r), Set(c));
  }
  return MulPower2(Add(Add(Mul(Mul(p, r), r), r), Set(1.0f)), n);
}

// 1 + exp(-x), x bounded to +-80: what the quotients below lose there is less than 1e-33.
inline F32 OnePlusExpMinus(F32 x) {
  const F32 bounded = Min(Max(x, Set(-80.0f)), Set(80.0f));
  return Add(Exp(Mul(bounded, Set(-1.0f))), Set(1.0f));
}

inline F32 HardGate(F32 x, F32 alpha, F32 beta) {
  return Max(Min(Add(Mul(x, alpha), beta), Set(1.0f)), Set(0.0f));
}

template <typename Fn>
void FinishRows(const FinishI8Block& b, const Fn& f) {
  const ConvI8Args args = *b.args;
  const Requantizer requantizer = MakeRequantizer(args.y_zero_point, args.act_min, args.act_max);
  const F32 scale = Set(args.y_scale);
  const auto store = [&](const float* x, const float* factor, uint8_t* y) {
    F32 v = f(LoadF32(x));
    if (factor != nullptr) v = Mul(v, LoadF32(factor));
    StoreU8(Requantize(Div(v, scale), requantizer), y);
  };
  // Without factors dense rows are one.
  const bool flat = b.factor == nullptr && b.y_stride == b.channels;
  const int64_t rows = flat ? 1 : b.rows;
  const int64_t n = flat ? b.rows * b.channels : b.channels;
  for (int64_t r = 0; r < rows; ++r) {
    const float* const x = b.x + r * n;
    uint8_t* const y = b.y + r * b.y_stride;
    int64_t c = 0;
    for (; c + kLanes <= n; c += kLanes) {
      store(x + c, b.factor == nullptr ? nullptr : b.factor + c, y + c);
    }
    if (c == n) continue;
    float tail_x[kLanes] = {};
    float tail_factor[kLanes] = {};
    uint8_t tail_y[kLanes];
    for (int64_t k = c; k < n; ++k) {
      tail_x[k - c] = x[k];
      if (b.factor != nullptr) tail_factor[k - c] = b.factor[k];
    }
    store(tail_x, b.factor == nullptr ? nullptr : tail_factor, tail_y);
    for (int64_t k = c; k < n; ++k) y[k] = tail_y[k - c];
  }
}

inline void FinishI8(const FinishI8Block& b) {
  const F32 alpha = Set(b.args->act_alpha);
  const F32 beta = Set(b.args->act_beta);
  const F32 one = Set(1.0f);
  switch (b.args->activation) {
    case FusedActivation::kNone:
      return FinishRows(b, [](F32 x) { return x; });
    case FusedActivation::kLeakyRelu:
      return FinishRows(
          b, [=](F32 x) { return Add(Max(x, Set(0.0f)), Mul(Min(x, Set(0.0f)), alpha)); });
    case FusedActivation::kHardSigmoid:
      return FinishRows(b, [=](F32 x) { return HardGate(x, alpha, beta); });
    case FusedActivation::kHardSwish:
      return FinishRows(b, [=](F32 x) { return Mul(x, HardGate(x, alpha, beta)); });
    case FusedActivation::kSigmoid:
      return FinishRows(b, [=](F32 x) { return Div(one, OnePlusExpMinus(x)); });
    case FusedActivation::kSilu:
      return FinishRows(b, [](F32 x) { return Div(Max(x, Set(-80.0f)), OnePlusExpMinus(x)); });
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_FINISH_I8_FINISH_I8_BODY_H_
