// y[i] = table[x[i]]: every unary function of u8, and requantization to another scale. In place is
// fine.
#ifndef ADZE_KERNELS_TABLE_I8_TABLE_I8_H_
#define ADZE_KERNELS_TABLE_I8_TABLE_I8_H_

#include <cstdint>
#include <span>

#include "base/cpu.h"

namespace adze {

// Step weights of kTableI8: [0] 256 uint8 entries. No arguments.
using TableI8Kernel = void (*)(const uint8_t* table, const uint8_t* x, int64_t n, uint8_t* y);

// One kernel variant; table_i8_list.inc holds the rows.
struct TableI8Row {
  Isa isa;
  const char* name;
  TableI8Kernel kernel;
};
std::span<const TableI8Row> TableI8Rows();  // oldest first
TableI8Kernel FindTableI8(Isa isa);         // the newest that runs on `isa`

}  // namespace adze

#endif  // ADZE_KERNELS_TABLE_I8_TABLE_I8_H_
