// Conversion between N, C, spatial… (kLogical) and N, spatial…, C (kChannelsLast): a matrix
// transpose per image.
#ifndef ADZE_KERNELS_LAYOUT_LAYOUT_H_
#define ADZE_KERNELS_LAYOUT_LAYOUT_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// y[c][r] = x[r][c] for rows r in [row_begin, row_end) of x[rows][cols]; y is [cols][rows]. x and y
// must not overlap.
void Transpose2D32(Isa isa, const uint32_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                   int64_t row_end, uint32_t* y);
void Transpose2D8(Isa isa, const uint8_t* x, int64_t rows, int64_t cols, int64_t row_begin,
                  int64_t row_end, uint8_t* y);

}  // namespace adze

#endif  // ADZE_KERNELS_LAYOUT_LAYOUT_H_
