#include "kernels/finish_i8/finish_i8.h"

namespace adze {

#define ADZE_FINISH_I8(isa, name, function) void function(const FinishI8Block& block);
#include "kernels/finish_i8/finish_i8_list.inc"
#undef ADZE_FINISH_I8

namespace {

constexpr FinishI8Row kRows[] = {
#define ADZE_FINISH_I8(isa, name, function) {isa, name, function},
#include "kernels/finish_i8/finish_i8_list.inc"
#undef ADZE_FINISH_I8
};

}  // namespace

std::span<const FinishI8Row> FinishI8Rows() { return kRows; }

const FinishI8Row& FindFinishI8(Isa isa) {
  const FinishI8Row* best = &kRows[0];
  for (const FinishI8Row& row : kRows) {
    if (row.isa <= isa) best = &row;
  }
  return *best;
}

}  // namespace adze
