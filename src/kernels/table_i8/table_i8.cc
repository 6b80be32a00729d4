#include "kernels/table_i8/table_i8.h"

namespace adze {

#define ADZE_TABLE_I8(isa, function) \
  void function(const uint8_t* table, const uint8_t* x, int64_t n, uint8_t* y);
#include "kernels/table_i8/table_i8_list.inc"
#undef ADZE_TABLE_I8

namespace {

constexpr TableI8Row kRows[] = {
#define ADZE_TABLE_I8(isa, function) {isa, #function, function},
#include "kernels/table_i8/table_i8_list.inc"
#undef ADZE_TABLE_I8
};

}  // namespace

std::span<const TableI8Row> TableI8Rows() { return kRows; }

TableI8Kernel FindTableI8(Isa isa) {
  TableI8Kernel best = kRows[0].kernel;
  for (const TableI8Row& row : kRows) {
    if (row.isa <= isa) best = row.kernel;
  }
  return best;
}

}  // namespace adze
