// Concatenation along one axis of dense tensors, any element size: interleaved copies of contiguous
// runs.
#ifndef ADZE_KERNELS_CONCAT_CONCAT_H_
#define ADZE_KERNELS_CONCAT_CONCAT_H_

#include <cstdint>

namespace adze {

// Step arguments of kConcat.
struct ConcatArgs {
  int32_t axis = 0;  // logical, in [0, rank)
};

// One input: x[outer][bytes] copied to y[outer][offset .. offset + bytes] of rows of y_row_bytes;
// outer in [begin, end).
void CopyRuns(const void* x, int64_t bytes, void* y, int64_t y_row_bytes, int64_t offset,
              int64_t begin, int64_t end);

}  // namespace adze

#endif  // ADZE_KERNELS_CONCAT_CONCAT_H_
