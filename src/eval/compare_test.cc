#include "eval/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/test_files.h"
#include "ir/text.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

Graph Parse(const std::string& body) {
  auto graph = ParseGraph("graph \"g\" {\n" + body + "\n}");
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

class CompareTest : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(0.0f, 2.0f);
    for (int i = 0; i < 8 * 3 * 4; ++i) x_.push_back(uniform(random));
    folder_.Write("x.bin", {reinterpret_cast<const char*>(x_.data()), x_.size() * sizeof(float)});
    auto dataset = OpenDataset(folder_.Write(
        "data.yaml", "inputs:\n  - {kind: raw, file: x.bin, dtype: float32, shape: [3, 2, 2]}\n"));
    ASSERT_TRUE(dataset.ok()) << dataset.status().message();
    dataset_ = std::move(dataset).value();
  }

  std::vector<TensorComparison> Compare(const Graph& reference, const Graph& quantized) {
    auto result = CompareTensors(reference, quantized, *dataset_, {}, &pool_);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return std::move(result).value();
  }

  TestFolder folder_;
  std::vector<float> x_;
  std::unique_ptr<Dataset> dataset_;
  ThreadPool pool_{2};
};

constexpr const char* kFloat = R"(
    input %x : float32[N,3,2,2]
    %a = Relu(%x)
    %b = MaxPool(%a) {kernel_shape=[1,1]}
    output %b)";

// Coarse steps first, fine ones behind: what the second tensor lacks came in with its input.
TEST_F(CompareTest, TellsOwnErrorFromInherited) {
  const Graph quantized = Parse(R"(
    input %x : float32[N,3,2,2]
    %q = adze.Requantize(%x) : float32[N,3,2,2] quant(uint8, scale=[0.25], zero_point=[0])
    %a = Relu(%q) : float32[N,3,2,2] quant(uint8, scale=[0.0625], zero_point=[0])
    %b = Relu(%a) : float32[N,3,2,2] quant(uint8, scale=[0.015625], zero_point=[0])
    %y = adze.Requantize(%b) : float32[N,3,2,2]
    output %y)");
  std::vector<TensorComparison> t = Compare(Parse(kFloat), quantized);
  ASSERT_EQ(t.size(), 3u);
  double signal = 0, coarse = 0, fine = 0, difference = 0;
  for (const float x : x_) {
    const double in = 0.25 * RoundNearestEven(x / 0.25f) - x;
    const double given = 0.0625 * RoundNearestEven(x / 0.0625f) - x;
    signal += static_cast<double>(x) * x;
    coarse += in * in;
    fine += given * given;
    difference += (in - given) * (in - given);
  }
  // The input as the network takes it.
  EXPECT_EQ(t[0].name, "x");
  EXPECT_EQ(quantized.value(t[0].value).name, "q");
  EXPECT_NEAR(t[0].total_sqnr_db, 10 * std::log10(signal / coarse), 1e-9);
  EXPECT_EQ(t[0].inherited_sqnr_db, HUGE_VAL);
  t.erase(t.begin());
  EXPECT_EQ(t[0].name, "a");
  EXPECT_TRUE(t[0].quantized);
  // Given the exact input, the first step still rounds it to 0.25.
  EXPECT_NEAR(t[0].total_sqnr_db, 10 * std::log10(signal / coarse), 1e-9);
  EXPECT_NEAR(t[0].own_sqnr_db, t[0].total_sqnr_db, 1e-9);
  EXPECT_EQ(t[0].inherited_sqnr_db, HUGE_VAL);
  EXPECT_EQ(t[1].name, "b");
  EXPECT_NEAR(t[1].total_sqnr_db, 10 * std::log10(signal / coarse), 1e-9);
  EXPECT_NEAR(t[1].own_sqnr_db, 10 * std::log10(signal / fine), 1e-9);
  EXPECT_NEAR(t[1].inherited_sqnr_db, 10 * std::log10(signal / difference), 1e-9);
  EXPECT_EQ(t[1].clipped_share, 0);
}

TEST_F(CompareTest, CountsWhatIsClipped) {
  const Graph quantized = Parse(R"(
    input %x : float32[N,3,2,2]
    %q = adze.Requantize(%x) : float32[N,3,2,2] quant(uint8, scale=[0.03125], zero_point=[0])
    %a = Relu(%q) : float32[N,3,2,2] quant(uint8, scale=[0.00390625], zero_point=[0])
    %y = adze.Requantize(%a) : float32[N,3,2,2]
    output %y)");
  const std::vector<TensorComparison> t = Compare(Parse(kFloat), quantized);
  ASSERT_EQ(t.size(), 2u);
  EXPECT_EQ(t[0].clipped_share, 0);
  double above = 0;
  for (const float x : x_) above += x > 255.5 / 256;
  EXPECT_NEAR(t[1].clipped_share, above / static_cast<double>(x_.size()), 1e-12);
}

// A network equalized in float is the same network.
TEST_F(CompareTest, TakesChannelFactorsBack) {
  const auto net = [](const char* w, const char* v) {
    return Parse(std::string("input %x : float32[N,3,2,2]\n") +
                 "const %w : float32[3,1,1,1] = " + w + "\nconst %v : float32[3,1,1,1] = " + v + R"(
    %a = Conv(%x, %w, _) {kernel_shape=[1,1], group=3}
    %b = Conv(%a, %v, _) {kernel_shape=[1,1], group=3}
    output %b)");
  };
  const std::vector<TensorComparison> t =
      Compare(net("[1, 1, 1]", "[1, 2, 3]"), net("[1, 4, 8]", "[1, 0.5, 0.375]"));
  ASSERT_EQ(t.size(), 2u);
  EXPECT_GT(t[0].total_sqnr_db, 120);
  EXPECT_GT(t[0].own_sqnr_db, 120);
  EXPECT_GT(t[1].total_sqnr_db, 120);
  EXPECT_FALSE(t[0].quantized);
}

TEST_F(CompareTest, ShowsWhatItCompares) {
  const Graph reference = Parse(kFloat);
  const Graph quantized = Parse(R"(
    input %x : float32[N,3,2,2]
    %q = adze.Requantize(%x) : float32[N,3,2,2] quant(uint8, scale=[0.03125], zero_point=[0])
    %a = Relu(%q) : float32[N,3,2,2] quant(uint8, scale=[0.03125], zero_point=[0])
    %y = adze.Requantize(%a) : float32[N,3,2,2]
    output %y)");
  CompareOptions options;
  options.samples = 2;  // spread over 8: the first and the fifth
  options.spread = true;
  std::vector<float> seen;
  options.observe = [&](size_t index, ValueId value, const Tensor& real) {
    EXPECT_EQ(quantized.value(value).name, index == 0 ? "q" : "a");
    if (index == 0) seen.insert(seen.end(), real.data<float>(), real.data<float>() + real.size());
  };
  auto result = CompareTensors(reference, quantized, *dataset_, options, &pool_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  std::vector<float> want(x_.begin(), x_.begin() + 12);
  want.insert(want.end(), x_.begin() + 48, x_.begin() + 60);
  EXPECT_EQ(seen, want);
  EXPECT_EQ(ComparedTensors(reference, quantized),
            (std::vector<ValueId>{reference.FindValue("x"), reference.FindValue("a")}));
}

TEST_F(CompareTest, NothingInCommon) {
  EXPECT_TRUE(Compare(Parse(kFloat), Parse(R"(
    input %x : float32[N,3,2,2]
    %other = Relu(%x)
    output %other)"))
                  .empty());
}

}  // namespace
}  // namespace adze
