// Strided copies of dense tensors of any element size: Slice, Split, Transpose and Expand are all
// of this form.
#ifndef ADZE_KERNELS_SLICE_SLICE_H_
#define ADZE_KERNELS_SLICE_SLICE_H_

#include <cstdint>

namespace adze {

inline constexpr int kMaxCopyRank = 8;

// Step arguments of kSlice: output i along axis a is input starts[a] + i * steps[a]; the number of
// elements is the output's dim. Logical axes, concrete starts (not negative), steps != 0. One Slice
// per output of a Split.
struct SliceArgs {
  int64_t rank = 0;
  int64_t starts[kMaxCopyRank] = {};
  int64_t steps[kMaxCopyRank] = {};
};

// Step arguments of kTranspose: output axis i is input axis perm[i]; logical axes.
struct TransposeArgs {
  int32_t rank = 0;
  int32_t perm[kMaxCopyRank] = {};
};

// y is dense with `dims` in memory order; element (i0, i1, …) is x[sum i_a * strides[a]], strides
// in elements and possibly negative or zero.
struct StridedCopy {
  int32_t rank = 0;           // <= kMaxCopyRank
  int32_t element_bytes = 1;  // 1, 2, 4 or 8
  int64_t dims[kMaxCopyRank] = {};
  int64_t strides[kMaxCopyRank] = {};
};
// The same copy with axes of size 1 dropped and neighbours that walk memory as one axis merged;
// rank >= 1. Rows is the number of innermost runs: the unit of work of CopyStridedRows.
StridedCopy Coalesce(const StridedCopy& copy);
int64_t CopyRows(const StridedCopy& copy);
// Copies the runs [row_begin, row_end). `x` points at element (0, 0, …).
void CopyStridedRows(const StridedCopy& copy, const void* x, void* y, int64_t row_begin,
                     int64_t row_end);

}  // namespace adze

#endif  // ADZE_KERNELS_SLICE_SLICE_H_
