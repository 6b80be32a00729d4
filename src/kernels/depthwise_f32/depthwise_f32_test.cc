#include "kernels/depthwise_f32/depthwise_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

TEST(DepthwiseF32, MatchesReference) {
  uint64_t seed = 0;
  struct Kernel {
    int h, w, stride, dilation, pad_begin, pad_end;
  };
  const Kernel kernels[] = {{3, 3, 1, 1, 1, 1}, {3, 3, 2, 1, 0, 1}, {3, 3, 2, 1, 1, 1},
                            {5, 5, 1, 1, 2, 2}, {5, 5, 2, 1, 2, 2}, {3, 3, 1, 2, 2, 2},
                            {7, 1, 1, 1, 0, 3}, {1, 4, 3, 1, 5, 6}, {1, 1, 1, 1, 0, 0},
                            {3, 3, 1, 1, 0, 0}};
  for (const Kernel& k : kernels) {
    for (int channels : {1, 3, 8, 16, 17, 33, 40}) {
      for (int size : {1, 6, 23}) {
        ++seed;
        const int misalign = static_cast<int>(seed % 4);
        const bool with_residual = seed % 2 == 0;
        DepthwiseF32Call call;
        ConvWindow& w = call.window;
        w.kernel_h = k.h;
        w.kernel_w = k.w;
        w.stride_h = w.stride_w = k.stride;
        w.dilation_h = w.dilation_w = k.dilation;
        w.pad_top = w.pad_left = k.pad_begin;
        w.pad_bottom = w.pad_right = k.pad_end;
        w.in_channels = w.out_channels = w.groups = channels;
        ConvSizes& s = call.sizes;
        s = {2, size, size + 1, 0, 0};
        const int room_h = s.in_h + k.pad_begin + k.pad_end - (k.h - 1) * k.dilation - 1;
        const int room_w = s.in_w + k.pad_begin + k.pad_end - (k.w - 1) * k.dilation - 1;
        if (room_h < 0 || room_w < 0) continue;
        s.out_h = room_h / k.stride + 1;
        s.out_w = room_w / k.stride + 1;
        Random random(seed);
        Buffer x(int64_t{2} * s.in_h * s.in_w * channels, misalign, &random);
        Buffer weights(channels * k.h * k.w, misalign, &random);
        Buffer bias(channels, misalign, &random);
        Buffer want(int64_t{2} * s.out_h * s.out_w * channels, misalign);
        Buffer residual(want.size(), misalign, &random);
        std::vector<float> packed(static_cast<size_t>(DepthwiseF32PackedFloats(w)));
        PackDepthwiseF32(w, weights.data(), packed.data());
        call.x = x.data();
        call.weights = packed.data();
        call.bias = bias.data();
        call.residual = with_residual ? residual.data() : nullptr;
        call.act_min = with_residual ? -0.5f : -INFINITY;
        call.act_max = with_residual ? 0.75f : INFINITY;
        call.y = want.data();
        DepthwiseF32Ref(call, weights.data());
        for (Isa isa : SupportedIsas()) {
          Buffer got(want.size(), 1);
          call.y = got.data();
          const int64_t rows = int64_t{2} * s.out_h;
          DepthwiseF32Rows(isa, call, rows / 2, rows);
          DepthwiseF32Rows(isa, call, 0, rows / 2);
          for (int64_t i = 0; i < want.size(); ++i) {
            // |x|, |w| <= 1: K rounding errors of at most half an ulp of K.
            ASSERT_NEAR(got[i], want[i], k.h * k.w * (k.h * k.w + 2) * 0x1p-24)
                << IsaName(isa) << " case " << seed << " output " << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace adze
