// Faults planted in a small network: the first finding must name them.
#include "search/diagnosis/diagnose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "algos/keep_float.h"
#include "base/test_files.h"
#include "ir/text.h"

namespace adze {
namespace {

constexpr int64_t kSamples = 48;
constexpr int64_t kElements = 3 * 8 * 8;

// Weights by name, to be tampered with before the network is made.
struct Net {
  std::map<std::string, std::pair<std::string, std::vector<float>>> constants;

  Net() {
    Add("w1", "8,3,3,3", 216, 0.25f, 1);
    Add("b1", "8", 8, 0.1f, 2);
    Add("w2", "8,8,3,3", 576, 0.17f, 3);
    Add("b2", "8", 8, 0.1f, 4);
    Add("wa", "8,8,1,1", 64, 0.4f, 5);
    Add("wb", "8,8,1,1", 64, 0.4f, 6);
    Add("w3", "8,16,1,1", 128, 0.3f, 7);
    Add("w4", "6,8", 48, 0.5f, 8);
  }
  void Add(const std::string& name, const std::string& shape, int count, float sigma,
           uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0f, sigma);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = normal(random);
    constants[name] = {shape, std::move(values)};
  }
  std::vector<float>& at(const std::string& name) { return constants.at(name).second; }
  // The output channel of a weight or bias.
  void ScaleOut(const std::string& name, size_t channel, size_t channels, float factor) {
    std::vector<float>& w = at(name);
    const size_t inner = w.size() / channels;
    for (size_t i = channel * inner; i < (channel + 1) * inner; ++i) w[i] *= factor;
  }
  // An input channel of a weight.
  void ScaleIn(const std::string& name, size_t begin, size_t end, size_t channels, size_t taps,
               float factor) {
    std::vector<float>& w = at(name);
    for (size_t i = 0; i < w.size(); ++i) {
      const size_t c = i / taps % channels;
      if (c >= begin && c < end) w[i] *= factor;
    }
  }

  // Two convolutions, two branches that are concatenated, a convolution, a classifier.
  // `act1`: the activation behind the first one.
  Graph Make(const std::string& act1 = "Relu(%c1)") const {
    std::string text = "graph \"net\" {\ninput %x : float32[N,3,8,8]\n";
    for (const auto& [name, constant] : constants) {
      text += "const %" + name + " : float32[" + constant.first + "] = [";
      for (const float v : constant.second) {
        char number[32];
        std::snprintf(number, sizeof(number), "%s%.9g", text.back() == '[' ? "" : ", ", v);
        text += number;
      }
      text += "]\n";
    }
    text += R"(
      const %zero : float32[] = [0]
      const %one : float32[] = [1]
      %c1 = Conv(%x, %w1, %b1) {kernel_shape=[3,3], pads=[1,1,1,1]} "conv1"
      %r1 = )" +
            act1 + R"(
      %c2 = Conv(%r1, %w2, %b2) {kernel_shape=[3,3], pads=[1,1,1,1]} "conv2"
      %r2 = Relu(%c2)
      %ca = Conv(%r2, %wa) {kernel_shape=[1,1]} "branch_a"
      %ra = Relu(%ca)
      %cb = Conv(%r2, %wb) {kernel_shape=[1,1]} "branch_b"
      %rb = Relu(%cb)
      %j = Concat(%ra, %rb) {axis=1} "join"
      %c3 = Conv(%j, %w3) {kernel_shape=[1,1]} "conv3"
      %r3 = Relu(%c3)
      %g = GlobalAveragePool(%r3)
      %f = Flatten(%g)
      %y = Gemm(%f, %w4) {transB=1} "classifier"
      output %y
    })";
    auto graph = ParseGraph(text);
    EXPECT_TRUE(graph.ok()) << graph.status().message();
    return std::move(graph).value();
  }
};

class DiagnoseTest : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0.0f, 1.0f);
    std::vector<float> x;
    for (int64_t i = 0; i < kSamples; ++i) {
      // Every fourth sample is of a class of dim pictures.
      const float brightness = i % 4 == 0 ? 0.1f : 1.0f;
      for (int64_t k = 0; k < kElements; ++k) x.push_back(brightness * normal(random));
    }
    folder_.Write("x.bin", {reinterpret_cast<const char*>(x.data()), x.size() * sizeof(float)});
    auto dataset = OpenDataset(folder_.Write("data.yaml", R"(
inputs:
  - {kind: raw, file: x.bin, dtype: float32, shape: [3, 8, 8]}
splits:
  calibration: {every: 2, offset: 1}
  test: {every: 2, offset: 0}
  dim: {every: 4}
)"));
    ASSERT_TRUE(dataset.ok()) << dataset.status().message();
    dataset_ = std::move(dataset).value();
    options_.split = "test";
    options_.samples = 24;
  }

  // Plain min-max quantization, without repairs.
  QuantizeResult Quantize(const Graph& graph) {
    QuantizeSettings settings;
    settings.observer = "minmax";
    settings.split = "calibration";
    settings.equalization = settings.bias_correction = settings.adaptive_rounding = false;
    auto result = QuantizeModel(graph, *dataset_, settings, &pool_);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return std::move(result).value();
  }

  Diagnosis Check(Result<Diagnosis> d) {
    EXPECT_TRUE(d.ok()) << d.status().message();
    if (!d.ok()) return {};
    EXPECT_NEAR(d->output.sqnr_db, d->output.simulated_db, 0.3);
    return std::move(d).value();
  }
  static std::string Where(const Diagnosis& d, const Finding& f) {
    return d.facts.layers[f.places[0]].compared.name;
  }
  static void ExpectFirst(const Diagnosis& d, const std::string& kind, const std::string& where) {
    ASSERT_FALSE(d.findings.empty());
    EXPECT_EQ(d.findings[0].kind, kind);
    EXPECT_EQ(Where(d, d.findings[0]), where);
  }
  static double Number(const Finding& f, const std::string& name) {
    for (const auto& [key, value] : f.numbers) {
      if (name == key) return value;
    }
    return NAN;
  }

  TestFolder folder_;
  std::unique_ptr<Dataset> dataset_;
  DiagnoseOptions options_;
  ThreadPool pool_{2};
};

TEST_F(DiagnoseTest, HealthyNetworkHasNoProblem) {
  const Graph graph = Net().Make();
  options_.calibration_split = "calibration";
  Diagnosis d = Check(DiagnoseFloat(graph, *dataset_, options_, &pool_));
  EXPECT_EQ(d.problems, 0);
  EXPECT_NE(d.sentence.find("nothing stands out"), std::string::npos);
  EXPECT_EQ(d.calibration_samples, kSamples / 2);
  EXPECT_TRUE(d.warnings.empty());
  EXPECT_EQ(d.facts.unrounded.size(), 6u);
  // The same of a file that something else quantized.
  d = Check(DiagnoseQuantized(graph, Quantize(graph).graph, *dataset_, options_, &pool_));
  EXPECT_EQ(d.problems, 0);
  EXPECT_EQ(d.facts.unrounded.size(), 6u);
}

// Equalized by adze: the float network that the user has is another one, factors apart.
TEST_F(DiagnoseTest, RecognisesEqualizedNetworks) {
  Net net;
  net.ScaleOut("w1", 2, 8, 20);
  net.ScaleOut("b1", 2, 8, 20);
  net.ScaleIn("w2", 2, 3, 8, 9, 1 / 20.0f);
  const Graph graph = net.Make();
  QuantizeSettings settings;
  settings.split = "calibration";
  auto result = QuantizeModel(graph, *dataset_, settings, &pool_);
  ASSERT_TRUE(result.ok());
  ASSERT_GT(result->equalized, 0);
  const Diagnosis d = Check(DiagnoseQuantized(graph, result->graph, *dataset_, options_, &pool_));
  EXPECT_EQ(d.problems, 0);
  EXPECT_EQ(d.facts.unrounded.size(), 6u);
  EXPECT_TRUE(d.warnings.empty());
}

TEST_F(DiagnoseTest, ChannelScaledByAHundred) {
  Net net;
  net.ScaleOut("w1", 2, 8, 100);
  net.ScaleOut("b1", 2, 8, 100);
  net.ScaleIn("w2", 2, 3, 8, 9, 0.01f);
  const Graph graph = net.Make();
  Diagnosis d = Check(DiagnoseQuantized(graph, Quantize(graph).graph, *dataset_, options_, &pool_));
  ExpectFirst(d, "outlier_channel", "r1");
  EXPECT_EQ(Number(d.findings[0], "channel"), 2);
  EXPECT_GT(*d.findings[0].gain_db, 10);
  EXPECT_GT(d.problems, 0);
  // What the fix is said to gain is what adze's equalization gains.
  options_.calibration_split = "calibration";
  const Diagnosis repaired = Check(DiagnoseFloat(graph, *dataset_, options_, &pool_));
  EXPECT_EQ(repaired.problems, 0);
  EXPECT_GT(repaired.output.sqnr_db, d.output.sqnr_db + *d.findings[0].gain_db - 6);
}

// The activation bounds what the weights do, so only these have an outlier.
TEST_F(DiagnoseTest, WeightChannelScaledByAHundred) {
  Net net;
  net.ScaleOut("w1", 5, 8, 100);
  const Graph graph = net.Make("Clip(%c1, %zero, %one)");
  const QuantizeResult q = Quantize(graph);
  Encodings encodings = q.encodings;
  QuantType& type = encodings.tensors.at("w1").type;
  type.scale = {*std::max_element(type.scale.begin(), type.scale.end())};
  type.zero_point = {0};
  type.axis = -1;
  const Diagnosis d = Check(DiagnoseEncodings(graph, encodings, *dataset_, options_, &pool_));
  ExpectFirst(d, "weight_channels", "r1");
  EXPECT_EQ(Number(d.findings[0], "channel"), 5);
  EXPECT_GT(d.problems, 0);
}

TEST_F(DiagnoseTest, CalibratedOnOneClass) {
  const Graph graph = Net().Make();
  options_.calibration_split = "dim";
  const Diagnosis d = Check(DiagnoseFloat(graph, *dataset_, options_, &pool_));
  ASSERT_FALSE(d.findings.empty());
  EXPECT_STREQ(d.findings[0].kind, "narrow_calibration");
  EXPECT_GT(d.findings[0].places.size(), 2u);
  EXPECT_GT(d.problems, 0);
}

TEST_F(DiagnoseTest, BranchesOfUnequalRanges) {
  Net net;
  for (float& w : net.at("wb")) w /= 200;
  net.ScaleIn("w3", 8, 16, 16, 1, 200);
  const Graph graph = net.Make();
  const Diagnosis d =
      Check(DiagnoseQuantized(graph, Quantize(graph).graph, *dataset_, options_, &pool_));
  ExpectFirst(d, "joined_branches", "j");
  EXPECT_NE(d.findings[0].what.find("'rb'"), std::string::npos);
  EXPECT_GT(d.problems, 0);
}

TEST_F(DiagnoseTest, SaturatingLayer) {
  const Graph graph = Net().Make();
  Encodings encodings = Quantize(graph).encodings;
  encodings.tensors.at("r2").type.scale[0] /= 20;
  const Diagnosis d = Check(DiagnoseEncodings(graph, encodings, *dataset_, options_, &pool_));
  ExpectFirst(d, "saturation", "r2");
  EXPECT_GT(*d.findings[0].gain_db, 10);
  EXPECT_TRUE(d.warnings.empty());
}

// adze enlarges the scale of such a channel, and says so.
TEST_F(DiagnoseTest, BiasThatWasRepaired) {
  Net net;
  net.ScaleOut("w2", 1, 8, 1e-6f);
  net.at("b2")[1] = -1.0f;
  options_.calibration_split = "calibration";
  const Diagnosis d = Check(DiagnoseFloat(net.Make(), *dataset_, options_, &pool_));
  ExpectFirst(d, "bias_overflow", "r2");
  EXPECT_EQ(Number(d.findings[0], "channel"), 1);
  EXPECT_EQ(Number(d.findings[0], "repaired"), 1);
  EXPECT_EQ(d.problems, 0);
}

TEST_F(DiagnoseTest, BiasCutOff) {
  Net net;
  net.ScaleOut("w2", 1, 8, 1e-6f);
  net.at("b2")[1] = 1.0f;
  const Graph graph = net.Make();
  // Others cut the bias off at 32 bits.
  net.at("b2")[1] = 0.01f;
  Graph quantized = Quantize(net.Make()).graph;
  const NodeId conv = ComputeNode(quantized, quantized.FindValue("r2"));
  ASSERT_NE(conv, kNoId);
  const ValueId bias = quantized.input(conv, 2);
  Tensor codes = Tensor::Allocate(DType::kInt32, {8});
  for (int c = 0; c < 8; ++c) {
    codes.mutable_data<int32_t>()[c] =
        c == 1 ? 2147483000 : quantized.value(bias).constant.data<int32_t>()[c];
  }
  quantized.SetConstant(bias, codes);
  const Diagnosis d = Check(DiagnoseQuantized(graph, quantized, *dataset_, options_, &pool_));
  ExpectFirst(d, "bias_overflow", "r2");
  EXPECT_EQ(Number(d.findings[0], "channel"), 1);
  EXPECT_EQ(Number(d.findings[0], "repaired"), 0);
  EXPECT_GT(d.problems, 0);
}

// One scale for all channels: enlarging it for one bias ruins the others.
TEST_F(DiagnoseTest, BiasThatRuinsASharedScale) {
  Net net;
  float reach = 0;
  for (float& w : net.at("w2")) reach = std::max(reach, std::abs(w *= 1e-4f));
  for (float& b : net.at("b2")) b *= 1e-4f;
  for (const char* reader : {"wa", "wb"}) net.ScaleIn(reader, 0, 8, 8, 1, 1e4f);
  net.at("b2")[1] = -400;  // dead behind the Relu
  const Graph graph = net.Make();
  Encodings encodings = Quantize(graph).encodings;
  QuantType& type = encodings.tensors.at("w2").type;
  type.scale = {reach / 127};
  type.zero_point = {0};
  type.axis = -1;
  const Diagnosis d = Check(DiagnoseEncodings(graph, encodings, *dataset_, options_, &pool_));
  ExpectFirst(d, "bias_overflow", "r2");
  EXPECT_EQ(Number(d.findings[0], "repaired"), 1);
  EXPECT_GT(*d.findings[0].gain_db, 3);
}

// What a fix is said to gain is what applying it gains.
TEST_F(DiagnoseTest, KeepFloatGainsWhatWasMeasured) {
  const Graph graph = Net().Make();
  const QuantizeResult q = Quantize(graph);
  const Diagnosis before = Check(DiagnoseQuantized(graph, q.graph, *dataset_, options_, &pool_));
  QuantSettings quant;
  quant.keep_float = {"c3"};
  auto mixed = KeepInFloat({q.equalized_graph, q.adjusted, q.encodings}, quant);
  ASSERT_TRUE(mixed.ok()) << mixed.status().message();
  const Diagnosis after =
      Check(DiagnoseQuantized(graph, mixed->graph, *dataset_, options_, &pool_));
  double gain = NAN;
  for (const auto* list : {&before.findings, &before.dismissed}) {
    for (const Finding& f : *list) {
      if (std::string(f.kind) == "layer_error" && Where(before, f) == "r3") gain = *f.gain_db;
    }
  }
  EXPECT_NEAR(after.output.sqnr_db - before.output.sqnr_db, gain, 0.2);
}

TEST_F(DiagnoseTest, Refusals) {
  const Graph graph = Net().Make();
  const auto message = [](const Result<Diagnosis>& d) {
    return d.ok() ? std::string("ok") : d.status().message();
  };
  EXPECT_EQ(message(DiagnoseQuantized(graph, graph, *dataset_, options_, &pool_)),
            "no tensor that it computes is quantized (adze compare takes networks of which only "
            "weights are); to learn what quantization would do, give the float "
            "network alone");
  auto other = ParseGraph(R"(graph "o" {
    input %x : float32[N,3,8,8]
    %q = adze.Requantize(%x) : float32[N,3,8,8] quant(uint8, scale=[0.1], zero_point=[128])
    %z = adze.Requantize(%q) : float32[N,3,8,8]
    output %z })");
  ASSERT_TRUE(other.ok()) << other.status().message();
  EXPECT_EQ(message(DiagnoseQuantized(graph, *other, *dataset_, options_, &pool_)),
            "the networks have different outputs, 'y' and 'z': one is not the other quantized");
  EXPECT_EQ(message(DiagnoseEncodings(graph, {}, *dataset_, options_, &pool_)),
            "they quantize nothing that this network computes");
  auto relu = ParseGraph("graph \"r\" { input %x : float32[N,3,8,8] %y = Relu(%x) output %y }");
  ASSERT_TRUE(relu.ok());
  EXPECT_NE(message(DiagnoseFloat(*relu, *dataset_, options_, &pool_)).find("can be quantized"),
            std::string::npos);
  options_.split = "nowhere";
  EXPECT_NE(message(DiagnoseFloat(graph, *dataset_, options_, &pool_)).find("nowhere"),
            std::string::npos);
}

TEST_F(DiagnoseTest, NothingDependsOnThreads) {
  const Graph graph = Net().Make();
  const Graph quantized = Quantize(graph).graph;
  ThreadPool one(1);
  const Diagnosis a = Check(DiagnoseQuantized(graph, quantized, *dataset_, options_, &pool_));
  const Diagnosis b = Check(DiagnoseQuantized(graph, quantized, *dataset_, options_, &one));
  EXPECT_EQ(a.output.sqnr_db, b.output.sqnr_db);
  ASSERT_EQ(a.findings.size(), b.findings.size());
  for (size_t i = 0; i < a.findings.size(); ++i) {
    EXPECT_EQ(a.findings[i].what, b.findings[i].what);
    EXPECT_EQ(a.findings[i].gain_db, b.findings[i].gain_db);
  }
  // Naming causes only.
  options_.fixes = 0;
  const Diagnosis c = Check(DiagnoseQuantized(graph, quantized, *dataset_, options_, &pool_));
  EXPECT_EQ(c.output.fixes, 0);
  EXPECT_EQ(c.problems, 0);
}

}  // namespace
}  // namespace adze
