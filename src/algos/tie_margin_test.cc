#include "algos/tie_margin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/text.h"

namespace adze {
namespace {

// The codes of one addition by three float32 evaluation orders.
void ExpectOneCode(bool product, const CodeScale& a, const CodeScale& b, const CodeScale& y) {
  const auto code = [&](float v) {
    return std::clamp(static_cast<int>(std::nearbyint(v)) + y.zero_point, 0, 255);
  };
  const auto f = [](double v) { return static_cast<float>(v); };
  int different = 0;
  for (int i = 0; i < 256; ++i) {
    for (int j = 0; j < 256; ++j) {
      const float p = f(i - a.zero_point);
      const float q = f(j - b.zero_point);
      const float sa = f(a.scale), sb = f(b.scale), sy = f(y.scale);
      const float u = product ? p * q * (sa * sb / sy) : p * (sa / sy) + q * (sb / sy);
      const float v = product ? (p * sa) * (q * sb) / sy : (p * sa + q * sb) / sy;
      const float w =
          product
              ? p * sa / sy * (q * sb)
              : std::fma(f(i), sa / sy,
                         std::fma(f(j), sb / sy,
                                  -(f(a.zero_point) * (sa / sy) + f(b.zero_point) * (sb / sy))));
      different += code(u) != code(v) || code(u) != code(w);
    }
  }
  EXPECT_EQ(different, 0);
}

// An addition of MobileNetV2: the pair (42, 149) gives 68.50000029, which ONNX Runtime rounds down.
TEST(TieMarginTest, FindsANearTie) {
  const CodeScale a = {0x1.b1555ep-6, 132};
  const CodeScale b = {0x1.129ac4p-6, 132};
  EXPECT_LT(TieDistance(false, a, b, {0x1.061306p-5, 134}), 1e-6);
  // Halves of codes everywhere.
  EXPECT_EQ(TieDistance(false, {0.5, 0}, {1, 0}, {1, 0}), 0);
  EXPECT_EQ(TieDistance(true, {0.5, 0}, {1, 0}, {1, 0}), 0);
  // Whole codes everywhere.
  EXPECT_EQ(TieDistance(false, {1, 3}, {2, 5}, {1, 0}), 0.5);
}

TEST(TieMarginTest, ScalesKeepTheirDistanceAndOrdersAgree) {
  constexpr const char* kNet = R"(graph "net" {
    input %x : float32[1,2,4,4]
    const %w : float32[2,2,1,1] = [1, 2, 3, 4]
    %a = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %b = Conv(%a, %w, _) {kernel_shape=[1,1]}
    %s = Add(%a, %b)
    %r = Relu(%s)
    %m = Mul(%r, %b)
    %d = Sub(%m, %a)
    %y = Conv(%d, %w, _) {kernel_shape=[1,1]}
    output %y
  })";
  auto graph = ParseGraph(kNet);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const QuantizationPlan plan = PlanQuantization(*graph, {});
  std::mt19937 rng(3);
  for (int trial = 0; trial < 10; ++trial) {
    Encodings encodings;
    std::map<std::string, float> before;
    for (const char* name : {"x", "a", "b", "r", "m", "d"}) {
      TensorEncoding e;
      e.type = {DType::kUInt8, {0.01f + static_cast<float>(rng() % 1000) / 20000}, {0}};
      e.type.zero_point = {static_cast<int32_t>(rng() % 256)};
      before[name] = e.type.scale[0];
      encodings.tensors[name] = e;
    }
    KeepFromTies(*graph, plan, &encodings);
    const auto scale = [&](const char* name, float sign = 1) {
      const QuantType& q = encodings.tensors.at(name).type;
      EXPECT_GE(q.scale[0], before[name]);
      EXPECT_LE(q.scale[0], before[name] * 1.001f);
      return CodeScale{sign * q.scale[0], q.zero_point[0]};
    };
    EXPECT_EQ(scale("a").scale, before["a"]);
    EXPECT_EQ(scale("b").scale, before["b"]);
    EXPECT_GE(TieDistance(false, scale("a"), scale("b"), scale("r")), kTieMargin);
    EXPECT_GE(TieDistance(true, scale("r"), scale("b"), scale("m")), kTieMargin);
    EXPECT_GE(TieDistance(false, scale("m"), scale("a", -1), scale("d")), kTieMargin);
    ExpectOneCode(false, scale("a"), scale("b"), scale("r"));
    ExpectOneCode(true, scale("r"), scale("b"), scale("m"));
    ExpectOneCode(false, scale("m"), scale("a", -1), scale("d"));
  }
}

}  // namespace
}  // namespace adze
