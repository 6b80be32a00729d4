// Float element-wise functions of one or two tensors, with broadcasting.
#ifndef ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_
#define ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Values are stable: they are stored in plans. Errors are against the exact value, in units in the last place of the
// result ("exact": correctly rounded or no rounding at all).
enum class EltwiseOp : int32_t {
  // Unary.
  kIdentity = 0,
  kRelu = 1,         // max(x, 0)
  kClip = 2,         // min(max(x, lo), hi)
  kSigmoid = 3,      // 1 / (1 + exp(-x)); 4 ulp
  kTanh = 4,         // 4 ulp
  kHardSigmoid = 5,  // clamp(alpha * x + beta, 0, 1)
  kHardSwish = 6,    // x * clamp(x * (1/6) + 0.5, 0, 1)
  kSilu = 7,         // x * sigmoid(x); 4 ulp
  kLeakyRelu = 8,    // x >= 0 ? x : alpha * x
  kElu = 9,          // x >= 0 ? x : alpha * (exp(x) - 1); 4 ulp
  kExp = 10,         // 2 ulp
  kLog = 11,         // 2 ulp
  kSqrt = 12,        // exact
  kNeg = 13,
  kAbs = 14,
  kReciprocal = 15,  // exact
  kErf = 16,         // 4 ulp
  kGelu = 17,        // x/2 * (1 + erf(x / sqrt 2)); error at most 4 ulp of max(|x|, |y|)
  kSoftplus = 18,    // log(1 + exp(x)); 4 ulp
  kFloor = 19,
  kCeil = 20,
  kRound = 21,       // ties to even
  // Binary.
  kAdd = 64,
  kSub = 65,
  kMul = 66,
  kDiv = 67,
  kMax = 68,
  kMin = 69,
  kPow = 70,         // 1 ulp
  kPRelu = 71,       // a >= 0 ? a : a * b
};
constexpr bool IsBinary(EltwiseOp op) { return static_cast<int32_t>(op) >= 64; }
bool IsKnownEltwiseOp(EltwiseOp op);

// Step arguments of kElementwiseF32.
struct EltwiseArgs {
  EltwiseOp op = EltwiseOp::kIdentity;
  float alpha = 0, beta = 0;  // kHardSigmoid (0.2, 0.5 in ONNX), kLeakyRelu (0.01), kElu (1)
  float lo = 0, hi = 0;       // kClip; -inf and inf for no bound
};

// y[i] = f(x[i]), i < n. y may be x.
void EltwiseUnaryF32(Isa isa, const EltwiseArgs& args, const float* x, float* y, int64_t n);

// How one row of a binary operation reads an operand.
enum class EltwiseRow : int32_t { kDense = 0, kScalar = 1 };
// y[i] = f(a[i or 0], b[i or 0]), i < n. y may be a dense a or b.
void EltwiseBinaryF32(Isa isa, const EltwiseArgs& args, const float* a, EltwiseRow a_row,
                      const float* b, EltwiseRow b_row, float* y, int64_t n);

// The same element by element: in double for the functions with a stated error, else in float. The tests' oracle.
double EltwiseUnaryRef(const EltwiseArgs& args, float x);
double EltwiseBinaryRef(const EltwiseArgs& args, float a, float b);

}  // namespace adze

#endif  // ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_
