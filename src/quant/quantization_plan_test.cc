#include "quant/quantization_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "ir/text.h"

namespace adze {
namespace {

Graph Parse(const std::string& body) {
  auto graph = ParseGraph("graph \"g\" {\n" + body + "\n}");
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

constexpr const char* kWeight = "const %w : float32[3,3,1,1] = splat(0.5)\n";

std::vector<std::string> Names(const Graph& g, const std::vector<ValueId>& ids) {
  std::vector<std::string> out;
  for (const ValueId v : ids) out.push_back(g.value(v).name);
  std::sort(out.begin(), out.end());
  return out;
}

using Strings = std::vector<std::string>;

// The group of the value called `name`; its members sorted by name.
Strings GroupOf(const Graph& g, const QuantizationPlan& plan, const std::string& name) {
  const int i = plan.group_of[static_cast<size_t>(g.FindValue(name))];
  return i < 0 ? Strings{} : Names(g, plan.groups[static_cast<size_t>(i)].values);
}
Strings SourcesOf(const Graph& g, const QuantizationPlan& plan, const std::string& name) {
  const int i = plan.group_of[static_cast<size_t>(g.FindValue(name))];
  return i < 0 ? Strings{} : Names(g, plan.groups[static_cast<size_t>(i)].sources);
}
std::string ReasonFor(const QuantizationPlan& plan, const std::string& node) {
  for (const FloatNode& f : plan.float_nodes) {
    if (f.node == node) return f.reason;
  }
  return "";
}

TEST(QuantizationPlanTest, FusesTheActivationAndGroupsPooling) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    const %lo : float32[] = [0]
    const %hi : float32[] = [6]
    %c = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %r = Clip(%c, %lo, %hi)
    %p = MaxPool(%r) {kernel_shape=[2,2], strides=[2,2]}
    %y = Conv(%p, %w, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(GroupOf(g, plan, "x"), (Strings{"x"}));
  EXPECT_EQ(GroupOf(g, plan, "c"), Strings{});  // between Conv and Clip nothing is rounded
  EXPECT_EQ(GroupOf(g, plan, "r"), (Strings{"p", "r"}));
  EXPECT_EQ(SourcesOf(g, plan, "p"), (Strings{"r"}));
  EXPECT_EQ(GroupOf(g, plan, "y"), Strings{});  // the result: multiplied on integers, not rounded
  EXPECT_EQ(plan.nodes[static_cast<size_t>(g.value(g.FindValue("y")).producer)],
            NodePlan::kFloatResult);
  QuantSettings integer_results;
  integer_results.float_tail = false;
  EXPECT_EQ(GroupOf(g, PlanQuantization(g, integer_results), "y"), (Strings{"y"}));
  EXPECT_EQ(plan.weights.size(), 2u);
  EXPECT_TRUE(plan.float_nodes.empty());
  EXPECT_DOUBLE_EQ(plan.int8_macs_share, 1.0);
  EXPECT_EQ(plan.nodes[static_cast<size_t>(g.value(g.FindValue("c")).producer)],
            NodePlan::kFusedBefore);
}

TEST(QuantizationPlanTest, AnActivationIsNotFusedWhenTheValueBetweenHasOtherUsers) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    %c = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %r = Relu(%c)
    %s = Add(%r, %c)
    %y = Conv(%s, %w, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(GroupOf(g, plan, "c"), (Strings{"c"}));
  EXPECT_EQ(GroupOf(g, plan, "r"), (Strings{"r"}));
  EXPECT_EQ(GroupOf(g, plan, "s"), (Strings{"s"}));  // the addition keeps all three scales apart
}

TEST(QuantizationPlanTest, ConcatSharesScalesAndAveragesDoNot) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    const %v : float32[4,6,1,1] = splat(0.5)
    %a = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %b = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %k = Concat(%a, %b) {axis=1}
    %m = AveragePool(%k) {kernel_shape=[2,2], strides=[2,2]}
    %y = Conv(%m, %v, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(GroupOf(g, plan, "k"), (Strings{"a", "b", "k"}));
  EXPECT_EQ(GroupOf(g, plan, "m"), (Strings{"m"}));
  EXPECT_EQ(SourcesOf(g, plan, "k"), (Strings{"a", "b"}));
}

TEST(QuantizationPlanTest, DataMovementBeforeTheFirstConvolutionRunsOnIntegers) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,8,8,3]
    %t = Transpose(%x) {perm=[0,3,1,2]}
    %y = Conv(%t, %w, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(GroupOf(g, plan, "t"), (Strings{"t", "x"}));
  EXPECT_EQ(SourcesOf(g, plan, "t"), (Strings{"x"}));
}

TEST(QuantizationPlanTest, NothingIsRoundedBetweenAConvolutionAndItsActivation) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    const %f : float32[3,1,1] = [1, 2, 3]
    const %p : float32[1,1,8] = splat(2)
    %c = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %s = adze.Silu(%c)
    %m = Mul(%f, %s)
    %d = Conv(%m, %w, _) {kernel_shape=[1,1]}
    %h = HardSwish(%d)
    %q = Mul(%h, %p)
    %e = Add(%h, %q)
    %l = LeakyRelu(%e)
    %y = Conv(%l, %w, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  for (const char* between : {"c", "s", "f", "d"}) EXPECT_EQ(GroupOf(g, plan, between), Strings{});
  // Factors along another axis, other readers, and what is no multiply-accumulate stay apart.
  for (const char* rounded : {"m", "h", "q", "p", "e", "l"}) {
    EXPECT_EQ(GroupOf(g, plan, rounded), (Strings{rounded}));
  }
  EXPECT_TRUE(plan.float_nodes.empty());
  QuantSettings apart;
  apart.fuse_activations = false;
  const QuantizationPlan separate = PlanQuantization(g, apart);
  for (const char* rounded : {"c", "s", "f", "d"}) {
    EXPECT_EQ(GroupOf(g, separate, rounded), (Strings{rounded}));
  }
}

// Axis 1 of a MatMul's result is not that of its output channels.
TEST(QuantizationPlanTest, FactorsBehindAMatMulAreRounded) {
  const Graph g = Parse(R"(
    input %x : float32[N,3,3]
    const %w : float32[3,3] = splat(0.5)
    const %f : float32[3,1] = [1, 2, 3]
    %m = MatMul(%x, %w)
    %s = adze.Silu(%m)
    %p = Mul(%s, %f)
    %y = MatMul(%p, %w)
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(GroupOf(g, plan, "m"), Strings{});
  EXPECT_EQ(GroupOf(g, plan, "s"), (Strings{"s"}));
  EXPECT_EQ(GroupOf(g, plan, "p"), (Strings{"p"}));
}

TEST(QuantizationPlanTest, SiluHasAFixedRangeInside) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    %c = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %s = Sigmoid(%c)
    %m = Mul(%c, %s)
    %y = Conv(%m, %w, _) {kernel_shape=[1,1]}
    output %y)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  const ActivationGroup& s =
      plan.groups[static_cast<size_t>(plan.group_of[static_cast<size_t>(g.FindValue("s"))])];
  EXPECT_TRUE(s.has_fixed_range);
  EXPECT_FALSE(s.needs_statistics);
  EXPECT_EQ(s.fixed_min, 0.0f);
  EXPECT_EQ(s.fixed_max, 1.0f);
  EXPECT_EQ(GroupOf(g, plan, "c"), (Strings{"c"}));
  EXPECT_EQ(GroupOf(g, plan, "m"), (Strings{"m"}));
}

TEST(QuantizationPlanTest, FloatNodesHaveReasons) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    input %d : float32[3,3,1,1]
    %a = Conv(%x, %d, _) {kernel_shape=[1,1]} "dynamic"
    %l = Log(%a) "log"
    %e = Mul(%l, %x) "mul"
    %b = Conv(%e, %w, _) {kernel_shape=[1,1]} "conv"
    %g = GlobalAveragePool(%b) "pool"
    %s = Softmax(%g) {axis=1} "softmax"
    output %s)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  EXPECT_EQ(ReasonFor(plan, "dynamic"), "its weight is not constant");
  EXPECT_NE(ReasonFor(plan, "mul").find("is not computed in integers"), std::string::npos);
  EXPECT_NE(ReasonFor(plan, "pool").find("last multiply-accumulate"), std::string::npos);
  EXPECT_EQ(ReasonFor(plan, "softmax"), "the operator has no integer form");
  EXPECT_EQ(ReasonFor(plan, "conv"), "");
  EXPECT_EQ(GroupOf(g, plan, "e"), (Strings{"e"}));  // read by the convolution
  EXPECT_NEAR(plan.int8_macs_share, 0.5, 1e-9);      // two convolutions of one size

  QuantSettings whole;
  whole.float_tail = false;
  EXPECT_EQ(GroupOf(g, PlanQuantization(g, whole), "g"), (Strings{"g"}));
}

TEST(QuantizationPlanTest, LayersKeptInFloatAreGivenWhatIsNotRounded) {
  const Graph g = Parse(std::string(kWeight) + R"(
    input %x : float32[N,3,8,8]
    %a = Conv(%x, %w, _) {kernel_shape=[1,1]}
    %ra = Relu(%a)
    %p = MaxPool(%ra) {kernel_shape=[2,2], strides=[2,2]}
    %b = Conv(%p, %w, _) {kernel_shape=[1,1]} "b"
    %rb = Relu(%b) "rb"
    %c = Conv(%rb, %w, _) {kernel_shape=[1,1]}
    %s = Add(%c, %p)
    %d = Conv(%s, %w, _) {kernel_shape=[1,1]}
    %y = Relu(%d)
    output %y)");
  const auto node = [&](const QuantizationPlan& plan, const char* value) {
    return plan.nodes[static_cast<size_t>(g.value(g.FindValue(value)).producer)];
  };
  QuantSettings settings;
  settings.keep_float = {"b"};
  QuantizationPlan plan = PlanQuantization(g, settings);
  EXPECT_EQ(node(plan, "b"), NodePlan::kFloat);
  EXPECT_EQ(node(plan, "rb"), NodePlan::kFloat);
  EXPECT_EQ(ReasonFor(plan, "b"), "it is kept in float");
  EXPECT_EQ(GroupOf(g, plan, "rb"), (Strings{"rb"}));      // for the convolution behind it
  EXPECT_EQ(GroupOf(g, plan, "p"), (Strings{"p", "ra"}));  // the sum reads it on integers
  EXPECT_EQ(plan.weights.size(), 3u);
  EXPECT_NEAR(plan.int8_macs_share, 1 - 16.0 / (64 + 3 * 16), 1e-9);

  // Nobody but kept layers reads what lies between: it is not rounded at all.
  settings.keep_float = {"c", "d"};
  plan = PlanQuantization(g, settings);
  EXPECT_EQ(node(plan, "b"), NodePlan::kFloatResult);
  EXPECT_EQ(node(plan, "rb"), NodePlan::kFloat);
  EXPECT_EQ(node(plan, "s"), NodePlan::kFloat);
  EXPECT_EQ(GroupOf(g, plan, "b"), Strings{});
  EXPECT_EQ(GroupOf(g, plan, "rb"), Strings{});
  EXPECT_EQ(GroupOf(g, plan, "s"), Strings{});
  settings.keep_float = {"b", "c", "d"};
  plan = PlanQuantization(g, settings);
  EXPECT_EQ(node(plan, "a"), NodePlan::kFloatResult);
  EXPECT_EQ(GroupOf(g, plan, "p"), Strings{});
  EXPECT_EQ(plan.groups.size(), 1u);  // the input of the first convolution
}

TEST(QuantizationPlanTest, GemmForms) {
  const Graph g = Parse(R"(
    input %x : float32[N,2]
    const %w : float32[3,2] = splat(0.5)
    const %v : float32[3,4] = splat(0.5)
    const %rows : float32[4,1] = splat(1)
    %a = Gemm(%x, %w, _) {transB=1} "a"
    %b = Gemm(%a, %v, _) "b"
    %c = Gemm(%a, %v, _) {alpha=0.5} "c"
    output %b
    output %c)");
  const QuantizationPlan plan = PlanQuantization(g, {});
  ASSERT_EQ(plan.weights.size(), 2u);
  EXPECT_EQ(plan.weights[0].axis, 0);
  EXPECT_EQ(plan.weights[1].axis, 1);
  EXPECT_EQ(ReasonFor(plan, "c"), "alpha is not 1");
}

TEST(WeightEncodingTest, IsSymmetricPerChannelAndRefusesNaN) {
  Graph g = Parse("const %w : float32[2,2] = [1, -2, 0, 0.5]\noutput %w");
  const ValueId w = g.FindValue("w");
  const auto rows = WeightEncoding(g, {kNoId, w, 0});
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->type.storage, DType::kInt8);
  EXPECT_FLOAT_EQ(rows->type.scale[0], 2.0f / 127);
  EXPECT_FLOAT_EQ(rows->type.scale[1], 0.5f / 127);
  const auto columns = WeightEncoding(g, {kNoId, w, 1});
  ASSERT_TRUE(columns.ok());
  EXPECT_FLOAT_EQ(columns->type.scale[0], 1.0f / 127);
  EXPECT_FLOAT_EQ(columns->type.scale[1], 2.0f / 127);
  g.SetConstant(w, Tensor::FromValues<float>({2, 2}, {1, std::nanf(""), 0, 0}));
  const auto broken = WeightEncoding(g, {kNoId, w, 0});
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.status().code(), StatusCode::kInvalidInput);
  EXPECT_NE(broken.status().message().find("weight 'w' holds NaN"), std::string::npos);
}

}  // namespace
}  // namespace adze
