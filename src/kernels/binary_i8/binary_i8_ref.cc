// The definitions, and the portable variants made of them.
#include "kernels/binary_i8/binary_i8.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

uint8_t Store(float v, const BinaryI8Args& args) {
  return static_cast<uint8_t>(
      RoundSaturate(v, args.act_min - args.y_zero_point, args.act_max - args.y_zero_point) +
      args.y_zero_point);
}

template <typename Op>
void Run(const BinaryI8Block& block, Op op) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const uint8_t* const a = block.a + row * block.a_stride;
    const uint8_t* const b = block.b + row * block.b_stride;
    uint8_t* const y = block.y + row * block.cols;
    for (int64_t i = 0; i < block.cols; ++i)
      y[i] = op(*block.args, a[i], b[block.b_scalar ? 0 : i]);
  }
}

}  // namespace

uint8_t AddI8Ref(const BinaryI8Args& args, uint8_t a, uint8_t b) {
  const float left = static_cast<float>(a - args.a_zero_point) * args.a_multiplier;
  const float right = static_cast<float>(b - args.b_zero_point) * args.b_multiplier;
  return Store(left + right, args);
}

uint8_t MulI8Ref(const BinaryI8Args& args, uint8_t a, uint8_t b) {
  const int32_t product = (a - args.a_zero_point) * (b - args.b_zero_point);
  return Store(static_cast<float>(product) * args.a_multiplier, args);
}

void AddI8Generic(const BinaryI8Block& block) { Run(block, AddI8Ref); }
void MulI8Generic(const BinaryI8Block& block) { Run(block, MulI8Ref); }

}  // namespace adze
