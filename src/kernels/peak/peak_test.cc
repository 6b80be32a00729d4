#include "kernels/peak/peak.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace adze {
namespace {

TEST(Peak, EveryVariantReadsEveryByte) {
  std::vector<uint64_t> words(2048 / 8 + 8);
  void* p = words.data();
  size_t space = words.size() * 8;
  uint64_t* const data = static_cast<uint64_t*>(std::align(64, 2048, p, space));
  uint64_t want = 0;
  for (int i = 0; i < 2048 / 8; ++i) {
    data[i] = 0x9e3779b97f4a7c15u * static_cast<uint64_t>(i + 1);
    want ^= data[i];
  }
  for (Isa isa : SupportedIsas()) EXPECT_EQ(FindPeak(isa).read(data, 2048), want) << IsaName(isa);
}

TEST(Peak, WorkIsProportionalToRounds) {
  for (Isa isa : SupportedIsas()) {
    const PeakLoops& loops = FindPeak(isa);
    EXPECT_EQ(loops.isa, isa);
    for (auto* const multiply : {loops.multiply_int8, loops.multiply_f32}) {
      EXPECT_GT(multiply(1), 0);
      EXPECT_EQ(multiply(1000), 1000 * multiply(1));
    }
  }
}

}  // namespace
}  // namespace adze
