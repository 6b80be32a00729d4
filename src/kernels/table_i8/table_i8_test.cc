#include "kernels/table_i8/table_i8.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/kernel_test_util.h"

namespace adze {
namespace {

TEST(TableI8, EveryRowLooksUpEveryByteAtEveryLength) {
  ForEachSupportedRow("table_i8", TableI8Rows(), [](const TableI8Row& row) {
    std::mt19937 rng(4);
    uint8_t table[256];
    for (int64_t n = 0; n < 300; ++n) {
      FillRandom(rng, 0, 255, table, 256);
      OddBuffer<uint8_t> x(n);
      OddBuffer<uint8_t> y(n);
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<uint8_t>(i * 37 + n);
      row.kernel(table, x.data(), n, y.data());
      ASSERT_TRUE(y.GuardsIntact());
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(y[i], table[x[i]]) << n << " " << i;
      row.kernel(table, y.data(), n, y.data());  // in place
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(y[i], table[table[x[i]]]) << n << " " << i;
    }
  });
}

}  // namespace
}  // namespace adze
