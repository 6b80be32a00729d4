#include "algos/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "algos/auto_select.h"
#include "algos/keep_float.h"
#include "ir/text.h"

namespace adze {
namespace {

// A data set of `count` random float32 samples of `elements` numbers each, one of which may be
// replaced.
class CalibTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/calib_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }

  std::unique_ptr<Dataset> MakeData(int64_t count, const std::vector<int64_t>& dims,
                                    uint32_t seed = 1, float replaced = 0) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.1f, 1.0f);
    const int64_t elements = NumElements(dims);
    std::vector<float> values(static_cast<size_t>(count * elements));
    for (float& v : values) v = normal(random);
    if (replaced != 0) values[values.size() / 2] = replaced;
    std::ofstream file(folder_ + "/x.bin", std::ios::binary);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
    file.close();
    std::string shape;
    for (const int64_t d : dims) shape += (shape.empty() ? "" : ", ") + std::to_string(d);
    std::ofstream yaml(folder_ + "/data.yaml");
    yaml << "inputs:\n  - kind: raw\n    file: x.bin\n    dtype: float32\n    shape: [" << shape
         << "]\nsplits:\n  half: {every: 2}\n";
    yaml.close();
    auto dataset = OpenDataset(folder_ + "/data.yaml");
    EXPECT_TRUE(dataset.ok()) << dataset.status().message();
    return std::move(dataset).value();
  }

  std::string folder_;
  ThreadPool pool_{2};
};

Graph Parse(const std::string& text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

std::string RandomConstant(const std::string& name, const std::string& shape, int64_t elements,
                           float sigma, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, sigma);
  std::string out = "const %" + name + " : float32[" + shape + "] = [";
  for (int64_t i = 0; i < elements; ++i) {
    char number[32];
    std::snprintf(number, sizeof(number), "%s%.9g", i == 0 ? "" : ", ", normal(random));
    out += number;
  }
  return out + "]\n";
}

// Two convolutions around a residual and a pooling, then a classifier.
Graph SmallNet() {
  return Parse(
      "graph \"net\" {\ninput %x : float32[N,3,8,8]\n" +
      RandomConstant("w1", "8,3,3,3", 216, 0.2f, 1) + RandomConstant("b1", "8", 8, 0.1f, 2) +
      RandomConstant("w2", "8,8,3,3", 576, 0.15f, 3) + RandomConstant("b2", "8", 8, 0.1f, 4) +
      RandomConstant("w3", "8,10", 80, 0.4f, 5) + R"(
    %c1 = Conv(%x, %w1, %b1) {kernel_shape=[3,3], pads=[1,1,1,1]}
    %r1 = Relu(%c1)
    %c2 = Conv(%r1, %w2, %b2) {kernel_shape=[3,3], pads=[1,1,1,1]}
    %s = Add(%c2, %r1)
    %r2 = Relu(%s)
    %g = GlobalAveragePool(%r2)
    %f = Flatten(%g)
    %y = MatMul(%f, %w3)
    output %y
  })");
}

TEST_F(CalibTest, StatisticsSeeEveryTensorWhateverTheThreads) {
  const auto data = MakeData(20, {3, 8, 8});
  const Graph g = SmallNet();
  CollectOptions options;
  for (const char* name : {"x", "r1", "r2", "y"}) options.values.push_back(g.FindValue(name));
  options.channel_values = options.values;
  const auto two = CollectStatistics(g, *data, options, &pool_);
  ASSERT_TRUE(two.ok()) << two.status().message();
  EXPECT_EQ(two->samples, 20u);
  ASSERT_EQ(two->tensors.size(), 4u);
  EXPECT_EQ(two->tensors.at("x").hist.total(), 20u * 192);
  EXPECT_EQ(two->tensors.at("r1").hist.total(), 20u * 512);
  EXPECT_EQ(two->tensors.at("r1").range.samples, 20u);
  EXPECT_EQ(two->tensors.at("r1").range.min, 0.0f);
  EXPECT_EQ(two->tensors.at("r1").channel.channels.size(), 8u);
  EXPECT_EQ(two->tensors.at("r1").channel.channels[0].count, 20u * 64);
  EXPECT_EQ(two->tensors.at("y").channel.channels.size(), 10u);

  ThreadPool one(1);
  const auto again = CollectStatistics(g, *data, options, &one);
  ASSERT_TRUE(again.ok());
  for (const auto& [name, record] : two->tensors) {
    EXPECT_EQ(record.hist, again->tensors.at(name).hist) << name;
    EXPECT_EQ(record.range.max, again->tensors.at(name).range.max);
  }
}

TEST_F(CalibTest, QuantizedNetworkIsCloseAndComplete) {
  const auto data = MakeData(64, {3, 8, 8});
  const Graph g = SmallNet();
  for (const char* observer : {"auto", "minmax", "averaged", "percentile", "entropy", "mse"}) {
    QuantizeSettings settings;
    settings.observer = observer;
    settings.split = "half";
    const auto q = QuantizeModel(g, *data, settings, &pool_);
    ASSERT_TRUE(q.ok()) << observer << ": " << q.status().message();
    ASSERT_TRUE(Verify(q->graph).ok());
    EXPECT_DOUBLE_EQ(q->report.int8_macs_share, 1.0);
    EXPECT_TRUE(q->report.float_nodes.empty());
    const auto sqnr = OutputSqnr(g, {&q->graph}, *data, "all", 64, Isa::kGeneric, &pool_);
    ASSERT_TRUE(sqnr.ok()) << sqnr.status().message();
    EXPECT_GT((*sqnr)[0], 20.0) << observer;
    EXPECT_EQ(q->corrected_biases, 2);
    EXPECT_EQ(q->rounded, 3);
    // The encodings are the decision: applied to the float network they belong to they give the
    // same network.
    Graph copy = q->adjusted;
    EXPECT_EQ(q->encodings.graph_hash, GraphHash(copy));
    ASSERT_TRUE(ApplyEncodings(copy, q->encodings).ok());
    EXPECT_TRUE(PrintGraph(copy) == PrintGraph(q->graph)) << observer;
    // Without repairs that is the user's own.
    settings.equalization = settings.adaptive_rounding = settings.bias_correction = false;
    const auto plain = QuantizeModel(g, *data, settings, &pool_);
    ASSERT_TRUE(plain.ok()) << plain.status().message();
    copy = g;
    ASSERT_TRUE(ApplyEncodings(copy, plain->encodings).ok());
    EXPECT_TRUE(PrintGraph(copy) == PrintGraph(plain->graph)) << observer;
  }
}

TEST_F(CalibTest, AdaptiveRoundingLowersTheError) {
  const auto data = MakeData(64, {3, 8, 8});
  const Graph g = SmallNet();
  QuantizeSettings settings;
  settings.observer = "minmax";
  for (const bool bias : {false, true}) {
    double db[2];
    for (const bool rounding : {false, true}) {
      settings.bias_correction = bias;
      settings.adaptive_rounding = rounding;
      const auto q = QuantizeModel(g, *data, settings, &pool_);
      ASSERT_TRUE(q.ok()) << q.status().message();
      const auto sqnr = OutputSqnr(g, {&q->graph}, *data, "all", 64, Isa::kGeneric, &pool_);
      ASSERT_TRUE(sqnr.ok());
      db[rounding ? 1 : 0] = (*sqnr)[0];
    }
    EXPECT_GT(db[1], db[0] + 0.5) << bias;
  }
}

TEST_F(CalibTest, AutoIsAtLeastAsGoodAsEachObserverAndDeterministic) {
  const auto data = MakeData(40, {3, 8, 8}, 2, 60.0f);
  const Graph g = SmallNet();
  QuantizeSettings settings;
  const auto q = QuantizeModel(g, *data, settings, &pool_);
  ASSERT_TRUE(q.ok()) << q.status().message();
  ASSERT_EQ(q->scores.size(), 2 + AllObservers().size());
  EXPECT_EQ(q->scores[0].observer, "auto");
  for (const ObserverScore& s : q->scores) {
    EXPECT_GE(q->scores[0].sqnr_db + 0.05, s.sqnr_db) << s.observer;
  }
  ThreadPool one(1);
  const auto again = QuantizeModel(g, *data, settings, &one);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->encodings, q->encodings);

  // From saved statistics, without collecting again.
  settings.statistics = &q->statistics;
  const auto reused = QuantizeModel(g, *data, settings, &pool_);
  ASSERT_TRUE(reused.ok()) << reused.status().message();
  EXPECT_EQ(reused->encodings, q->encodings);
  settings.observer = "minmax";
  const Graph other =
      Parse("graph \"o\" {\ninput %x : float32[N,3,8,8]\n%y = Relu(%x)\noutput %y\n}");
  const auto refused = QuantizeModel(other, *data, settings, &pool_);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("another graph"), std::string::npos);
}

TEST_F(CalibTest, RefusesBrokenInput) {
  const Graph g = SmallNet();
  const auto message = [&](const Graph& graph, const Dataset& data, QuantizeSettings settings) {
    const auto q = QuantizeModel(graph, data, settings, &pool_);
    EXPECT_FALSE(q.ok());
    return q.ok() ? std::string() : q.status().message();
  };
  const auto nan = MakeData(8, {3, 8, 8}, 1, std::nanf(""));
  const std::string in_data = message(g, *nan, {});
  EXPECT_NE(in_data.find("tensor 'x' holds NaN"), std::string::npos) << in_data;
  EXPECT_NE(in_data.find("sample"), std::string::npos) << in_data;

  const auto wrong = MakeData(8, {3, 8, 9});
  EXPECT_NE(message(Parse(R"(graph "g" {
    input %x : float32[N,3,8,8]
    %y = Relu(%x)
    output %y
  })"),
                    *wrong, {})
                .find("x"),
            std::string::npos);

  const auto data = MakeData(8, {3, 8, 8});
  QuantizeSettings settings;
  settings.split = "nothing";
  EXPECT_NE(message(g, *data, settings).find("nothing"), std::string::npos);
  settings = {};
  settings.observer = "best";
  EXPECT_NE(message(g, *data, settings).find("unknown observer 'best'"), std::string::npos);
  settings = {};
  settings.percentile = 101;
  EXPECT_NE(message(g, *data, settings).find("percentile"), std::string::npos);

  Graph weights = g;
  weights.SetConstant(weights.FindValue("w3"), [] {
    Tensor t = Tensor::Allocate(DType::kFloat32, {8, 10});
    t.mutable_data<float>()[7] = std::nanf("");
    return t;
  }());
  EXPECT_NE(message(weights, *data, {}).find("weight 'w3' holds NaN"), std::string::npos);
}

TEST(ShortlistTest, JoinsRangesThatHardlyDiffer) {
  const ObserverSpec spec;
  std::vector<AffineParams> proposals;
  for (const float high : {6.0f, 6.05f, 4.0f, 3.97f, 6.01f}) {
    proposals.push_back(ChooseAffineParams(0, high, DType::kUInt8, false));
  }
  const Candidates c = Shortlist(proposals, spec.storage, 0.02);
  EXPECT_EQ(c.params.size(), 2u);
  EXPECT_EQ(c.of_observer, (std::vector<int>{0, 0, 1, 1, 0}));
}

TEST(OutputErrorTest, IsTheMeanOverOutputs) {
  OutputError e;
  const float a[] = {2, 0};
  const float b[] = {1, 0};
  const float c[] = {10};
  e.Collect(0, a, b);
  e.Collect(1, c, c);
  EXPECT_DOUBLE_EQ(e.Finish(), 0.125);
}

TEST_F(CalibTest, LayersKeptInFloatGiveTheirErrorBack) {
  const auto data = MakeData(24, {3, 8, 8});
  const Graph net = SmallNet();
  QuantizeSettings settings;
  settings.samples = 24;
  const Result<QuantizeResult> whole = QuantizeModel(net, *data, settings, &pool_);
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  const FullyQuantized base = {whole->equalized_graph, whole->adjusted, whole->encodings};
  std::set<std::string> layers;
  for (const WeightUse& use : PlanQuantization(net, settings.quant).weights) {
    layers.insert(net.value(net.node(use.node).outputs[0]).name);
  }
  ASSERT_EQ(layers.size(), 3u);
  const auto mix = [&](std::set<std::string> in_float) {
    QuantSettings quant = settings.quant;
    quant.keep_float = std::move(in_float);
    auto mixed = KeepInFloat(base, quant);
    EXPECT_TRUE(mixed.ok()) << mixed.status().message();
    EXPECT_TRUE(Verify(mixed->graph).ok());
    return std::move(mixed).value();
  };
  const auto sqnr = [&](const Graph& g) {
    return (*OutputSqnr(net, {&g}, *data, "all", 24, Isa::kGeneric, &pool_))[0];
  };
  // None: what QuantizeModel gave.
  const MixedNetwork none = mix({});
  EXPECT_EQ(GraphHash(none.graph), GraphHash(whole->graph));
  EXPECT_EQ(none.encodings, whole->encodings);
  // One, whichever it is: less error, and its weights are the float network's (equalized).
  double best = 0;
  for (const std::string& layer : layers) {
    const MixedNetwork one = mix({layer});
    EXPECT_GT(sqnr(one.graph), sqnr(none.graph)) << layer;
    best = std::max(best, sqnr(one.graph));
    EXPECT_LT(one.report.int8_macs_share, 1.0);
    EXPECT_LT(one.encodings.tensors.size(), none.encodings.tensors.size());
  }
  // All: the float network.
  const MixedNetwork all = mix(layers);
  EXPECT_GT(sqnr(all.graph), 100);
  EXPECT_GT(sqnr(all.graph), best);
  EXPECT_EQ(all.report.int8_macs_share, 0.0);
  EXPECT_TRUE(all.encodings.tensors.empty());

  QuantSettings quant;
  quant.keep_float = {"nothing"};
  EXPECT_EQ(KeepInFloat(base, quant).status().message(),
            "no multiply-accumulate layer has a result called 'nothing'");
}

}  // namespace
}  // namespace adze
