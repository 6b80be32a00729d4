// What the tests of conv_i8 and depthwise_i8 share: one layer on random operands against ConvI8Ref.
#ifndef ADZE_KERNELS_CONV_I8_TEST_UTIL_H_
#define ADZE_KERNELS_CONV_I8_TEST_UTIL_H_

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv_i8_functions.h"
#include "kernels/kernel_test_util.h"

namespace adze {

struct ConvI8Case {
  ConvWindow window;
  int32_t batch, in_h, in_w;
};

enum class ConvI8Mode { kU8, kF32, kResidual, kActivation };

inline ConvSizes SizesOf(const ConvI8Case& c) {
  const ConvWindow& w = c.window;
  const auto out = [](int in, int k, int s, int d, int pads) {
    const int room = in + pads - ((k - 1) * d + 1);
    return room < 0 ? 0 : room / s + 1;
  };
  return {c.batch, c.in_h, c.in_w,
          out(c.in_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top + w.pad_bottom),
          out(c.in_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left + w.pad_right)};
}

inline std::string Describe(const ConvI8Case& c) {
  const ConvWindow& w = c.window;
  std::string s;
  for (int v : {c.batch, c.in_h, c.in_w, w.in_channels, w.out_channels, w.groups, w.kernel_h,
                w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w, w.pad_top,
                w.pad_left, w.pad_bottom, w.pad_right}) {
    s += std::to_string(v) + " ";
  }
  return s;
}

// kExtreme: activations are 0 or 255, weights -128 or 127, mostly the larger product: sums of
// neighbouring products leave 16 bits.
enum class ConvI8Operands { kRandom, kExtreme };

// Runs all chunks of one variant and compares with the definition, bit by bit.
template <typename F, typename T>
void CompareConvI8(const typename F::Row& row, const ConvI8Case& c, ConvI8Args args,
                   std::mt19937& rng, float multiplier_scale,
                   ConvI8Operands operands = ConvI8Operands::kRandom) {
  const ConvWindow& w = c.window;
  const ConvSizes s = SizesOf(c);
  SCOPED_TRACE(Describe(c));
  OddBuffer<uint8_t> x(int64_t{s.batch} * s.in_h * s.in_w * w.in_channels);
  const int64_t depth = int64_t{w.in_channels} / w.groups * w.kernel_h * w.kernel_w;
  std::vector<int8_t> weights(w.out_channels * depth);
  std::vector<int32_t> bias(w.out_channels);
  std::vector<float> multiplier(w.out_channels);
  FillRandom(rng, 0, 255, x.data(), x.size());
  FillRandom(rng, -128, 127, weights.data(), weights.size());
  if (operands == ConvI8Operands::kExtreme) {
    for (int64_t i = 0; i < x.size(); ++i) x[i] = rng() % 8 == 0 ? 0 : 255;
    const uint32_t rare = rng() % 2;  // which of the two weights is
    for (int8_t& v : weights) v = (rng() % 8 == 0) == (rare == 1) ? -128 : 127;
  }
  FillRandom(rng, -20000, 20000, bias.data(), bias.size());
  for (float& m : multiplier) {
    m = multiplier_scale * (0.2f + static_cast<float>(rng() % 1000) / 1000.0f);
  }
  OddBuffer<uint8_t> residual(int64_t{s.batch} * s.out_h * s.out_w * w.out_channels);
  FillRandom(rng, 0, 255, residual.data(), residual.size());
  OddBuffer<T> y(residual.size());
  std::vector<T> expected(residual.size());
  const uint8_t* const r = args.has_residual != 0 ? residual.data() : nullptr;
  std::vector<float> factors(w.out_channels);
  for (float& f : factors) f = 0.2f + static_cast<float>(rng() % 1000) / 300.0f;
  const float* const factor = args.has_factor != 0 ? factors.data() : nullptr;
  ConvI8Ref(args, s, x.data(), weights.data(), bias.data(), multiplier.data(), r, expected.data(),
            factor);

  const ConvI8PackedSize size = F::Packed(w, row.packing);
  std::vector<uint8_t> packed(size.weight_bytes);
  std::vector<int32_t> offset(size.channels);
  std::vector<float> packed_multiplier(size.channels);
  F::Pack(w, row.packing, args.x_zero_point, weights.data(), bias.data(), multiplier.data(),
          packed.data(), offset.data(), packed_multiplier.data());
  auto plan = F::MakePlan(row, args, s);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  // The chosen chunks, then the finest ones: cutting must not change a bit.
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1) {
      const auto ceil_div = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
      plan->row_step = 1;
      plan->col_step = std::min(plan->col_step, 3);
      plan->num_chunks = plan->sizes.batch * int64_t{plan->sizes.out_h} *
                         ceil_div(plan->sizes.out_w, plan->col_step);
      if constexpr (requires { plan->panel_step; }) {
        plan->panel_step = 1;
        plan->num_chunks *= plan->panels;
      }
    }
    std::vector<uint8_t> scratch(plan->scratch_bytes);
    for (int64_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(77);
    const ConvI8Buffers buffers = {x.data(), packed.data(), offset.data(), packed_multiplier.data(),
                                   r,        y.data(),      factor};
    for (int64_t chunk = 0; chunk < plan->num_chunks; ++chunk) {
      F::RunChunk(*plan, buffers, chunk, scratch.data());
    }
    ASSERT_TRUE(y.GuardsIntact());
    for (int64_t i = 0; i < y.size(); ++i) {
      ASSERT_EQ(0, std::memcmp(y.data() + i, &expected[i], sizeof(T)))
          << "element " << i << ": " << +y[i] << " instead of " << +expected[i];
    }
  }
}

template <typename F>
void RunConvI8Case(const typename F::Row& row, const ConvI8Case& c, ConvI8Mode mode,
                   std::mt19937& rng) {
  ConvI8Args args;
  args.window = c.window;
  args.x_zero_point = rng() % 256;
  args.y_zero_point = rng() % 256;
  args.act_min = rng() % 100;
  args.act_max = 255 - rng() % 100;
  const float depth = static_cast<float>(c.window.in_channels / c.window.groups *
                                         c.window.kernel_h * c.window.kernel_w);
  const float scale = 0.02f / std::sqrt(depth);
  if (mode == ConvI8Mode::kF32) {
    args.output_f32 = 1;
    args.act_min_f = -40.0f;
    args.act_max_f = 60.0f;
    CompareConvI8<F, float>(row, c, args, rng, scale);
    return;
  }
  if (mode == ConvI8Mode::kResidual) {
    args.has_residual = 1;
    args.t_zero_point = rng() % 256;
    args.t_min = rng() % 50;
    args.t_max = 255 - rng() % 50;
    args.r_zero_point = rng() % 256;
    args.t_multiplier = 0.7f;
    args.r_multiplier = 0.41f;
  }
  if (mode == ConvI8Mode::kActivation) {
    args.activation = static_cast<FusedActivation>(rng() % 6);
    args.has_factor = args.activation == FusedActivation::kNone ? 1 : static_cast<int>(rng() % 2);
    args.act_alpha = 0.17f;
    args.act_beta = 0.5f;
    args.y_scale = 0.04f;
  }
  CompareConvI8<F, uint8_t>(row, c, args, rng, scale);
}

// Accumulators as float and as u8.
template <typename F>
void RunExtremeConvI8Case(const typename F::Row& row, const ConvI8Case& c, std::mt19937& rng) {
  ConvI8Args args;
  args.window = c.window;
  args.x_zero_point = rng() % 256;
  args.y_zero_point = rng() % 256;
  CompareConvI8<F, uint8_t>(row, c, args, rng, 1e-3f, ConvI8Operands::kExtreme);
  args.output_f32 = 1;
  args.act_min_f = -std::numeric_limits<float>::infinity();
  args.act_max_f = std::numeric_limits<float>::infinity();
  CompareConvI8<F, float>(row, c, args, rng, 1.0f, ConvI8Operands::kExtreme);
}

inline ConvWindow SquareWindow(int kernel, int stride, int dilation, int pad, int in, int out,
                               int groups = 1) {
  ConvWindow w;
  w.kernel_h = w.kernel_w = kernel;
  w.stride_h = w.stride_w = stride;
  w.dilation_h = w.dilation_w = dilation;
  w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = pad;
  w.in_channels = in;
  w.out_channels = out;
  w.groups = groups;
  return w;
}

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_I8_TEST_UTIL_H_
