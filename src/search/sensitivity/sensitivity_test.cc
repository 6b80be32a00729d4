#include "search/sensitivity/sensitivity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "ir/text.h"
#include "lower/lower.h"
#include "runtime/executor.h"
#include "search/sensitivity/suffix.h"

namespace adze {
namespace {

Graph Parse(const std::string& text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

// Two branches: changing %b leaves %a, %s and the second output alone.
Graph Branches() {
  return Parse(R"(graph "g" {
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 2, -1, 0.5]
    %a = MatMul(%x, %w)
    %s = Sigmoid(%a)
    %b = Relu(%x)
    %m = Mul(%b, %s)
    %y = Add(%m, %a)
    output %y
    output %s
  })");
}

TEST(SuffixTest, KeepsWhatAChangeReaches) {
  const Graph g = Branches();
  const Suffix s = SuffixFrom(g, {g.value(g.FindValue("b")).producer});
  ASSERT_TRUE(Verify(s.graph).ok()) << Verify(s.graph).message();
  std::vector<std::string> ops;
  for (const NodeId id : s.graph.top().nodes) ops.push_back(s.graph.node(id).op.ToString());
  EXPECT_EQ(ops, (std::vector<std::string>{"Relu", "Mul", "Add"}));
  ASSERT_EQ(s.inputs.size(), 3u);
  EXPECT_EQ(s.inputs[0], g.FindValue("x"));
  EXPECT_EQ(std::set<ValueId>(s.inputs.begin() + 1, s.inputs.end()),
            (std::set<ValueId>{g.FindValue("a"), g.FindValue("s")}));
  ASSERT_EQ(s.graph.top().outputs.size(), 2u);
  EXPECT_EQ(s.graph.producer(s.graph.top().outputs[1]), nullptr);  // given
}

TEST(SuffixTest, NothingReachedIsAllGiven) {
  const Graph g = Branches();
  const Suffix s = SuffixFrom(g, {});
  EXPECT_TRUE(s.graph.top().nodes.empty());
  EXPECT_EQ(s.graph.top().outputs.size(), 2u);
  EXPECT_TRUE(Verify(s.graph).ok());
}

TEST(RankCorrelationTest, AgreesWithTheDefinition) {
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3, 4}, {10, 20, 30, 400}), 1);
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  // 1 - 6 * sum d^2 / (n (n^2 - 1)) with d = 0, 1, 1, 0.
  EXPECT_NEAR(RankCorrelation({1, 2, 3, 4}, {1, 3, 2, 4}), 1 - 6.0 * 2 / (4 * 15), 1e-12);
  EXPECT_NEAR(RankCorrelation({1, 1, 2}, {1, 1, 2}), 1, 1e-12);
  EXPECT_TRUE(std::isnan(RankCorrelation({1, 1}, {1, 2})));
  EXPECT_TRUE(std::isnan(RankCorrelation({1, NAN}, {1, 2})));
}

class SensitivityTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/sensitivity_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::ofstream x(folder_ + "/x.bin", std::ios::binary);
    std::ofstream labels(folder_ + "/labels.txt");
    for (int i = 0; i < 40; ++i) {
      for (int k = 0; k < 3 * 6 * 6; ++k) {
        const float v = normal(random);
        x.write(reinterpret_cast<const char*>(&v), sizeof(v));
      }
      labels << i % 5 << "\n";
    }
    std::ofstream(folder_ + "/data.yaml")
        << "inputs:\n  - kind: raw\n    file: x.bin\n    dtype: float32\n    shape: [3, 6, 6]\n"
           "labels: {file: labels.txt}\n"
           "splits:\n  calibration: {range: [0, 20]}\n  test: {range: [20, 40]}\n";
    x.close();
    labels.close();
    auto data = OpenDataset(folder_ + "/data.yaml");
    ASSERT_TRUE(data.ok()) << data.status().message();
    data_ = std::move(data).value();
  }

  // Five layers. With `planted` one output channel of the third reaches so many times further, and
  // its reader takes that back: only the scale that all channels share suffers.
  Graph Net(float planted) {
    Graph g = Parse(R"(graph "net" {
      input %x : float32[N,3,6,6]
      const %w1 : float32[8,3,3,3] = splat(1.0)
      const %w2 : float32[8,8,3,3] = splat(1.0)
      const %w3 : float32[8,8,1,1] = splat(1.0)
      const %w4 : float32[8,8,1,1] = splat(1.0)
      const %w5 : float32[8,5] = splat(1.0)
      %c1 = Conv(%x, %w1) {kernel_shape=[3,3], pads=[1,1,1,1]} "one"
      %r1 = Relu(%c1)
      %c2 = Conv(%r1, %w2) {kernel_shape=[3,3], pads=[1,1,1,1]} "two"
      %r2 = Relu(%c2)
      %c3 = Conv(%r2, %w3) {kernel_shape=[1,1]} "three"
      %a = Add(%c3, %r1)
      %c4 = Conv(%a, %w4) {kernel_shape=[1,1]} "four"
      %r4 = Relu(%c4)
      %g = GlobalAveragePool(%r4)
      %f = Flatten(%g)
      %y = MatMul(%f, %w5) "five"
      output %y
    })");
    uint32_t seed = 1;
    for (const char* name : {"w1", "w2", "w3", "w4", "w5"}) {
      const ValueId v = g.FindValue(name);
      Tensor t = Tensor::Allocate(DType::kFloat32, g.value(v).constant.dims());
      std::mt19937 random(seed++);
      std::normal_distribution<float> normal(0.0f, 0.3f);
      for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = normal(random);
      if (std::string(name) == "w3") {
        for (int64_t i = 0; i < 8; ++i) t.mutable_data<float>()[i] *= planted;
      }
      if (std::string(name) == "w4") {
        for (int64_t o = 0; o < 8; ++o) t.mutable_data<float>()[o * 8] /= planted;
      }
      g.SetConstant(v, t);
    }
    return g;
  }

  Sensitivity Measure(const Graph& g, int threads = 2) {
    SensitivityOptions options;
    options.quantize.split = "calibration";
    options.quantize.observer = "minmax";
    options.quantize.equalization = false;
    options.split = "test";
    ThreadPool pool(threads);
    auto s = MeasureSensitivity(g, *data_, options, &pool);
    EXPECT_TRUE(s.ok()) << s.status().message();
    return std::move(s).value();
  }

  std::string folder_;
  std::unique_ptr<Dataset> data_;
};

TEST_F(SensitivityTest, FiguresOfEveryLayer) {
  const Sensitivity s = Measure(Net(1));
  ASSERT_EQ(s.layers.size(), 5u);
  EXPECT_EQ(s.layers[0].name, "one");
  EXPECT_EQ(s.layers[4].result, "y");
  EXPECT_EQ(s.layers[1].parameters, 8 * 8 * 9);
  EXPECT_EQ(s.layers[1].macs, 8 * 8 * 9 * 36);
  EXPECT_EQ(s.samples, 20);
  EXPECT_EQ(s.metric, "top1");
  for (const LayerSensitivity& l : s.layers) {
    // One layer's noise is less than that of all, and without one of them there is less.
    EXPECT_GT(l.quantized.sqnr_db, s.all.sqnr_db - 0.5) << l.name;
    EXPECT_GT(l.kept.sqnr_db, s.all.sqnr_db - 1.0) << l.name;
    EXPECT_DOUBLE_EQ(l.gain_db, l.kept.sqnr_db - s.all.sqnr_db);
    EXPECT_GE(l.quantized.flip_rate, 0);
    EXPECT_FALSE(std::isnan(l.quantized.drop));
  }
  EXPECT_LT(s.share_repeated, 0.9);
}

TEST_F(SensitivityTest, AlonePlusFloatIsTheFloatNetwork) {
  // A network of one layer: alone quantized is all quantized, alone in float is the float network.
  Graph g = Parse(R"(graph "net" {
    input %x : float32[N,3,6,6]
    const %w : float32[5,3,6,6] = splat(1.0)
    %c = Conv(%x, %w) {kernel_shape=[6,6]}
    %y = Flatten(%c)
    output %y
  })");
  Tensor t = Tensor::Allocate(DType::kFloat32, {5, 3, 6, 6});
  for (int64_t i = 0; i < t.size(); ++i)
    t.mutable_data<float>()[i] = std::sin(static_cast<float>(i));
  g.SetConstant(g.FindValue("w"), t);
  const Sensitivity s = Measure(g);
  ASSERT_EQ(s.layers.size(), 1u);
  EXPECT_NEAR(s.layers[0].quantized.sqnr_db, s.all.sqnr_db, 0.01);
  EXPECT_GT(s.layers[0].kept.sqnr_db, 100);
}

TEST_F(SensitivityTest, ThePlantedLayerIsTheWorst) {
  const Sensitivity s = Measure(Net(100));
  // The Add's result has one channel that takes the codes of the others; layer four reads it.
  const auto worst = std::min_element(
      s.layers.begin(), s.layers.end(),
      [](const auto& a, const auto& b) { return a.quantized.sqnr_db < b.quantized.sqnr_db; });
  EXPECT_EQ(worst->name, "four");
  const auto most =
      std::max_element(s.layers.begin(), s.layers.end(),
                       [](const auto& a, const auto& b) { return a.gain_db < b.gain_db; });
  EXPECT_EQ(most->name, "four");
  EXPECT_GT(most->gain_db, 3);
}

TEST_F(SensitivityTest, SameForAnyNumberOfThreads) {
  const Sensitivity one = Measure(Net(1), 1);
  const Sensitivity three = Measure(Net(1), 3);
  for (size_t i = 0; i < one.layers.size(); ++i) {
    EXPECT_EQ(one.layers[i].quantized.sqnr_db, three.layers[i].quantized.sqnr_db);
    EXPECT_EQ(one.layers[i].kept.sqnr_db, three.layers[i].kept.sqnr_db);
  }
}

}  // namespace
}  // namespace adze
