#include "kernels/layout/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace adze {
namespace {

template <typename T, typename F>
void Check(const F& transpose) {
  for (Isa isa : SupportedIsas()) {
    for (int64_t rows : {1, 3, 4, 7, 8, 16, 17, 40}) {
      for (int64_t cols : {1, 2, 4, 9, 16, 37, 64}) {
        for (int64_t band : {int64_t{16}, rows}) {
          std::vector<T> x(static_cast<size_t>(rows * cols) + 1);
          for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 2654435761u);
          std::vector<T> y(x.size());
          for (int64_t r = 0; r < rows; r += band) {
            transpose(isa, x.data() + 1, rows, cols, r, std::min(rows, r + band), y.data() + 1);
          }
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < cols; ++c) {
              ASSERT_EQ(y[static_cast<size_t>(1 + c * rows + r)],
                        x[static_cast<size_t>(1 + r * cols + c)])
                  << IsaName(isa) << " " << rows << "x" << cols;
            }
          }
        }
      }
    }
  }
}

TEST(Layout, Transposes32) { Check<uint32_t>(Transpose2D32); }
TEST(Layout, Transposes8) { Check<uint8_t>(Transpose2D8); }

}  // namespace
}  // namespace adze
