#include <algorithm>
#include <cmath>

#include "kernels/elementwise_f32/elementwise_f32.h"

namespace adze {

bool IsKnownEltwiseOp(EltwiseOp op) {
  return (op >= EltwiseOp::kIdentity && op <= EltwiseOp::kRound) ||
         (op >= EltwiseOp::kAdd && op <= EltwiseOp::kGate);
}

EltwiseShape Coalesce(const EltwiseShape& shape) {
  EltwiseShape out;
  out.rank = 1;
  out.dims[0] = 1;
  for (int i = 0; i < shape.rank; ++i) {
    if (shape.dims[i] == 1) continue;
    const int last = out.rank - 1;
    const bool merges = out.a_strides[last] == shape.a_strides[i] * shape.dims[i] &&
                        out.b_strides[last] == shape.b_strides[i] * shape.dims[i];
    if (out.dims[last] != 1 && !merges) ++out.rank;
    const int at = out.rank - 1;
    out.dims[at] = (out.dims[at] == 0 ? 1 : out.dims[at]) * shape.dims[i];
    out.a_strides[at] = shape.a_strides[i];
    out.b_strides[at] = shape.b_strides[i];
  }
  return out;
}

double EltwiseUnaryRef(const EltwiseArgs& args, float xf) {
  const double x = xf;
  if (std::isnan(x)) return x;
  switch (args.op) {
    case EltwiseOp::kIdentity:
      return x;
    case EltwiseOp::kRelu:
      return std::max(x, 0.0);
    case EltwiseOp::kClip:
      return std::min(std::max(x, double{args.lo}), double{args.hi});
    case EltwiseOp::kSigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case EltwiseOp::kTanh:
      return std::tanh(x);
    case EltwiseOp::kHardSigmoid:
      return std::min(std::max(double{args.alpha} * x + double{args.beta}, 0.0), 1.0);
    case EltwiseOp::kHardSwish:
      return x * std::min(std::max(x / 6.0 + 0.5, 0.0), 1.0);
    case EltwiseOp::kSilu:
      return x / (1.0 + std::exp(-x));
    case EltwiseOp::kLeakyRelu:
      return x >= 0 ? x : double{args.alpha} * x;
    case EltwiseOp::kElu:
      return x >= 0 ? x : double{args.alpha} * std::expm1(x);
    case EltwiseOp::kExp:
      return std::exp(x);
    case EltwiseOp::kLog:
      return std::log(x);
    case EltwiseOp::kSqrt:
      return std::sqrt(x);
    case EltwiseOp::kNeg:
      return -x;
    case EltwiseOp::kAbs:
      return std::fabs(x);
    case EltwiseOp::kReciprocal:
      return 1.0 / x;
    case EltwiseOp::kErf:
      return std::erf(x);
    case EltwiseOp::kGelu:
      return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
    case EltwiseOp::kSoftplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case EltwiseOp::kFloor:
      return std::floor(x);
    case EltwiseOp::kCeil:
      return std::ceil(x);
    case EltwiseOp::kRound:
      return std::nearbyint(x);
    default:
      return std::nan("");
  }
}

double EltwiseBinaryRef(const EltwiseArgs& args, float a, float b) {
  if (args.op == EltwiseOp::kGate) {
    const bool closed = args.alpha != 0 && (b == args.lo || b == args.hi);
    return (b > args.lo && b < args.hi) || closed ? a : 0;
  }
  if (args.op != EltwiseOp::kPow && (std::isnan(a) || std::isnan(b))) return std::nan("");
  switch (args.op) {
    case EltwiseOp::kAdd:
      return double{a} + b;
    case EltwiseOp::kSub:
      return double{a} - b;
    case EltwiseOp::kMul:
      return double{a} * b;
    case EltwiseOp::kDiv:
      return double{a} / b;
    case EltwiseOp::kMax:
      return std::max(a, b);
    case EltwiseOp::kMin:
      return std::min(a, b);
    case EltwiseOp::kPow:
      return std::pow(double{a}, double{b});
    case EltwiseOp::kPRelu:
      return a >= 0 ? double{a} : double{a} * b;
    default:
      return std::nan("");
  }
}

}  // namespace adze
