#include "runtime/roofline.h"

#include <gtest/gtest.h>

namespace adze {
namespace {

TEST(Roofline, TheSlowerOfArithmeticAndMemory) {
  const RunCost cost = {
      .int8_macs = 600, .float_macs = 100, .weight_bytes = 30, .activation_bytes = 10};
  const MachinePeak peak = {.int8_macs_per_s = 200, .float_macs_per_s = 50, .read_bytes_per_s = 10};
  EXPECT_EQ(cost.macs(), 700);
  EXPECT_DOUBLE_EQ(RooflineOf(cost, peak).compute_s, 5);
  EXPECT_DOUBLE_EQ(RooflineOf(cost, peak).memory_s, 4);
  EXPECT_DOUBLE_EQ(RooflineOf(cost, peak).seconds(), 5);
  EXPECT_DOUBLE_EQ(RooflineOf({.weight_bytes = 70}, peak).seconds(), 7);
}

TEST(Roofline, MeasuresEveryInstructionSet) {
  for (Isa isa : SupportedIsas()) {
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      const MachinePeak peak = MeasurePeak(isa, 100, pool);
      EXPECT_GT(peak.int8_macs_per_s, 0) << IsaName(isa);
      EXPECT_GT(peak.float_macs_per_s, 0) << IsaName(isa);
      EXPECT_GT(peak.read_bytes_per_s, 0) << IsaName(isa);
    }
  }
}

}  // namespace
}  // namespace adze
