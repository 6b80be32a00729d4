#include "kernels/pool_f32/pool_f32.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

TEST(PoolF32, MatchesReference) {
  struct Window {
    int h, w, stride, dilation, pad_begin, pad_end, ceil;
  };
  const Window windows[] = {{3, 3, 2, 1, 0, 0, 1}, {3, 3, 2, 1, 1, 1, 0}, {2, 2, 2, 1, 0, 0, 0},
                            {5, 5, 1, 1, 2, 2, 0}, {7, 1, 1, 1, 0, 0, 0}, {2, 3, 1, 2, 1, 0, 0},
                            {1, 1, 2, 1, 0, 0, 1}, {3, 3, 3, 1, 2, 2, 1}};
  uint64_t seed = 0;
  for (const Window& k : windows) {
    for (int channels : {1, 3, 16, 21, 64, 100}) {
      for (PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        ++seed;
        PoolF32Call call;
        ConvWindow& w = call.args.window;
        w.kernel_h = k.h;
        w.kernel_w = k.w;
        w.stride_h = w.stride_w = k.stride;
        w.dilation_h = w.dilation_w = k.dilation;
        w.pad_top = w.pad_left = k.pad_begin;
        w.pad_bottom = w.pad_right = k.pad_end;
        call.args.kind = kind;
        call.args.count_include_pad = static_cast<int32_t>(seed / 2 % 2);
        call.channels = channels;
        ConvSizes& s = call.sizes;
        s = {2, 10, 8, 0, 0};
        const auto out = [&](int in, int kernel) {
          const int room = in + k.pad_begin + k.pad_end - (kernel - 1) * k.dilation - 1;
          const int n = (k.ceil != 0 ? room + k.stride - 1 : room) / k.stride + 1;
          return (n - 1) * k.stride < in + k.pad_begin ? n : n - 1;
        };
        s.out_h = out(s.in_h, k.h);
        s.out_w = out(s.in_w, k.w);
        Random random(seed);
        Buffer x(int64_t{s.batch} * s.in_h * s.in_w * channels, static_cast<int>(seed % 4),
                 &random);
        Buffer want(int64_t{s.batch} * s.out_h * s.out_w * channels, 0);
        call.x = x.data();
        call.y = want.data();
        PoolF32Ref(call);
        for (Isa isa : SupportedIsas()) {
          Buffer rows(want.size(), 1);
          call.y = rows.data();
          PoolF32Rows(isa, call, 0, int64_t{s.batch} * s.out_h);
          Buffer blocks(want.size(), 2);
          call.y = blocks.data();
          for (int n = 0; n < s.batch; ++n) {
            for (int c = 0; c < channels; c += 64) {
              PoolF32Channels(isa, call, n, c, std::min(channels, c + 64));
            }
          }
          for (int64_t i = 0; i < want.size(); ++i) {
            // Sums of at most 25 values below 1.
            const double bound = kind == PoolKind::kMax ? 0 : 25 * 0x1p-24;
            ASSERT_NEAR(rows[i], want[i], bound) << IsaName(isa) << " case " << seed << " " << i;
            ASSERT_EQ(blocks[i], rows[i]) << IsaName(isa) << " case " << seed << " " << i;
          }
        }
      }
    }
  }
}

TEST(PoolF32, WindowOutsideTheImage) {
  const float x[] = {1, 5, 3, 4};
  for (Isa isa : SupportedIsas()) {
    float y[2];
    PoolF32Call call;
    call.sizes = {1, 1, 2, 1, 1};
    call.channels = 2;
    call.args.window.kernel_w = 2;
    call.x = x;
    call.y = y;
    PoolF32Rows(isa, call, 0, 1);
    EXPECT_EQ(y[0], 3) << IsaName(isa);
    EXPECT_EQ(y[1], 5) << IsaName(isa);
    // A window wholly in the padding.
    call.args.window.kernel_w = 1;
    call.args.window.pad_left = 1;
    PoolF32Rows(isa, call, 0, 1);
    EXPECT_EQ(y[0], -INFINITY);
    call.args.kind = PoolKind::kAverage;
    PoolF32Rows(isa, call, 0, 1);
    EXPECT_EQ(y[0], 0);
  }
}

}  // namespace
}  // namespace adze
