// Float element-wise functions of one or two tensors, with broadcasting.
#ifndef ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_
#define ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Values are stable: they are stored in plans. Errors are against the exact value, in units in the
// last place of the result ("exact": correctly rounded or no rounding at all).
enum class EltwiseOp : int32_t {
  // Unary.
  kIdentity = 0,
  kRelu = 1,         // max(x, 0)
  kClip = 2,         // min(max(x, lo), hi)
  kSigmoid = 3,      // 1 / (1 + exp(-x)); 4 ulp
  kTanh = 4,         // 4 ulp
  kHardSigmoid = 5,  // clamp(alpha * x + beta, 0, 1)
  kHardSwish = 6,    // x * clamp(x * (1/6) + 0.5, 0, 1)
  kSilu = 7,         // x * sigmoid(x); 4 ulp, or 2^-142 if that is more
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
  kRound = 21,  // ties to even
  // Binary.
  kAdd = 64,
  kSub = 65,
  kMul = 66,
  kDiv = 67,
  kMax = 68,
  kMin = 69,
  kPow = 70,    // 1 ulp
  kPRelu = 71,  // a >= 0 ? a : a * b
  kGate = 72,   // a where lo < b < hi (alpha != 0: lo <= b <= hi), else 0
};
// NaN in gives NaN out, everywhere but in kGate's b: 0.
constexpr bool IsBinary(EltwiseOp op) { return static_cast<int32_t>(op) >= 64; }
bool IsKnownEltwiseOp(EltwiseOp op);

// Step arguments of kElementwiseF32.
struct EltwiseArgs {
  EltwiseOp op = EltwiseOp::kIdentity;
  float alpha = 0, beta = 0;  // kHardSigmoid (0.2, 0.5 in ONNX), kLeakyRelu (0.01), kElu (1)
  float lo = 0, hi = 0;       // kClip, kGate; -inf and inf for no bound
};

// y[i] = f(x[i]), i < n. y may be x.
void EltwiseUnaryF32(Isa isa, const EltwiseArgs& args, const float* x, float* y, int64_t n);

// A binary operation with broadcasting. y is dense with `dims` in memory order; element (i0, i1, …)
// reads a[sum i_k * a_strides[k]] and b likewise; strides in elements, 0 where an operand is
// broadcast.
inline constexpr int kMaxEltwiseRank = 8;
struct EltwiseShape {
  int32_t rank = 0;
  int64_t dims[kMaxEltwiseRank] = {};
  int64_t a_strides[kMaxEltwiseRank] = {};
  int64_t b_strides[kMaxEltwiseRank] = {};
};
// The same operation with axes of size 1 dropped and neighbours that both operands walk as one axis
// merged; rank >= 1.
EltwiseShape Coalesce(const EltwiseShape& shape);
// Elements [begin, end) of y, counted in memory order. The shape must be coalesced. y may be a or b
// if that has y's order.
void EltwiseBinaryF32(Isa isa, const EltwiseArgs& args, const EltwiseShape& shape, const float* a,
                      const float* b, float* y, int64_t begin, int64_t end);

// The same element by element in double: the tests' oracle.
double EltwiseUnaryRef(const EltwiseArgs& args, float x);
double EltwiseBinaryRef(const EltwiseArgs& args, float a, float b);

}  // namespace adze

#endif  // ADZE_KERNELS_ELEMENTWISE_F32_ELEMENTWISE_F32_H_
