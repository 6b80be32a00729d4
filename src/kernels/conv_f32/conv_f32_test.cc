#include "kernels/conv_f32/conv_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;

constexpr float kInf = std::numeric_limits<float>::infinity();

ConvSizes SizesOf(const ConvWindow& w, int batch, int in_h, int in_w) {
  ConvSizes s{batch, in_h, in_w, 0, 0};
  s.out_h =
      (in_h + w.pad_top + w.pad_bottom - (w.kernel_h - 1) * w.dilation_h - 1) / w.stride_h + 1;
  s.out_w =
      (in_w + w.pad_left + w.pad_right - (w.kernel_w - 1) * w.dilation_w - 1) / w.stride_w + 1;
  return s;
}

struct Problem {
  ConvF32Call call;
  Buffer x, weights, bias, residual, y;
  Problem(const ConvWindow& w, const ConvSizes& s, int misalign, bool with_residual, uint64_t seed)
      : x(0, 0), weights(0, 0), bias(0, 0), residual(0, 0), y(0, 0) {
    Random random(seed);
    x = Buffer(int64_t{s.batch} * s.in_h * s.in_w * w.in_channels, misalign, &random);
    weights = Buffer(int64_t{w.out_channels} * OihwStrides(w).out, misalign, &random);
    bias = Buffer(w.out_channels, misalign, &random);
    y = Buffer(int64_t{s.batch} * s.out_h * s.out_w * w.out_channels, misalign);
    if (with_residual) residual = Buffer(y.size(), misalign, &random);
    call.window = w;
    call.sizes = s;
    call.act_min = -kInf;
    call.act_max = kInf;
    Point();
  }
  void Point() {
    call.x = x.data();
    call.bias = bias.data();
    call.residual = residual.size() > 0 ? residual.data() : nullptr;
    call.y = y.data();
  }
};

Buffer RunKernel(Problem& p, Isa isa, int num_threads) {
  const ConvWindow& w = p.call.window;
  std::vector<float> packed(static_cast<size_t>(ConvF32PackedFloats(w, ConvF32PackingFor(isa))));
  PackConvF32(w, ConvF32PackingFor(isa), p.weights.data(), OihwStrides(w), packed.data());
  const ConvF32Blocking blocking = BlockConvF32(w, p.call.sizes, isa, num_threads);
  std::vector<float> zeros(static_cast<size_t>(blocking.zero_floats));
  Buffer y(p.y.size(), 3);
  ConvF32Call call = p.call;
  call.weights = packed.data();
  call.zeros = zeros.data();
  call.y = y.data();
  // Backwards, each chunk with scratch full of NaN: nothing may depend on the order or on old
  // contents.
  for (int64_t chunk = blocking.num_chunks - 1; chunk >= 0; --chunk) {
    std::vector<float> scratch(static_cast<size_t>(blocking.worker_floats), NAN);
    ConvF32Chunk(isa, call, blocking, chunk, scratch.data());
  }
  return y;
}

// A sum of K products in float is off by at most about K * 2^-24 * sum |x w|; the sum of magnitudes
// comes from the reference itself.
void ExpectNear(Problem& p, const Buffer& got, const std::string& what) {
  ConvF32Ref(p.call, p.weights.data());
  Problem bound = p;
  bound.Point();
  for (Buffer* b : {&bound.x, &bound.weights, &bound.bias, &bound.residual}) {
    for (int64_t i = 0; i < b->size(); ++i) (*b)[i] = std::fabs((*b)[i]);
  }
  bound.call.act_min = -kInf;
  bound.call.act_max = kInf;
  ConvF32Ref(bound.call, bound.weights.data());
  const ConvWindow& w = p.call.window;
  const double k = double{1} * w.kernel_h * w.kernel_w * (w.in_channels / w.groups) + 3;
  for (int64_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], p.y[i], k * 0x1p-24 * bound.y[i]) << what << ", output " << i;
  }
}

ConvWindow Square(int in, int out, int kernel, int stride, int pad) {
  ConvWindow w;
  w.in_channels = in;
  w.out_channels = out;
  w.kernel_h = w.kernel_w = kernel;
  w.stride_h = w.stride_w = stride;
  w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = pad;
  return w;
}

TEST(ConvF32, MatchesReference) {
  struct Case {
    ConvWindow window;
    int batch, h, w;
  };
  std::vector<Case> cases;
  for (int out : {1, 15, 16, 17, 32, 33, 50, 64}) {
    cases.push_back({Square(7, out, 1, 1, 0), 1, 3, 5});   // 1x1, column tails
    cases.push_back({Square(3, out, 3, 2, 1), 2, 9, 8});   // band form
    cases.push_back({Square(24, out, 3, 1, 1), 1, 5, 6});  // direct form with padding
  }
  for (int rows = 1; rows <= 27; ++rows) cases.push_back({Square(10, 20, 1, 1, 0), 1, 1, rows});
  cases.push_back({Square(70, 300, 1, 1, 0), 1, 1, 1});   // GEMV with several panels
  cases.push_back({Square(1024, 40, 1, 1, 0), 1, 3, 9});  // copied rows
  cases.push_back({Square(512, 24, 1, 2, 0), 2, 7, 7});
  cases.push_back({Square(1, 6, 5, 1, 2), 3, 7, 11});
  cases.push_back({Square(3, 40, 7, 2, 3), 1, 33, 31});
  cases.push_back({Square(20, 20, 5, 3, 4), 1, 12, 14});
  cases.push_back({Square(2, 3, 3, 1, 7), 1, 1, 2});  // padding wider than the image
  {
    ConvWindow w = Square(24, 36, 3, 1, 2);  // groups and dilation
    w.groups = 3;
    w.dilation_h = 2;
    w.dilation_w = 3;
    w.pad_left = 0;
    cases.push_back({w, 2, 9, 12});
    w.dilation_w = 1;
    w.kernel_w = 2;
    w.stride_h = 2;
    cases.push_back({w, 1, 9, 12});
    w = Square(4, 5, 3, 1, 1);  // band with dilated rows
    w.dilation_h = 2;
    w.pad_bottom = 3;
    w.kernel_w = 4;
    cases.push_back({w, 2, 8, 9});
    w = Square(12, 12, 3, 1, 1);
    w.groups = 12;
    cases.push_back({w, 1, 6, 6});
  }
  uint64_t seed = 0;
  for (const Case& c : cases) {
    for (Isa isa : SupportedIsas()) {
      for (bool residual : {false, true}) {
        ++seed;
        Problem p(c.window, SizesOf(c.window, c.batch, c.h, c.w), static_cast<int>(seed % 4),
                  residual, seed);
        if (residual) {
          p.call.act_min = -0.25f;
          p.call.act_max = 0.5f;
        }
        const Buffer y = RunKernel(p, isa, 1 + static_cast<int>(seed % 3));
        ExpectNear(p, y, std::string(IsaName(isa)) + ", case " + std::to_string(seed));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The same bits for any number of threads, and for a row whether it stands alone or among others.
TEST(ConvF32, BitsDoNotDependOnBlocking) {
  for (Isa isa : SupportedIsas()) {
    for (const ConvWindow& w :
         {Square(40, 200, 1, 1, 0), Square(3, 24, 3, 2, 1), Square(32, 70, 3, 1, 1)}) {
      Problem p(w, SizesOf(w, 1, 30, 40), 0, true, 7);
      const Buffer one = RunKernel(p, isa, 1);
      for (int threads : {2, 5, 16}) {
        const Buffer y = RunKernel(p, isa, threads);
        for (int64_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], one[i]) << IsaName(isa) << " " << i;
      }
      if (w.kernel_h != 1) continue;
      for (int row : {0, 17, 1199}) {
        Problem alone(w, {1, 1, 1, 1, 1}, 0, true, 7);
        for (int c = 0; c < w.in_channels; ++c) alone.x[c] = p.x[row * w.in_channels + c];
        alone.weights = p.weights;
        alone.bias = p.bias;
        for (int c = 0; c < w.out_channels; ++c) {
          alone.residual[c] = p.residual[row * w.out_channels + c];
        }
        alone.Point();
        const Buffer y = RunKernel(alone, isa, 1);
        for (int c = 0; c < w.out_channels; ++c) {
          ASSERT_EQ(y[c], one[row * w.out_channels + c]) << IsaName(isa) << " row " << row;
        }
      }
    }
  }
}

TEST(ConvF32, PacksTransposedWeights) {
  ConvWindow w;
  w.in_channels = 5;
  w.out_channels = 37;
  Random random(1);
  Buffer nk(37 * 5, 0, &random);
  Buffer kn(37 * 5, 0);
  for (int n = 0; n < 37; ++n)
    for (int k = 0; k < 5; ++k) kn[k * 37 + n] = nk[n * 5 + k];
  for (Isa isa : SupportedIsas()) {
    std::vector<float> a(static_cast<size_t>(ConvF32PackedFloats(w, ConvF32PackingFor(isa))));
    std::vector<float> b(a.size());
    PackConvF32(w, ConvF32PackingFor(isa), nk.data(), OihwStrides(w), a.data());
    PackConvF32(w, ConvF32PackingFor(isa), kn.data(), {1, 37, 0, 0}, b.data());
    EXPECT_EQ(a, b);
  }
}

TEST(ConvF32, WritesOnlyItsOutputs) {
  const ConvWindow w = Square(9, 21, 3, 1, 1);
  for (Isa isa : SupportedIsas()) {
    Problem p(w, SizesOf(w, 1, 7, 7), 0, false, 3);
    std::vector<float> packed(static_cast<size_t>(ConvF32PackedFloats(w, ConvF32PackingFor(isa))));
    PackConvF32(w, ConvF32PackingFor(isa), p.weights.data(), OihwStrides(w), packed.data());
    const ConvF32Blocking blocking = BlockConvF32(w, p.call.sizes, isa, 8);
    std::vector<float> zeros(static_cast<size_t>(blocking.zero_floats));
    std::vector<float> scratch(static_cast<size_t>(blocking.worker_floats));
    ConvF32Call call = p.call;
    call.weights = packed.data();
    call.zeros = zeros.data();
    std::vector<int> written(static_cast<size_t>(p.y.size()));
    for (int64_t chunk = 0; chunk < blocking.num_chunks; ++chunk) {
      std::vector<float> y(static_cast<size_t>(p.y.size()) + 64, Buffer::kCanary);
      call.y = y.data() + 32;
      ConvF32Chunk(isa, call, blocking, chunk, scratch.data());
      for (size_t i = 0; i < y.size(); ++i) {
        if (y[i] == Buffer::kCanary) continue;
        ASSERT_TRUE(i >= 32 && i < y.size() - 32) << IsaName(isa);
        ++written[i - 32];
      }
    }
    for (int n : written) ASSERT_EQ(n, 1) << IsaName(isa);
  }
}

}  // namespace
}  // namespace adze
