#include "kernels/binary_i8/binary_i8.h"

#include <cmath>
#include <string>

namespace adze {

#define ADZE_BINARY_I8(isa, name, add, mul) \
  void add(const BinaryI8Block& block);     \
  void mul(const BinaryI8Block& block);
#include "kernels/binary_i8/binary_i8_list.inc"
#undef ADZE_BINARY_I8

namespace {

constexpr BinaryI8Row kRows[] = {
#define ADZE_BINARY_I8(isa, name, add, mul) {isa, name, add, mul},
#include "kernels/binary_i8/binary_i8_list.inc"
#undef ADZE_BINARY_I8
};

}  // namespace

std::span<const BinaryI8Row> BinaryI8Rows() { return kRows; }

const BinaryI8Row& FindBinaryI8(Isa isa) {
  const BinaryI8Row* best = &kRows[0];
  for (const BinaryI8Row& row : kRows) {
    if (row.isa <= isa) best = &row;
  }
  return *best;
}

Status CheckBinaryI8Args(const BinaryI8Args& args) {
  const auto is_u8 = [](int32_t v) { return v >= 0 && v <= 255; };
  if (!is_u8(args.a_zero_point) || !is_u8(args.b_zero_point) || !is_u8(args.y_zero_point)) {
    return InvalidInput("zero points must be in [0, 255]");
  }
  if (!is_u8(args.act_min) || !is_u8(args.act_max) || args.act_min > args.act_max) {
    return InvalidInput("clamp bounds [" + std::to_string(args.act_min) + ", " +
                        std::to_string(args.act_max) + "] are not an ordered pair of u8 values");
  }
  if (!std::isfinite(args.a_multiplier) || !std::isfinite(args.b_multiplier)) {
    return InvalidInput("multipliers must be finite");
  }
  return OkStatus();
}

}  // namespace adze
