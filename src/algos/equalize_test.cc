#include "algos/equalize.h"

#include <gtest/gtest.h>

#include <random>

#include "ir/text.h"
#include "lower/lower.h"
#include "runtime/executor.h"

namespace adze {
namespace {

constexpr const char* kNet = R"(graph "net" {
  input %x : float32[1,2,2,2]
  const %w1 : float32[3,2,1,1] = [1, 0, 0, 0.1, 0, 0.01]
  const %b1 : float32[3] = [0.5, 0.05, 0]
  const %w2 : float32[3,1,1,1] = [2, 3, 4]
  const %w3 : float32[1,3,1,1] = [1, 1, 1]
  const %lo : float32[] = [0]
  const %hi : float32[] = [6]
  %c = Conv(%x, %w1, %b1) {kernel_shape=[1,1]}
  %r = ACTIVATION
  %d = Conv(%r, %w2, _) {kernel_shape=[1,1], group=3}
  %y = Conv(%d, %w3, _) {kernel_shape=[1,1]}
  output %y
})";

Graph Net(const std::string& activation) {
  std::string text = kNet;
  text.replace(text.find("ACTIVATION"), 10, activation);
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

Statistics StatisticsOf(const std::vector<float>& maxima) {
  Statistics s;
  s.samples = 32;
  for (const float m : maxima) {
    ChannelRecord::Channel c;
    c.max = m;
    c.count = 4;
    c.sum_squares.Collect(4 * 0.01 * m * m);
    s.tensors["r"].channel.channels.push_back(c);
  }
  return s;
}

std::vector<float> RunNet(const Graph& graph, const std::vector<float>& x) {
  ThreadPool pool(1);
  const auto lowered = Lower(graph, {Isa::kGeneric, {}});
  EXPECT_TRUE(lowered.ok()) << lowered.status().message();
  Executor executor(lowered->plan, &pool);
  const std::vector<int64_t> dims = {1, 2, 2, 2};
  const ConstTensorView view{DType::kFloat32, dims, x.data()};
  EXPECT_TRUE(executor.Run({&view, 1}).ok());
  const Tensor y = executor.ReadFloat(executor.plan().outputs[0]);
  const auto values = y.values<float>();
  return {values.begin(), values.end()};
}

TEST(EqualizeTest, ScalesChannelsAndKeepsTheFunction) {
  const std::vector<float> x = {1, 2, 3, 4, -1, 0.5f, 2, 3};
  for (const char* activation : {"Relu(%c)", "Clip(%c, %lo, %hi)"}) {
    SCOPED_TRACE(activation);
    Graph g = Net(activation);
    const std::vector<float> before = RunNet(g, x);
    const Statistics statistics = StatisticsOf({4.5f, 0.35f, 0.03f});
    const auto found = FindEqualizations(g, PlanQuantization(g, {}), statistics);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].producers[0].node, g.value(g.FindValue("c")).producer);
    EXPECT_EQ(found[0].consumers[0].node, g.value(g.FindValue("d")).producer);
    // All channels reach the same extreme.
    EXPECT_FLOAT_EQ(found[0].scale[0], 1);
    EXPECT_FLOAT_EQ(found[0].scale[1], 4.5f / 0.35f);
    EXPECT_FLOAT_EQ(found[0].scale[2], 150);
    Equalize(found[0], &g);
    const std::vector<float> after = RunNet(g, x);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-5f);
  }
}

TEST(EqualizeTest, AClipBoundsTheScale) {
  const Graph g = Net("Clip(%c, %lo, %hi)");
  const auto found = FindEqualizations(g, PlanQuantization(g, {}), StatisticsOf({6, 4, 1}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FLOAT_EQ(found[0].scale[1], 6 / (1.2f * 4));
  EXPECT_FLOAT_EQ(found[0].scale[2], 5);
  // Too few samples to know how far a channel reaches.
  Statistics few = StatisticsOf({6, 4, 1});
  few.samples = 31;
  EXPECT_TRUE(FindEqualizations(g, PlanQuantization(g, {}), few).empty());
}

// Silu is not homogeneous: the factors stand behind it.
TEST(EqualizeTest, ChannelFactorsBehindOtherActivations) {
  for (const char* activation : {"adze.Silu(%c)", "HardSwish(%c)", "Sigmoid(%c)"}) {
    SCOPED_TRACE(activation);
    const std::vector<float> x = {1, 2, 3, 4, -1, 0.5f, 2, 3};
    Graph g = Net(activation);
    const std::vector<float> before = RunNet(g, x);
    Statistics statistics = StatisticsOf({4.5f, 0.35f, 0.03f});
    EXPECT_TRUE(FindEqualizations(g, PlanQuantization(g, {}), statistics).empty());
    const std::vector<ValueId> places = ChannelFactorPlaces(g, PlanQuantization(g, {}));
    ASSERT_EQ(places, std::vector{g.FindValue("r")});
    ASSERT_TRUE(InsertChannelFactors(&g, places).ok());
    ASSERT_TRUE(Verify(g).ok()) << Verify(g).message();
    statistics.tensors[ChannelFactorName("r")] = statistics.tensors["r"];
    // The product is what is rounded, not the activation before it.
    const QuantizationPlan plan = PlanQuantization(g, {});
    EXPECT_EQ(plan.group_of[static_cast<size_t>(g.FindValue("r"))], -1);
    EXPECT_GE(plan.group_of[static_cast<size_t>(g.FindValue("r_scaled"))], 0);
    EXPECT_TRUE(ChannelFactorPlaces(g, plan).empty());
    const auto found = FindEqualizations(g, plan, statistics);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_FLOAT_EQ(found[0].scale[2], 150);
    Equalize(found[0], &g);
    EXPECT_FLOAT_EQ(g.value(g.FindValue("r_factor")).constant.data<float>()[2], 150);
    const std::vector<float> after = RunNet(g, x);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-5f);
  }
}

// Two convolutions joined by a Concat and pooled, read by one that is not depthwise.
TEST(EqualizeTest, FollowsConcatAndPooling) {
  auto parsed = ParseGraph(R"(graph "net" {
    input %x : float32[1,2,2,2]
    const %w1 : float32[2,2,1,1] = [1, 0, 0, 0.1]
    const %w2 : float32[1,2,1,1] = [0.02, 0.01]
    const %w3 : float32[2,3,1,1] = [1, 2, 3, 4, 5, 6]
    %a = Conv(%x, %w1, _) {kernel_shape=[1,1]}
    %ar = Relu(%a)
    %b = Conv(%x, %w2, _) {kernel_shape=[1,1]}
    %br = Relu(%b)
    %j = Concat(%ar, %br) {axis=1}
    %r = MaxPool(%j) {kernel_shape=[1,1]}
    %y = Conv(%r, %w3, _) {kernel_shape=[1,1]}
    output %y
  })");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  Graph g = std::move(parsed).value();
  const std::vector<float> x = {1, 2, 3, 4, -1, 0.5f, 2, 3};
  const std::vector<float> before = RunNet(g, x);
  const auto found = FindEqualizations(g, PlanQuantization(g, {}), StatisticsOf({4, 1, 0.25f}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].producers.size(), 2u);
  EXPECT_EQ(found[0].consumers[0].channels, (std::vector<int>{0, 1, 2}));
  // The same exponent for all channels.
  EXPECT_EQ(found[0].scale[0], 1);
  EXPECT_GT(found[0].scale[1], 1);
  EXPECT_FLOAT_EQ(found[0].scale[2], found[0].scale[1] * found[0].scale[1]);
  Equalize(found[0], &g);
  const std::vector<float> after = RunNet(g, x);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-4f);
}

TEST(EqualizeTest, LeavesWhatItCannotScale) {
  const auto none = [](const Graph& g, const std::vector<float>& maxima) {
    return FindEqualizations(g, PlanQuantization(g, {}), StatisticsOf(maxima)).empty();
  };
  EXPECT_TRUE(none(Net("Sigmoid(%c)"), {1, 1, 1}));         // not homogeneous
  EXPECT_TRUE(none(Net("Clip(%c, %hi, %hi)"), {6, 6, 6}));  // a lower bound above zero
  EXPECT_TRUE(none(Net("Relu(%c)"), {1, 1}));               // statistics of something else
  Graph g = Net("Relu(%c)");
  // A channel that never fires is left alone.
  const auto found = FindEqualizations(g, PlanQuantization(g, {}), StatisticsOf({2, 0, 1}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].scale, (std::vector<float>{1, 1, 2}));
}

}  // namespace
}  // namespace adze
