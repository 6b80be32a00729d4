// Weights survive packing and unpacking in every layout, and packing what was unpacked from another
// layout gives the bytes that packing the weights themselves gives.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/conv_f32/conv_f32.h"
#include "kernels/conv_i8_functions.h"

namespace adze {
namespace {

ConvWindow Window(int kernel_h, int kernel_w, int in, int out, int groups, int dilation = 1) {
  ConvWindow w;
  w.kernel_h = kernel_h;
  w.kernel_w = kernel_w;
  w.dilation_w = dilation;
  w.in_channels = in;
  w.out_channels = out;
  w.groups = groups;
  return w;
}

const ConvWindow kWindows[] = {
    Window(1, 1, 37, 70, 1), Window(3, 3, 3, 33, 1),   Window(3, 2, 5, 8, 1, 2),
    Window(1, 1, 12, 12, 3), Window(3, 3, 64, 128, 4), Window(1, 5, 24, 6, 6),
    Window(2, 1, 130, 1, 1), Window(1, 1, 1, 1, 1),
};
const ConvWindow kDepthwise[] = {
    Window(3, 3, 70, 70, 70),
    Window(5, 2, 64, 64, 64, 2),
    Window(1, 1, 3, 3, 3),
};

struct Packed {
  std::vector<std::byte> weights;
  std::vector<int32_t> offset;
  std::vector<float> multiplier;
  bool operator==(const Packed&) const = default;
};

struct Channels {
  std::vector<int8_t> weights;
  std::vector<int32_t> offset;
  std::vector<float> multiplier;
};

template <typename F>
Packed Pack(const ConvWindow& w, int32_t packing, int32_t zero_point, const Channels& c) {
  const auto p = static_cast<typename F::Packing>(packing);
  const ConvI8PackedSize size = F::Packed(w, p);
  Packed out{std::vector<std::byte>(static_cast<size_t>(size.weight_bytes)),
             std::vector<int32_t>(static_cast<size_t>(size.channels)),
             std::vector<float>(static_cast<size_t>(size.channels))};
  F::Pack(w, p, zero_point, c.weights.data(), c.offset.data(), c.multiplier.data(),
          out.weights.data(), out.offset.data(), out.multiplier.data());
  return out;
}

template <typename F>
void ExpectRoundTrips(std::span<const ConvWindow> windows) {
  std::mt19937 rng(1);
  for (const ConvWindow& w : windows) {
    SCOPED_TRACE(std::to_string(&w - windows.data()));
    const size_t out = static_cast<size_t>(w.out_channels);
    Channels c{std::vector<int8_t>(out * w.in_channels / w.groups * w.kernel_h * w.kernel_w),
               std::vector<int32_t>(out), std::vector<float>(out)};
    for (int8_t& v : c.weights) v = static_cast<int8_t>(rng());
    for (int32_t& v : c.offset) v = static_cast<int32_t>(rng());
    for (float& v : c.multiplier) v = static_cast<float>(rng());
    for (int32_t from = 0; F::IsKnownPacking(from); ++from) {
      const Packed packed = Pack<F>(w, from, 121, c);
      Channels got = c;
      F::Unpack(w, static_cast<typename F::Packing>(from), packed.weights.data(),
                packed.offset.data(), packed.multiplier.data(), got.weights.data(),
                got.offset.data(), got.multiplier.data());
      EXPECT_EQ(got.weights, c.weights);
      EXPECT_EQ(got.multiplier, c.multiplier);
      for (int32_t to = 0; F::IsKnownPacking(to); ++to) {
        EXPECT_TRUE(Pack<F>(w, to, 0, got) == Pack<F>(w, to, 121, c)) << from << " to " << to;
      }
    }
    EXPECT_FALSE(F::IsKnownPacking(-1));
  }
}

TEST(ConvPacking, Integers) { ExpectRoundTrips<ConvI8Functions>(kWindows); }
TEST(ConvPacking, DepthwiseIntegers) { ExpectRoundTrips<DepthwiseI8Functions>(kDepthwise); }

TEST(ConvPacking, Floats) {
  for (const ConvWindow& w : kWindows) {
    SCOPED_TRACE(std::to_string(&w - kWindows));
    const ConvWeightStrides oihw = OihwStrides(w);
    std::vector<float> weights(static_cast<size_t>(w.out_channels * oihw.out));
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i + 1);
    int known = 0;
    for (int32_t panel = 0; panel <= 64; ++panel) {
      if (!IsKnownConvF32Packing(panel)) continue;
      ++known;
      const auto packing = static_cast<ConvF32Packing>(panel);
      std::vector<float> packed(static_cast<size_t>(ConvF32PackedFloats(w, packing)), -1.0f);
      PackConvF32(w, packing, weights.data(), oihw, packed.data());
      for (const float v : packed) ASSERT_GE(v, 0.0f);  // every place is written
      std::vector<float> got(weights.size());
      UnpackConvF32(w, packing, packed.data(), got.data());
      EXPECT_EQ(got, weights);
    }
    EXPECT_EQ(known, 4);
  }
  for (const Isa isa : SupportedIsas()) {
    EXPECT_TRUE(IsKnownConvF32Packing(static_cast<int32_t>(ConvF32PackingFor(isa))));
  }
}

}  // namespace
}  // namespace adze
