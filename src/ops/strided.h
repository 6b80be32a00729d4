// Copies between differently laid out tensors: what Transpose, Slice, Expand, Concat, Pad and their
// kin come down to.
#ifndef ADZE_OPS_STRIDED_H_
#define ADZE_OPS_STRIDED_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/op_def.h"

namespace adze {

// Output 0 gets the bytes of input 0, which has as many elements (Reshape and its kin); also in
// place.
Status EvalCopy(const EvalContext& ctx);

inline constexpr int kMaxStridedRank = 2 * kMaxRank;

// Row-major element strides of `dims`.
void DenseStrides(std::span<const int64_t> dims, int64_t* strides);

// A box of elements and how to walk through it in two tensors. Strides are in elements; the
// source's may be 0 (repeated) or negative (reversed), the destination's must make every element
// distinct.
struct StridedBox {
  int rank = 0;
  int64_t dims[kMaxStridedRank];
  int64_t dst_stride[kMaxStridedRank];
  int64_t src_stride[kMaxStridedRank];

  void Add(int64_t dim, int64_t dst, int64_t src) {
    dims[rank] = dim;
    dst_stride[rank] = dst;
    src_stride[rank] = src;
    ++rank;
  }
};
// Copies the box whose first elements are at `dst` and `src`; `element_bytes` is 1, 2, 4 or 8. The
// tensors do not overlap.
void CopyStrided(const StridedBox& box, size_t element_bytes, void* dst, const void* src);

// Visits [0, dims[0]) x ... in row-major order: fn(linear, index), where index points to the
// coordinates. rank <= kMaxRank; a rank of 0 is one visit.
template <typename Fn>
void ForEachIndex(std::span<const int64_t> dims, Fn&& fn) {
  int64_t index[kMaxRank] = {};
  const int64_t n = NumElements(dims);
  for (int64_t i = 0; i < n; ++i) {
    fn(i, static_cast<const int64_t*>(index));
    for (size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
}

// The dims of a tensor seen from one axis: outer * dim * inner elements; inner is the stride along
// the axis.
struct AxisView {
  int64_t outer = 1;
  int64_t dim = 1;
  int64_t inner = 1;

  AxisView(std::span<const int64_t> dims, int axis) {
    for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
      (i < axis ? outer : i == axis ? dim : inner) *= dims[static_cast<size_t>(i)];
    }
  }
};

}  // namespace adze

#endif  // ADZE_OPS_STRIDED_H_
