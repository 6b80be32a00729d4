#include "kernels/slice/slice.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace adze {
namespace {

// Against direct indexing, for every element size, coalesced or not, cut anywhere.
void Check(StridedCopy copy, int64_t offset, int64_t x_size) {
  for (int32_t element : {1, 2, 4, 8}) {
    copy.element_bytes = element;
    std::vector<uint8_t> x(static_cast<size_t>(x_size * element));
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i * 37 + 11);
    int64_t n = 1;
    for (int i = 0; i < copy.rank; ++i) n *= copy.dims[i];
    std::vector<uint8_t> want(static_cast<size_t>(n * element));
    for (int64_t i = 0; i < n; ++i) {
      int64_t rest = i;
      int64_t at = offset;
      for (int k = copy.rank - 1; k >= 0; --k) {
        at += rest % copy.dims[k] * copy.strides[k];
        rest /= copy.dims[k];
      }
      std::memcpy(&want[static_cast<size_t>(i * element)], &x[static_cast<size_t>(at * element)],
                  static_cast<size_t>(element));
    }
    for (const StridedCopy& c : {copy, Coalesce(copy)}) {
      std::vector<uint8_t> y(want.size());
      const int64_t rows = CopyRows(c);
      const uint8_t* const first = x.data() + offset * element;
      CopyStridedRows(c, first, y.data(), rows / 2, rows);
      CopyStridedRows(c, first, y.data(), 0, rows / 2);
      EXPECT_EQ(y, want) << "element " << element;
    }
  }
}

TEST(Slice, CopiesAnyStrides) {
  Check({3, 1, {2, 3, 4}, {12, 4, 1}}, 0, 24);   // a plain copy
  Check({3, 1, {4, 2, 3}, {1, 12, 4}}, 0, 24);   // a permutation
  Check({3, 1, {2, 2, 2}, {12, -4, 2}}, 9, 24);  // a slice with steps 1, -1 and 2
  Check({2, 1, {5, 3}, {0, 1}}, 2, 6);           // a broadcast
  Check({4, 1, {1, 3, 1, 7}, {99, 7, 5, 1}}, 0, 21);
}

TEST(Slice, CoalesceMerges) {
  EXPECT_EQ(Coalesce({3, 1, {2, 3, 4}, {12, 4, 1}}).rank, 1);
  EXPECT_EQ(Coalesce({3, 1, {2, 3, 4}, {24, 4, 1}}).rank, 2);
  EXPECT_EQ(Coalesce({0, 1, {}, {}}).rank, 1);
}

}  // namespace
}  // namespace adze
