#include "kernels/elementwise_f32/elementwise_f32.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "kernels/float_test_util.h"

namespace adze {
namespace {

using testing::Buffer;
using testing::Random;
using testing::UlpError;

// Stated error of each function, in ulp.
double UnaryBound(EltwiseOp op) {
  switch (op) {
    case EltwiseOp::kSigmoid:
    case EltwiseOp::kTanh:
    case EltwiseOp::kSilu:
    case EltwiseOp::kElu:
    case EltwiseOp::kErf:
    case EltwiseOp::kSoftplus:
      return 4;
    case EltwiseOp::kExp:
    case EltwiseOp::kLog:
      return 2;
    default:
      return 0.5;
  }
}

// Inputs from all over the float range: dense where functions are interesting, random bit patterns,
// special values.
std::vector<float> Inputs() {
  std::vector<float> x = {0.0f,        -0.0f,     1.0f,       -1.0f,     INFINITY, -INFINITY,
                          NAN,         0x1p-149f, -0x1p-149f, 0x1p-126f, 3.4e38f,  -3.4e38f,
                          88.7f,       89.0f,     -87.3f,     -88.0f,    -103.9f,  -104.5f,
                          0.5f,        1.5f,      2.5f,       -2.5f,     4.0f,     -4.0f,
                          0.99999994f, 10.0f,     -10.0f,     1e-8f,     -1e-8f,   8388609.0f};
  Random random(1);
  for (int i = 0; i < 40000; ++i) x.push_back(random.Uniform(-12, 12));
  for (int i = 0; i < 40000; ++i) x.push_back(random.Uniform(-1.2f, 1.2f));
  for (int i = 0; i < 20000; ++i) x.push_back(random.Uniform(-110, 110));
  for (int i = 0; i < 40000; ++i) x.push_back(std::bit_cast<float>(random.Bits()));
  return x;
}

TEST(ElementwiseF32, UnaryIsWithinItsError) {
  const std::vector<float> x = Inputs();
  const int64_t n = static_cast<int64_t>(x.size());
  for (int32_t code = 0; code <= static_cast<int32_t>(EltwiseOp::kRound); ++code) {
    const EltwiseArgs args{
        .op = static_cast<EltwiseOp>(code), .alpha = 0.2f, .beta = 0.5f, .lo = -0.75f, .hi = 6};
    for (Isa isa : SupportedIsas()) {
      std::vector<float> y(x.size());
      EltwiseUnaryF32(isa, args, x.data(), y.data(), n);
      double worst = 0;
      float at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double want = EltwiseUnaryRef(args, x[i]);
        double error = UlpError(y[i], want);
        switch (args.op) {
          case EltwiseOp::kHardSigmoid:  // a sum: the error is relative to its terms
            error = std::isnan(want) ? error : std::fabs(y[i] - want) / 0x1p-23;
            break;
          case EltwiseOp::kHardSwish:
          case EltwiseOp::kGelu:
            if (std::isfinite(x[i]) && std::isfinite(y[i])) {
              error = std::fabs(y[i] - want) / (std::fmax(std::fabs(x[i]), 0x1p-126) * 0x1p-23) /
                      4 * 0.5;
            } else if (std::isinf(x[i])) {
              error = 0;  // infinity times zero on one side
            }
            break;
          case EltwiseOp::kSilu:
            if (std::isinf(x[i])) error = 0;  // infinity times zero
            if (std::fabs(want) < 0x1p-120) error = std::fabs(y[i] - want) / 0x1p-142;
            break;
          default:
            break;
        }
        if (error > worst) {
          worst = error;
          at = x[i];
        }
      }
      EXPECT_LE(worst, UnaryBound(args.op)) << IsaName(isa) << " op " << code << " at x = " << at;
    }
  }
}

TEST(ElementwiseF32, UnaryTailsInPlaceAndUnaligned) {
  Random random(2);
  for (int32_t code : {1, 3, 16, 21}) {
    const EltwiseArgs args{.op = static_cast<EltwiseOp>(code)};
    for (Isa isa : SupportedIsas()) {
      for (int n = 0; n < 40; ++n) {
        Buffer x(n, n % 5, &random, -3, 3);
        Buffer y(n, (n + 2) % 5);
        EltwiseUnaryF32(isa, args, x.data(), y.data(), n);
        for (int i = 0; i < n; ++i) ASSERT_LE(UlpError(y[i], EltwiseUnaryRef(args, x[i])), 4);
        EltwiseUnaryF32(isa, args, x.data(), x.data(), n);
        for (int i = 0; i < n; ++i) ASSERT_EQ(x[i], y[i]);
      }
    }
  }
}

TEST(ElementwiseF32, BinaryBroadcasts) {
  struct Case {
    EltwiseShape shape;
    int64_t a_size, b_size;
  };
  const std::vector<Case> cases = {
      {{1, {37}, {1}, {1}}, 37, 37},
      {{1, {37}, {1}, {0}}, 37, 1},
      {{1, {37}, {0}, {1}}, 1, 37},
      {{1, {20}, {0}, {0}}, 1, 1},
      {{3, {2, 5, 19}, {95, 19, 1}, {0, 0, 1}}, 190, 19},                     // per channel, last
      {{3, {2, 5, 19}, {95, 19, 1}, {0, 1, 0}}, 190, 5},                      // per row
      {{3, {2, 5, 19}, {0, 19, 1}, {19, 0, 1}}, 95, 38},                      // both broadcast
      {{4, {2, 3, 1, 300}, {900, 300, 300, 1}, {900, 1, 0, 3}}, 1800, 1800},  // another layout
  };
  uint64_t seed = 0;
  for (const Case& c : cases) {
    for (int32_t code = 64; code <= 72; ++code) {
      const EltwiseArgs args{.op = static_cast<EltwiseOp>(code), .lo = -0.5f, .hi = 1};
      for (Isa isa : SupportedIsas()) {
        Random random(++seed);
        Buffer a(c.a_size, 1, &random, code == 70 ? 0.1f : -2, 2);
        Buffer b(c.b_size, 3, &random, -2, 2);
        int64_t n = 1;
        for (int i = 0; i < c.shape.rank; ++i) n *= c.shape.dims[i];
        Buffer y(n, 2);
        const EltwiseShape shape = Coalesce(c.shape);
        for (int64_t begin = 0; begin < n; begin += 23) {  // any cut
          EltwiseBinaryF32(isa, args, shape, a.data(), b.data(), y.data(), begin,
                           std::min(n, begin + 23));
        }
        for (int64_t i = 0; i < n; ++i) {
          int64_t rest = i;
          int64_t at_a = 0;
          int64_t at_b = 0;
          for (int k = c.shape.rank - 1; k >= 0; --k) {
            at_a += rest % c.shape.dims[k] * c.shape.a_strides[k];
            at_b += rest % c.shape.dims[k] * c.shape.b_strides[k];
            rest /= c.shape.dims[k];
          }
          ASSERT_LE(UlpError(y[i], EltwiseBinaryRef(args, a[at_a], b[at_b])), code == 70 ? 1 : 0.5)
              << IsaName(isa) << " op " << code << " element " << i;
        }
      }
    }
  }
}

TEST(ElementwiseF32, BinaryPropagatesNan) {
  const float values[] = {NAN, 1.0f, -2.0f};
  for (EltwiseOp op : {EltwiseOp::kMax, EltwiseOp::kMin, EltwiseOp::kAdd, EltwiseOp::kPRelu}) {
    for (Isa isa : SupportedIsas()) {
      for (float a : values) {
        for (float b : values) {
          float y = 0;
          const EltwiseArgs args{.op = op};
          EltwiseBinaryF32(isa, args, {1, {1}, {1}, {1}}, &a, &b, &y, 0, 1);
          const double want = EltwiseBinaryRef(args, a, b);
          if (op == EltwiseOp::kPRelu && a == 1.0f) {
            EXPECT_EQ(y, 1.0f);  // the slope is not used
          } else if (std::isnan(want)) {
            EXPECT_TRUE(std::isnan(y)) << IsaName(isa) << " " << a << " " << b;
          } else {
            EXPECT_EQ(y, want);
          }
        }
      }
    }
  }
}

TEST(ElementwiseF32, GateAtItsBounds) {
  const float b[] = {-1, -0.5f, 0, 2, 3, NAN, INFINITY, -INFINITY};
  const float a[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const EltwiseShape shape = {1, {8}, {1}, {1}};
  const auto gate = [&](Isa isa, float lo, float hi, bool closed) {
    std::vector<float> y(8);
    EltwiseBinaryF32(isa,
                     {.op = EltwiseOp::kGate, .alpha = closed ? 1.0f : 0.0f, .lo = lo, .hi = hi},
                     shape, a, b, y.data(), 0, 8);
    return y;
  };
  for (Isa isa : SupportedIsas()) {
    EXPECT_EQ(gate(isa, -0.5f, 2, true), (std::vector<float>{0, 2, 3, 4, 0, 0, 0, 0}));
    EXPECT_EQ(gate(isa, -0.5f, 2, false), (std::vector<float>{0, 0, 3, 0, 0, 0, 0, 0}));
    EXPECT_EQ(gate(isa, 0, INFINITY, false), (std::vector<float>{0, 0, 0, 4, 5, 0, 0, 0}));
    EXPECT_EQ(gate(isa, 0, INFINITY, true), (std::vector<float>{0, 0, 3, 4, 5, 0, 7, 0}));
  }
}

TEST(ElementwiseF32, CoalesceMerges) {
  EXPECT_EQ(Coalesce({3, {2, 3, 4}, {12, 4, 1}, {12, 4, 1}}).rank, 1);
  EXPECT_EQ(Coalesce({3, {2, 3, 4}, {12, 4, 1}, {0, 0, 0}}).rank, 1);
  EXPECT_EQ(Coalesce({3, {2, 3, 4}, {12, 4, 1}, {0, 4, 1}}).rank, 2);
  EXPECT_EQ(Coalesce({4, {1, 2, 1, 4}, {8, 4, 4, 1}, {0, 0, 0, 1}}).rank, 2);
  EXPECT_EQ(Coalesce({0, {}, {}, {}}).dims[0], 1);
}

}  // namespace
}  // namespace adze
