#include "kernels/binary_i8/binary_i8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/kernel_test_util.h"

namespace adze {
namespace {

void Compare(const BinaryI8Row& row, const BinaryI8Args& args, int64_t rows, int64_t cols,
             bool shared_b, bool b_scalar, std::mt19937& rng) {
  SCOPED_TRACE(testing::Message() << rows << "x" << cols << " " << shared_b << b_scalar);
  const int64_t b_cols = b_scalar ? 1 : cols;
  OddBuffer<uint8_t> a(rows * cols);
  OddBuffer<uint8_t> b(shared_b ? b_cols : rows * b_cols);
  OddBuffer<uint8_t> y(rows * cols);
  FillRandom(rng, 0, 255, a.data(), a.size());
  FillRandom(rng, 0, 255, b.data(), b.size());
  const BinaryI8Block block = {
      &args, a.data(), b.data(), y.data(), rows, cols, cols, shared_b ? 0 : b_cols, b_scalar};
  for (const bool add : {true, false}) {
    (add ? row.add : row.mul)(block);
    ASSERT_TRUE(y.GuardsIntact());
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < cols; ++i) {
        const uint8_t left = a[r * cols + i];
        const uint8_t right = b[r * block.b_stride + (b_scalar ? 0 : i)];
        const uint8_t expected = add ? AddI8Ref(args, left, right) : MulI8Ref(args, left, right);
        ASSERT_EQ(y[r * cols + i], expected) << add << " " << +left << " " << +right;
      }
    }
  }
}

TEST(BinaryI8, EveryRowGivesTheReferenceBits) {
  ForEachSupportedRow("binary_i8", BinaryI8Rows(), [](const BinaryI8Row& row) {
    std::mt19937 rng(3);
    BinaryI8Args args;
    for (int64_t cols = 0; cols < 70; ++cols) {
      args.a_zero_point = rng() % 256;
      args.b_zero_point = rng() % 256;
      args.y_zero_point = rng() % 256;
      args.act_min = rng() % 60;
      args.act_max = 255 - rng() % 60;
      args.a_multiplier = 0.1f + static_cast<float>(rng() % 1000) / 900.0f;
      args.b_multiplier = 0.1f + static_cast<float>(rng() % 1000) / 900.0f;
      Compare(row, args, 3, cols, false, false, rng);
      Compare(row, args, 3, cols, true, false, rng);
      if (cols > 0) Compare(row, args, 3, cols, false, true, rng);
    }
    for (float m : {1e-30f, 1e7f, 3e38f, -3e38f, 0.0f}) {  // sums that leave int32
      args.a_multiplier = m;
      Compare(row, args, 1, 256, false, false, rng);
    }
  });
}

// All pairs of bytes, with multipliers that give ties.
TEST(BinaryI8, AllPairs) {
  ForEachSupportedRow("binary_i8", BinaryI8Rows(), [](const BinaryI8Row& row) {
    BinaryI8Args args;
    args.a_zero_point = 128;
    args.b_zero_point = 3;
    args.y_zero_point = 128;
    args.a_multiplier = args.b_multiplier = 0.5f;
    uint8_t a[256];
    uint8_t y[256];
    for (int i = 0; i < 256; ++i) a[i] = static_cast<uint8_t>(i);
    for (int v = 0; v < 256; ++v) {
      const uint8_t b = static_cast<uint8_t>(v);
      row.add({&args, a, &b, y, 1, 256, 256, 1, true});
      for (int i = 0; i < 256; ++i) ASSERT_EQ(y[i], AddI8Ref(args, a[i], b)) << i << " " << v;
      row.mul({&args, a, &b, y, 1, 256, 256, 1, true});
      for (int i = 0; i < 256; ++i) ASSERT_EQ(y[i], MulI8Ref(args, a[i], b)) << i << " " << v;
    }
  });
}

TEST(BinaryI8, ReferenceRoundsTiesToEven) {
  BinaryI8Args args;
  args.a_multiplier = 0.5f;
  args.b_multiplier = 0.5f;
  EXPECT_EQ(AddI8Ref(args, 1, 0), 0);
  EXPECT_EQ(AddI8Ref(args, 3, 0), 2);
  EXPECT_EQ(AddI8Ref(args, 2, 3), 2);
  EXPECT_EQ(MulI8Ref(args, 5, 1), 2);
  EXPECT_EQ(MulI8Ref(args, 7, 1), 4);
}

TEST(BinaryI8, RefusesArgumentsOutOfRange) {
  BinaryI8Args args;
  EXPECT_TRUE(CheckBinaryI8Args(args).ok());
  args.b_zero_point = -1;
  EXPECT_EQ(CheckBinaryI8Args(args).message(), "zero points must be in [0, 255]");
  args = {};
  args.act_min = 200;
  args.act_max = 100;
  EXPECT_EQ(CheckBinaryI8Args(args).message(),
            "clamp bounds [200, 100] are not an ordered pair of u8 values");
  args = {};
  args.a_multiplier = NAN;
  EXPECT_EQ(CheckBinaryI8Args(args).message(), "multipliers must be finite");
}

}  // namespace
}  // namespace adze
