#include "algos/weight_only.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "algos/auto_select.h"
#include "algos/weight_grid.h"
#include "ir/text.h"
#include "lower/lower.h"
#include "passes/pass.h"
#include "runtime/executor.h"

namespace adze {
namespace {

std::vector<float> Random(size_t count, float sigma, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, sigma);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

Tensor RandomTensor(const std::vector<int64_t>& dims, float sigma, uint32_t seed) {
  Tensor t = Tensor::Allocate(DType::kFloat32, dims);
  const std::vector<float> values = Random(static_cast<size_t>(t.size()), sigma, seed);
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

// A convolution, a depthwise and a grouped one, and matrices stored both ways.
Graph Net() {
  auto parsed = ParseGraph(R"(graph "net" {
    input %x : float32[N,4,6,6]
    const %w1 : float32[32,4,3,3] = splat(1.0)
    const %b1 : float32[32] = splat(0.5)
    const %w2 : float32[32,1,3,3] = splat(1.0)
    const %w3 : float32[40,16,1,1] = splat(1.0)
    const %w4 : float32[24,40] = splat(1.0)
    const %b4 : float32[24] = splat(0.25)
    const %w5 : float32[24,10] = splat(1.0)
    %c1 = Conv(%x, %w1, %b1) {kernel_shape=[3,3], pads=[1,1,1,1]}
    %r1 = Relu(%c1)
    %c2 = Conv(%r1, %w2) {kernel_shape=[3,3], group=32}
    %r2 = Relu(%c2)
    %c3 = Conv(%r2, %w3) {kernel_shape=[1,1], group=2}
    %g = GlobalAveragePool(%c3)
    %f = Flatten(%g)
    %m = Gemm(%f, %w4, %b4) {transB=1}
    %r4 = Relu(%m)
    %y = MatMul(%r4, %w5)
    output %y
  })");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  Graph g = std::move(parsed).value();
  uint32_t seed = 1;
  for (const char* name : {"w1", "b1", "w2", "w3", "w4", "b4", "w5"}) {
    const ValueId v = g.FindValue(name);
    g.SetConstant(v, RandomTensor(g.value(v).constant.dims(), 0.3f, seed++));
  }
  return g;
}

class WeightOnlyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/weight_only_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    const std::vector<float> values = Random(48 * 144, 1.0f, 99);
    std::ofstream(folder_ + "/x.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
    std::ofstream(folder_ + "/data.yaml")
        << "inputs:\n  - kind: raw\n    file: x.bin\n    dtype: float32\n"
           "    shape: [4, 6, 6]\nsplits:\n  calibration: {range: [0, 24]}\n  test: {range: [24, "
           "48]}\n";
    auto dataset = OpenDataset(folder_ + "/data.yaml");
    ASSERT_TRUE(dataset.ok()) << dataset.status().message();
    data_ = std::move(dataset).value();
  }

  WeightOnlyResult Quantize(const char* format, const Dataset* data,
                            std::optional<int64_t> block = std::nullopt, int threads = 2) {
    WeightOnlySettings settings;
    settings.format = FindNumberFormat(format);
    settings.block_size = block;
    settings.split = "calibration";
    ThreadPool pool(threads);
    auto result = QuantizeWeights(net_, data, settings, &pool);
    EXPECT_TRUE(result.ok()) << format << ": " << result.status().message();
    return std::move(result).value();
  }

  double Sqnr(const Graph& graph) {
    ReferenceOutputs references;
    const auto sqnr = OutputSqnr(net_, {&graph}, *data_, "test", 24, Isa::kGeneric, &pool_,
                                 HUGE_VAL, &references);
    EXPECT_TRUE(sqnr.ok()) << sqnr.status().message();
    return (*sqnr)[0];
  }

  std::vector<float> Run(const Graph& graph) {
    auto lowered = Lower(graph, {});
    EXPECT_TRUE(lowered.ok()) << lowered.status().message();
    ThreadPool pool(1);
    Executor executor(lowered->plan, &pool);
    const Tensor x = RandomTensor({1, 4, 6, 6}, 1.0f, 5);
    const std::vector<ConstTensorView> inputs = {x.view()};
    EXPECT_TRUE(executor.Run(inputs).ok());
    const ConstTensorView y = executor.output(0);
    const float* const data = static_cast<const float*>(y.data);
    return {data, data + y.size()};
  }

  std::string folder_;
  std::unique_ptr<Dataset> data_;
  Graph net_ = Net();
  ThreadPool pool_{2};
};

TEST_F(WeightOnlyTest, EveryFormatInEveryFormOfFile) {
  for (const NumberFormat* f : AllNumberFormats()) {
    SCOPED_TRACE(f->name);
    const WeightOnlyResult r = Quantize(f->name, nullptr);
    EXPECT_EQ(r.layers, 5);
    EXPECT_EQ(r.share, 1.0);
    EXPECT_GE(r.bits_per_weight, f->bits);
    ASSERT_TRUE(Verify(r.graph).ok()) << Verify(r.graph).message();
    // Every weight is a number of the format, and applying again changes nothing.
    for (const char* name : {"w1", "w2", "w3", "w4", "w5"}) {
      const Value& v = r.graph.value(r.graph.FindValue(name));
      ASSERT_NE(v.type.quant, nullptr);
      EXPECT_EQ(v.type.quant->storage, f->storage);
      if (f->codebook != nullptr) {
        EXPECT_EQ(v.type.quant->codebook, f->codebook());
      }
    }
    Graph again = r.graph;
    ASSERT_TRUE(ApplyEncodings(again, r.encodings).ok());
    EXPECT_EQ(PrintGraph(again), PrintGraph(r.graph));
    // The text form, the encodings file and the standard operators of the Q/DQ form say the same.
    const auto text = ParseGraph(PrintGraph(r.graph));
    ASSERT_TRUE(text.ok()) << text.status().message();
    const std::vector<float> want = Run(r.graph);
    EXPECT_EQ(Run(*text), want);
    ASSERT_TRUE(WriteEncodings(r.encodings, folder_ + "/e.encodings.json").ok());
    const auto read = ReadEncodings(folder_ + "/e.encodings.json");
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(read->tensors, r.encodings.tensors);
    Graph qdq = r.graph;
    const Status lowered = RunPipeline(qdq, "lower_qdq").status();
    ASSERT_TRUE(lowered.ok()) << lowered.message();
    ASSERT_TRUE(RunPipeline(qdq, "lift").ok());
    EXPECT_EQ(Run(qdq), want);
    for (const char* name : {"w1", "w3", "w5"}) {
      const Value& given = r.graph.value(r.graph.FindValue(name));
      const Value& read = qdq.value(qdq.FindValue(name));
      ASSERT_NE(read.type.quant, nullptr) << name;
      EXPECT_EQ(read.type.quant->codebook, given.type.quant->codebook);
      EXPECT_EQ(read.type.quant->scale, given.type.quant->scale);
      EXPECT_EQ(read.type.quant->block_size, given.type.quant->block_size);
    }
    EXPECT_GT(Sqnr(r.graph), f->bits >= 8 ? 18.0 : f->bits >= 4 ? 8.0 : -3.0);
  }
}

TEST_F(WeightOnlyTest, DataMakesItBetter) {
  for (const char* format :
       {"int4", "int3", "nf4", "mxfp4", "nvfp4", "fp4_e2m1", "kmeans3", "log4"}) {
    const double without = Sqnr(Quantize(format, nullptr).graph);
    const double with = Sqnr(Quantize(format, data_.get()).graph);
    EXPECT_GT(with, without + 0.5) << format;
  }
}

TEST_F(WeightOnlyTest, BlocksWhereALayerHasSoManyInputs) {
  const WeightOnlyResult r = Quantize("int4", data_.get(), 16);
  const auto quant = [&](const char* name) {
    return *r.graph.value(r.graph.FindValue(name)).type.quant;
  };
  EXPECT_EQ(quant("w1").block_size, 0);  // 4 inputs
  EXPECT_EQ(quant("w1").axis, 0);
  EXPECT_EQ(quant("w2").block_size, 0);
  EXPECT_EQ(quant("w3").block_size, 16);
  EXPECT_EQ(quant("w3").scale.size(), 40u);
  EXPECT_EQ(quant("w4").axis, 1);
  EXPECT_EQ(quant("w4").scale.size(), 24u * 3);  // 16 + 16 + 8 inputs
  EXPECT_EQ(quant("w5").axis, 0);
  EXPECT_EQ(quant("w5").scale.size(), 2u * 10);
  Graph qdq = r.graph;
  ASSERT_TRUE(RunPipeline(qdq, "lower_qdq").ok());
  ASSERT_TRUE(RunPipeline(qdq, "lift").ok());
  EXPECT_EQ(Run(qdq), Run(r.graph));
}

TEST_F(WeightOnlyTest, SameBytesForAnyNumberOfThreads) {
  for (const char* format : {"int4", "nf4", "kmeans4"}) {
    const std::string one = PrintGraph(Quantize(format, data_.get(), 16, 1).graph);
    EXPECT_EQ(PrintGraph(Quantize(format, data_.get(), 16, 3).graph), one) << format;
  }
}

TEST_F(WeightOnlyTest, SimplifyingDoesNotUnpack) {
  for (const std::optional<int64_t> block :
       {std::optional<int64_t>(), std::optional<int64_t>(16)}) {
    Graph qdq = Quantize("nf4", nullptr, block).graph;
    ASSERT_TRUE(RunPipeline(qdq, "lower_qdq").ok());
    const std::string before = PrintGraph(qdq);
    ASSERT_TRUE(RunPipeline(qdq, "simplify").ok());
    EXPECT_LT(PrintGraph(qdq).size(), before.size() * 11 / 10);
    ASSERT_TRUE(RunPipeline(qdq, "lift").ok());
    EXPECT_NE(qdq.value(qdq.FindValue("w4")).type.quant, nullptr);
  }
}

TEST_F(WeightOnlyTest, LearnedNumbersAreNotWorseThanEvenOnes) {
  for (const auto& [learned, even] : {std::pair{"kmeans8", "int8"},
                                      {"kmeans6", "int6"},
                                      {"kmeans4", "int4"},
                                      {"kmeans3", "int3"}}) {
    EXPECT_GT(Sqnr(Quantize(learned, nullptr, 0).graph),
              Sqnr(Quantize(even, nullptr, 0).graph) - 0.5)
        << learned;
  }
}

TEST_F(WeightOnlyTest, KeptLayersGetTheirOwnWeight) {
  net_ = *ParseGraph(R"(graph "tied" {
    input %x : float32[N,4,6,6]
    const %w : float32[4,4,1,1] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7]
    %a = Conv(%x, %w) {kernel_shape=[1,1]}
    %y = Conv(%a, %w) {kernel_shape=[1,1]}
    output %y
  })");
  WeightOnlySettings settings;
  settings.format = FindNumberFormat("int4");
  settings.keep_float = {"a"};
  const auto r = QuantizeWeights(net_, nullptr, settings, &pool_);
  ASSERT_TRUE(r.ok()) << r.status().message();
  const auto quant_of = [&](const char* result) {
    const ValueId w = r->graph.producer(r->graph.FindValue(result))->inputs[1];
    return r->graph.value(w).type.quant;
  };
  EXPECT_EQ(quant_of("a"), nullptr);
  ASSERT_NE(quant_of("y"), nullptr);
  EXPECT_EQ(quant_of("y")->storage, DType::kInt4);
  EXPECT_EQ(r->share, 0.5);
}

TEST_F(WeightOnlyTest, KeptLayers) {
  WeightOnlySettings settings;
  settings.format = FindNumberFormat("nf4");
  settings.keep_float = {"c1"};
  settings.keep_int8 = {"y"};
  const auto r = QuantizeWeights(net_, nullptr, settings, &pool_);
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r->graph.value(r->graph.FindValue("w1")).type.quant, nullptr);
  EXPECT_EQ(r->graph.value(r->graph.FindValue("w5")).type.quant->storage, DType::kInt8);
  EXPECT_EQ(r->layers, 4);
  EXPECT_LT(r->share, 1.0);
  ASSERT_EQ(r->float_layers.size(), 1u);
  settings.keep_float = {"c1", "c2", "c3", "m", "y"};
  EXPECT_EQ(QuantizeWeights(net_, nullptr, settings, &pool_).status().code(),
            StatusCode::kUnsupported);
}

TEST(WeightGrid, ScaleIsTheBestOfALongSearch) {
  for (const char* name : {"int4", "nf4", "fp4_e2m1", "ternary", "binary", "log4"}) {
    QuantType q;
    q.storage = FindNumberFormat(name)->storage;
    if (FindNumberFormat(name)->codebook != nullptr)
      q.codebook = FindNumberFormat(name)->codebook();
    const std::vector<float> numbers = GridNumbers(q);
    const std::vector<float> w = Random(64, 1.0f, 7);
    const auto error = [&](float scale) {
      double sum = 0;
      for (const float x : w) {
        double least = HUGE_VAL;
        for (const float n : numbers)
          least = std::min(least, std::abs(double{x} - double{scale} * n));
        sum += least * least;
      }
      return sum;
    };
    double least = HUGE_VAL;
    for (int i = 1; i <= 4000; ++i) least = std::min(least, error(static_cast<float>(i) * 0.001f));
    EXPECT_LE(error(ChooseScale(numbers, ScaleFormat::kFloat32, 1, w, {})), 1.15 * least) << name;
  }
}

TEST(WeightGrid, PowersOfTwoStayPowersOfTwo) {
  QuantType q;
  q.storage = DType::kInt8;
  const std::vector<float> w = Random(32, 1.0f, 8);
  const float scale = ChooseScale(GridNumbers(q), ScaleFormat::kPowerOfTwo, 1, w, {});
  int exponent = 0;
  EXPECT_EQ(std::frexp(scale, &exponent), 0.5f);
}

}  // namespace
}  // namespace adze
