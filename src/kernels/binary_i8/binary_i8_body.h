// The vector body of binary_i8, compiled once per ISA.
#ifndef ADZE_KERNELS_BINARY_I8_BINARY_I8_BODY_H_
#define ADZE_KERNELS_BINARY_I8_BINARY_I8_BODY_H_

#include "kernels/binary_i8/binary_i8_args.h"
#include "kernels/simd_i8.h"

namespace adze {
namespace {

struct AddOp {
  I32 a_zero_point, b_zero_point;
  F32 a_multiplier, b_multiplier;
  Requantizer requantizer;
  explicit AddOp(const BinaryI8Args& args)
      : a_zero_point(Set(args.a_zero_point)),
        b_zero_point(Set(args.b_zero_point)),
        a_multiplier(Set(args.a_multiplier)),
        b_multiplier(Set(args.b_multiplier)),
        requantizer(MakeRequantizer(args.y_zero_point, args.act_min, args.act_max)) {}
  I32 operator()(I32 a, I32 b) const {
    return Requantize(Add(Mul(ToFloat(Sub(a, a_zero_point)), a_multiplier),
                          Mul(ToFloat(Sub(b, b_zero_point)), b_multiplier)),
                      requantizer);
  }
};

struct MulOp {
  I32 a_zero_point, b_zero_point;
  F32 multiplier;
  Requantizer requantizer;
  explicit MulOp(const BinaryI8Args& args)
      : a_zero_point(Set(args.a_zero_point)),
        b_zero_point(Set(args.b_zero_point)),
        multiplier(Set(args.a_multiplier)),
        requantizer(MakeRequantizer(args.y_zero_point, args.act_min, args.act_max)) {}
  I32 operator()(I32 a, I32 b) const {
    // |difference| <= 255: the products are exact in float too, and a float product is cheaper than
    // vpmulld.
    return Requantize(
        Mul(Mul(ToFloat(Sub(a, a_zero_point)), ToFloat(Sub(b, b_zero_point))), multiplier),
        requantizer);
  }
};

template <typename Op>
void RunBinary(const BinaryI8Block& block) {
  const Op op(*block.args);
  const uint8_t* a = block.a;
  const uint8_t* b = block.b;
  uint8_t* y = block.y;
  for (int64_t row = 0; row < block.rows; ++row) {
    const I32 scalar = Set(static_cast<int32_t>(b[0]));
    int64_t i = 0;
    for (; i + kLanes <= block.cols; i += kLanes) {
      StoreU8(op(LoadU8(a + i), block.b_scalar ? scalar : LoadU8(b + i)), y + i);
    }
    if (i < block.cols) {
      uint8_t tail_a[kLanes] = {};
      uint8_t tail_b[kLanes] = {};
      for (int64_t k = i; k < block.cols; ++k) {
        tail_a[k - i] = a[k];
        tail_b[k - i] = block.b_scalar ? b[0] : b[k];
      }
      StoreU8(op(LoadU8(tail_a), LoadU8(tail_b)), tail_a);
      for (int64_t k = i; k < block.cols; ++k) y[k] = tail_a[k - i];
    }
    a += block.a_stride;
    b += block.b_stride;
    y += block.cols;
  }
}

}  // namespace
}  // namespace adze

#endif  // ADZE_KERNELS_BINARY_I8_BINARY_I8_BODY_H_
