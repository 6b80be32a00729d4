#include "kernels/softmax_f32/softmax_f32.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

TEST(SoftmaxF32, MatchesReference) {
  uint64_t seed = 0;
  for (int n : {1, 2, 15, 16, 33, 1000}) {
    for (int inner : {1, 3, 16, 37}) {
      for (bool log : {false, true}) {
        Random random(++seed);
        Buffer x(int64_t{3} * n * inner, static_cast<int>(seed % 4), &random, -30, 30);
        Buffer want(x.size(), 0);
        SoftmaxF32Ref(log, x.data(), want.data(), n, inner, 0, 3);
        for (Isa isa : SupportedIsas()) {
          Buffer y(x.size(), 1);
          SoftmaxF32(isa, log, x.data(), y.data(), n, inner, 1, 3);
          SoftmaxF32(isa, log, x.data(), y.data(), n, inner, 0, 1);
          for (int64_t i = 0; i < y.size(); ++i) {
            const double bound = (60 + 8) * 0x1p-23 * (log ? 1 : want[i]);
            ASSERT_NEAR(y[i], want[i], bound) << IsaName(isa) << " n " << n << " inner " << inner;
          }
          Buffer in_place = x;
          SoftmaxF32(isa, log, in_place.data(), in_place.data(), n, inner, 0, 3);
          for (int64_t i = 0; i < y.size(); ++i) ASSERT_EQ(in_place[i], y[i]);
        }
      }
    }
  }
}

// Large magnitudes neither overflow nor vanish.
TEST(SoftmaxF32, IsShiftedByTheMaximum) {
  for (Isa isa : SupportedIsas()) {
    const float x[] = {1e4f, 1e4f, -1e4f};
    float y[3];
    SoftmaxF32(isa, false, x, y, 3, 1, 0, 1);
    EXPECT_EQ(y[0], 0.5f);
    EXPECT_EQ(y[2], 0.0f);
  }
}

}  // namespace
}  // namespace adze
