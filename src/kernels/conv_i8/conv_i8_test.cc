#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv_i8_test_util.h"

namespace adze {
namespace {

std::vector<ConvI8Case> Cases() {
  std::vector<ConvI8Case> cases;
  // Pointwise: every tile width, channel tails on both sides of each panel size, reduction tails.
  for (int width = 1; width <= 30; ++width) {
    cases.push_back({SquareWindow(1, 1, 1, 0, 1 + width % 9, 31 + width % 5), 1, 1, width});
  }
  for (int out = 1; out <= 34; ++out) cases.push_back({SquareWindow(1, 1, 1, 0, 7, out), 1, 1, 15});
  cases.push_back({SquareWindow(1, 1, 1, 0, 64, 96), 2, 5, 7});
  cases.push_back({SquareWindow(1, 2, 1, 0, 24, 40), 2, 7, 9});
  cases.push_back({SquareWindow(1, 1, 1, 1, 5, 9), 1, 3, 4});       // padded pointwise
  cases.push_back({SquareWindow(1, 1, 1, 0, 100, 70), 1, 25, 30});  // several chunks
  // Windows: padding larger than usual, dilation, stride, stems, one-pixel and empty images.
  cases.push_back({SquareWindow(3, 1, 1, 1, 16, 32), 2, 8, 9});
  cases.push_back({SquareWindow(3, 2, 1, 1, 3, 32), 1, 17, 19});
  cases.push_back({SquareWindow(7, 2, 1, 3, 3, 20), 1, 23, 21});
  cases.push_back({SquareWindow(3, 1, 1, 1, 1, 16), 2, 10, 11});
  cases.push_back({SquareWindow(3, 1, 2, 2, 6, 17), 1, 9, 10});
  cases.push_back({SquareWindow(5, 3, 1, 4, 9, 33), 1, 11, 8});
  cases.push_back({SquareWindow(3, 1, 1, 0, 32, 64), 1, 12, 31});
  cases.push_back({SquareWindow(3, 1, 1, 1, 64, 48), 1, 1, 1});
  cases.push_back({SquareWindow(3, 1, 1, 1, 20, 35), 1, 6, 90});
  cases.push_back({SquareWindow(3, 1, 1, 0, 4, 4), 1, 2, 5});  // no output
  cases.push_back({SquareWindow(3, 1, 1, 1, 4, 4), 0, 2, 5});  // empty batch
  ConvWindow odd = SquareWindow(3, 1, 1, 0, 10, 12);
  odd.kernel_w = 5;
  odd.stride_w = 2;
  odd.dilation_h = 3;
  odd.pad_top = 2;
  odd.pad_right = 4;
  cases.push_back({odd, 2, 9, 13});
  odd.kernel_h = 1;
  cases.push_back({odd, 1, 1, 21});
  // Groups: merged and not, with a channel multiplier, with wide groups.
  cases.push_back({SquareWindow(3, 1, 1, 1, 12, 12, 12), 1, 6, 7});
  cases.push_back({SquareWindow(3, 1, 1, 1, 6, 12, 6), 1, 6, 7});
  cases.push_back({SquareWindow(3, 2, 1, 1, 32, 64, 8), 1, 9, 9});
  cases.push_back({SquareWindow(1, 1, 1, 0, 40, 20, 4), 1, 5, 5});
  cases.push_back({SquareWindow(3, 1, 1, 1, 80, 80, 2), 1, 6, 6});
  cases.push_back({SquareWindow(1, 1, 1, 0, 21, 99, 3), 1, 4, 4});
  return cases;
}

TEST(ConvI8, EveryRowGivesTheReferenceBits) {
  ForEachSupportedRow("conv_i8", ConvI8Rows(), [](const ConvI8Row& row) {
    std::mt19937 rng(1);
    for (const ConvI8Case& c : Cases()) {
      for (ConvI8Mode mode :
           {ConvI8Mode::kU8, ConvI8Mode::kF32, ConvI8Mode::kResidual, ConvI8Mode::kActivation}) {
        RunConvI8Case<ConvI8Functions>(row, c, mode, rng);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(ConvI8, ExtremeOperandsGiveTheReferenceBits) {
  ForEachSupportedRow("conv_i8", ConvI8Rows(), [](const ConvI8Row& row) {
    std::mt19937 rng(3);
    for (const ConvI8Case& c : {ConvI8Case{SquareWindow(1, 1, 1, 0, 67, 40), 1, 4, 9},
                                ConvI8Case{SquareWindow(1, 1, 1, 0, 512, 24), 1, 1, 7},
                                ConvI8Case{SquareWindow(3, 1, 1, 1, 19, 33), 1, 6, 7},
                                ConvI8Case{SquareWindow(3, 2, 1, 1, 3, 16), 1, 9, 11},
                                ConvI8Case{SquareWindow(3, 1, 1, 1, 12, 24, 6), 1, 5, 8}}) {
      for (int repeat = 0; repeat < 4; ++repeat) {
        RunExtremeConvI8Case<ConvI8Functions>(row, c, rng);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(ConvI8, SaturatesAsTheReferenceWhereFloatsLeaveInt32) {
  ForEachSupportedRow("conv_i8", ConvI8Rows(), [](const ConvI8Row& row) {
    std::mt19937 rng(2);
    const ConvI8Case c = {SquareWindow(3, 1, 1, 1, 8, 35), 1, 5, 6};
    for (float scale : {1e-30f, 1e6f, 1e30f, 3e38f, -1e6f, -3e38f, 0.0f}) {
      ConvI8Args args;
      args.window = c.window;
      args.y_zero_point = 100;
      args.act_min = 3;
      args.act_max = 250;
      CompareConvI8<ConvI8Functions, uint8_t>(row, c, args, rng, scale);
      args.has_residual = 1;
      args.t_multiplier = 1e30f;
      args.r_multiplier = -1e30f;
      CompareConvI8<ConvI8Functions, uint8_t>(row, c, args, rng, scale);
      args.has_residual = 0;
      args.output_f32 = 1;
      args.act_min_f = -std::numeric_limits<float>::infinity();
      args.act_max_f = std::numeric_limits<float>::infinity();
      CompareConvI8<ConvI8Functions, float>(row, c, args, rng, scale);
      args.act_min_f = 0;  // -0.0 in gives what the definition gives
      CompareConvI8<ConvI8Functions, float>(row, c, args, rng, scale);
    }
  });
}

// Accumulators that are exact multiples of 1/2 after the product: ties go to even.
TEST(ConvI8, RoundsTiesToEven) {
  ForEachSupportedRow("conv_i8", ConvI8Rows(), [](const ConvI8Row& row) {
    ConvI8Args args;
    args.window = SquareWindow(1, 1, 1, 0, 1, 1);
    args.y_zero_point = 10;
    const ConvSizes s = {1, 1, 8, 1, 8};
    const int8_t weight = 1;
    const float multiplier = 0.5f;
    OddBuffer<uint8_t> x(8);
    OddBuffer<uint8_t> y(8);
    for (int i = 0; i < 8; ++i) x[i] = static_cast<uint8_t>(i);
    args.x_zero_point = 4;
    const ConvI8PackedSize size = ConvI8Packed(args.window, row.packing);
    std::vector<uint8_t> packed(size.weight_bytes);
    std::vector<int32_t> offset(size.channels);
    std::vector<float> m(size.channels);
    ConvI8Pack(args.window, row.packing, args.x_zero_point, &weight, nullptr, &multiplier,
               packed.data(), offset.data(), m.data());
    const auto plan = MakeConvI8Plan(row, args, s);
    ASSERT_TRUE(plan.ok());
    std::vector<uint8_t> scratch(plan->scratch_bytes);
    ConvI8RunChunk(*plan, {x.data(), packed.data(), offset.data(), m.data(), nullptr, y.data()}, 0,
                   scratch.data());
    const int expected[8] = {8, 8, 9, 10, 10, 10, 11, 12};
    for (int i = 0; i < 8; ++i) EXPECT_EQ(y[i], expected[i]) << i;
  });
}

TEST(ConvI8, RefusesArgumentsOutOfRange) {
  const ConvI8Row& row = ConvI8Rows()[0];
  ConvI8Args good;
  good.window = SquareWindow(3, 1, 1, 1, 4, 8);
  const ConvSizes sizes = {1, 5, 5, 5, 5};
  ASSERT_TRUE(MakeConvI8Plan(row, good, sizes).ok());
  const auto refuses = [&](auto change, const char* sentence) {
    ConvI8Args args = good;
    ConvSizes s = sizes;
    change(args, s);
    const auto plan = MakeConvI8Plan(row, args, s);
    ASSERT_FALSE(plan.ok()) << sentence;
    EXPECT_EQ(plan.status().code(), StatusCode::kInvalidInput);
    EXPECT_NE(plan.status().message().find(sentence), std::string::npos) << plan.status().message();
  };
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.groups = 0; }, "groups = 0");
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.groups = 3; }, "does not divide");
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.kernel_h = 0; }, "kernel height = 0");
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.stride_w = -1; }, "horizontal stride = -1");
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.pad_top = INT32_MAX; }, "top padding");
  refuses([](ConvI8Args& a, ConvSizes&) { a.window.in_channels = INT32_MIN; }, "input channels");
  refuses([](ConvI8Args& a, ConvSizes&) { a.x_zero_point = 256; }, "x_zero_point = 256");
  refuses([](ConvI8Args& a, ConvSizes&) { a.activation = FusedActivation{6}; }, "activation = 6");
  refuses([](ConvI8Args& a, ConvSizes&) { a.activation = FusedActivation::kSilu; }, "y_scale");
  refuses([](ConvI8Args& a, ConvSizes&) { a.has_factor = 1, a.has_residual = 1; }, "plain u8");
  refuses([](ConvI8Args& a, ConvSizes&) { a.act_min = 9, a.act_max = 8; }, "act_min = 9");
  refuses([](ConvI8Args& a, ConvSizes&) { a.has_residual = 1, a.output_f32 = 1; }, "has_residual");
  refuses([](ConvI8Args& a, ConvSizes&) { a.has_residual = 1, a.t_multiplier = INFINITY; },
          "must be finite");
  refuses([](ConvI8Args& a, ConvSizes&) { a.output_f32 = 1, a.act_min_f = NAN; }, "act_min_f");
  refuses([](ConvI8Args&, ConvSizes& s) { s.out_h = 6; }, "the window gives 5x5");
  refuses([](ConvI8Args&, ConvSizes& s) { s.batch = s.in_h = s.in_w = INT32_MAX; }, "2^40");
  refuses(
      [](ConvI8Args& a, ConvSizes&) {
        a.window.kernel_h = a.window.kernel_w = 1 << 16;
        a.window.in_channels = a.window.out_channels = 1 << 20;
      },
      "a window of more than 2^31 elements");
}

// 2^34 pixels of 2^30 products each: arguments that pass the checks, and more work than int64
// counts.
TEST(ConvI8, ChunksOfAnAbsurdLayerAreCutWithoutOverflow) {
  ConvI8Args args;
  args.window = SquareWindow(1 << 15, 1, 1, 1 << 16, 1, 1);
  const ConvSizes sizes = SizesOf({args.window, 1, 1, 1});
  ASSERT_GT(int64_t{sizes.out_h} * sizes.out_w, int64_t{1} << 33);
  for (const ConvI8Row& row : ConvI8Rows()) {
    const auto plan = MakeConvI8Plan(row, args, sizes);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_GT(plan->num_chunks, 1);
  }
  for (const DepthwiseI8Row& row : DepthwiseI8Rows()) {
    const auto plan = MakeDepthwiseI8Plan(row, args, sizes);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_GT(plan->num_chunks, 1);
  }
}

TEST(ConvI8, RowsAreSortedAndTheNewestIsChosen) {
  Isa last = Isa::kGeneric;
  for (const ConvI8Row& row : ConvI8Rows()) {
    EXPECT_GE(row.isa, last);
    last = row.isa;
    EXPECT_EQ(FindConvI8(row.isa, ConvI8PackingFor(row.isa)), &row);
  }
  EXPECT_EQ(FindConvI8(Isa::kGeneric, ConvI8Packing::kK4N32), nullptr);
}

}  // namespace
}  // namespace adze
