#include "kernels/fake_quant_f32/fake_quant_f32.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

TEST(FakeQuantF32, IsBitExact) {
  testing::Random random(5);
  std::vector<float> x = {0.0f,   -0.0f,   NAN,   INFINITY, -INFINITY,
                          1e-30f, -1e-30f, 0.05f, -0.05f,   3e38f};
  for (int i = 0; i < 3000; ++i) x.push_back(random.Uniform(-30, 30));
  for (int i = -600; i < 600; ++i)
    x.push_back(0.125f * static_cast<float>(i));  // ties for scale 0.25
  for (int i = 0; i < 3000; ++i) x.push_back(std::bit_cast<float>(random.Bits()));
  const FakeQuantArgs all[] = {
      {0.1f, 128, 0, 255}, {0.25f, 0, -128, 127}, {0.017f, 3, 0, 255}, {1e-6f, 0, -32768, 32767},
      {0.5f, 20, 30, 40},  {0.5f, 20, 0, 10},     {2e30f, 7, 0, 15},   {0, 0, 0, 255}};
  for (const FakeQuantArgs& args : all) {
    for (size_t offset : {size_t{0}, size_t{1}, size_t{3}}) {
      const int64_t n = static_cast<int64_t>(x.size() - offset);
      std::vector<float> want(static_cast<size_t>(n));
      FakeQuantF32Ref(args, x.data() + offset, want.data(), n);
      for (Isa isa : SupportedIsas()) {
        std::vector<float> y(static_cast<size_t>(n));
        FakeQuantF32(isa, args, x.data() + offset, y.data(), n);
        for (size_t i = 0; i < y.size(); ++i) {
          ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(want[i]))
              << IsaName(isa) << " scale " << args.scale << " x = " << x[i + offset];
        }
      }
    }
  }
}

}  // namespace
}  // namespace adze
