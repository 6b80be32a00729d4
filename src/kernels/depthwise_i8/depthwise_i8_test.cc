#include "kernels/depthwise_i8/depthwise_i8.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/conv_i8_test_util.h"

namespace adze {
namespace {

ConvI8Case Depthwise(int channels, int kernel, int stride, int dilation, int pad, int h, int w) {
  return {SquareWindow(kernel, stride, dilation, pad, channels, channels, channels), 1, h, w};
}

std::vector<ConvI8Case> Cases() {
  std::vector<ConvI8Case> cases;
  for (int channels : {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 130}) {
    cases.push_back(Depthwise(channels, 3, 1, 1, 1, 6, 7));
  }
  for (int width = 1; width <= 12; ++width) cases.push_back(Depthwise(70, 3, 1, 1, 1, 5, width));
  for (int height = 1; height <= 5; ++height) cases.push_back(Depthwise(20, 3, 1, 1, 1, height, 6));
  cases.push_back(Depthwise(40, 3, 2, 1, 1, 9, 10));
  cases.push_back(Depthwise(96, 3, 2, 1, 0, 9, 10));
  cases.push_back(Depthwise(24, 3, 1, 2, 2, 8, 9));
  cases.push_back(Depthwise(24, 3, 1, 1, 0, 7, 8));
  cases.push_back(Depthwise(72, 5, 1, 1, 2, 8, 9));
  cases.push_back(Depthwise(72, 5, 2, 1, 2, 8, 9));
  cases.push_back(Depthwise(33, 7, 1, 1, 3, 9, 9));
  cases.push_back(Depthwise(33, 2, 2, 1, 0, 8, 8));
  cases.push_back(Depthwise(18, 1, 1, 1, 0, 4, 5));
  for (int width = 1; width <= 5; ++width) cases.push_back(Depthwise(16, 3, 1, 1, 1, 3, width));
  cases.push_back(Depthwise(48, 9, 1, 1, 4, 10, 11));   // more taps than kernels know by heart
  cases.push_back(Depthwise(1000, 3, 1, 1, 1, 3, 21));  // channels that fill L1
  cases.push_back(Depthwise(18, 4, 3, 2, 5, 11, 12));
  cases.push_back(Depthwise(64, 3, 1, 1, 1, 40, 150));  // several chunks
  ConvI8Case odd = Depthwise(50, 3, 1, 1, 0, 7, 9);
  odd.batch = 2;
  odd.window.kernel_w = 2;
  odd.window.stride_w = 2;
  odd.window.pad_top = 2;
  odd.window.pad_right = 3;
  cases.push_back(odd);
  odd.window.kernel_h = 1;  // one-dimensional
  odd.window.kernel_w = 5;
  odd.window.stride_w = 1;
  cases.push_back(odd);
  odd.window.kernel_h = 3;
  odd.window.kernel_w = 3;
  odd.window.stride_h = 2;
  cases.push_back(odd);
  cases.push_back(Depthwise(8, 3, 1, 1, 0, 2, 2));  // no output
  return cases;
}

TEST(DepthwiseI8, EveryRowGivesTheReferenceBits) {
  ForEachSupportedRow("depthwise_i8", DepthwiseI8Rows(), [](const DepthwiseI8Row& row) {
    std::mt19937 rng(1);
    for (const ConvI8Case& c : Cases()) {
      for (ConvI8Mode mode :
           {ConvI8Mode::kU8, ConvI8Mode::kF32, ConvI8Mode::kResidual, ConvI8Mode::kActivation}) {
        RunConvI8Case<DepthwiseI8Functions>(row, c, mode, rng);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(DepthwiseI8, ExtremeOperandsGiveTheReferenceBits) {
  ForEachSupportedRow("depthwise_i8", DepthwiseI8Rows(), [](const DepthwiseI8Row& row) {
    std::mt19937 rng(3);
    for (const ConvI8Case& c : {Depthwise(96, 3, 1, 1, 1, 6, 7), Depthwise(40, 3, 2, 1, 1, 9, 9),
                                Depthwise(16, 3, 1, 1, 1, 5, 5), Depthwise(33, 5, 1, 1, 2, 6, 6)}) {
      for (int repeat = 0; repeat < 4; ++repeat) {
        RunExtremeConvI8Case<DepthwiseI8Functions>(row, c, rng);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(DepthwiseI8, SaturatesAsTheReferenceWhereFloatsLeaveInt32) {
  ForEachSupportedRow("depthwise_i8", DepthwiseI8Rows(), [](const DepthwiseI8Row& row) {
    std::mt19937 rng(2);
    const ConvI8Case c = Depthwise(70, 3, 1, 1, 1, 5, 6);
    ConvI8Args args;
    args.window = c.window;
    args.y_zero_point = 100;
    args.act_min = 3;
    args.act_max = 250;
    for (float scale : {1e6f, 3e38f, -3e38f, 0.0f}) {
      CompareConvI8<DepthwiseI8Functions, uint8_t>(row, c, args, rng, scale);
    }
  });
}

TEST(DepthwiseI8, RefusesOtherGroupings) {
  ConvI8Args args;
  args.window = SquareWindow(3, 1, 1, 1, 8, 16, 8);
  const auto plan = MakeDepthwiseI8Plan(DepthwiseI8Rows()[0], args, {1, 5, 5, 5, 5});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().message(),
            "a depthwise convolution needs one input and one output channel per group");
}

TEST(DepthwiseI8, RowsAreSortedAndTheNewestIsChosen) {
  for (const DepthwiseI8Row& row : DepthwiseI8Rows()) {
    EXPECT_EQ(FindDepthwiseI8(row.isa, DepthwiseI8PackingFor(row.isa)), &row);
  }
}

}  // namespace
}  // namespace adze
