#include "kernels/matmul_f32/matmul_f32.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

TEST(MatMulF32, MatchesReference) {
  uint64_t seed = 0;
  for (int64_t m : {1, 2, 13, 25, 101}) {
    for (int64_t n : {1, 15, 16, 31, 33, 160}) {
      for (int64_t k : {0, 1, 7, 64}) {
        Random random(++seed);
        const MatMulF32Sizes sizes{m, n, k};
        Buffer a(m * k, static_cast<int>(seed % 4), &random);
        Buffer b(k * n, static_cast<int>(seed % 3), &random);
        Buffer want(m * n, 0);
        MatMulF32Ref(sizes, a.data(), b.data(), want.data());
        for (Isa isa : SupportedIsas()) {
          std::vector<float> packed(static_cast<size_t>(MatMulF32PackedFloats(sizes, isa)));
          const int64_t panels = MatMulF32Panels(sizes, isa);
          for (int64_t p = 0; p < panels; ++p)
            PackMatMulF32(isa, sizes, b.data(), p, p + 1, packed.data());
          Buffer whole(m * n, 1);
          MatMulF32(isa, sizes, a.data(), packed.data(), whole.data(), 0, m, 0, panels);
          Buffer parts(m * n, 2);
          for (int64_t p = 0; p < panels; ++p) {
            MatMulF32(isa, sizes, a.data(), packed.data(), parts.data(), m / 2, m, p, p + 1);
            MatMulF32(isa, sizes, a.data(), packed.data(), parts.data(), 0, m / 2, p, p + 1);
          }
          for (int64_t i = 0; i < m * n; ++i) {
            // |a|, |b| <= 1.
            ASSERT_NEAR(whole[i], want[i], static_cast<double>(k * (k + 2)) * 0x1p-25)
                << IsaName(isa) << " " << m << "x" << n << "x" << k;
            ASSERT_EQ(parts[i], whole[i]) << IsaName(isa);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace adze
