#include "search/diagnosis/layer_match.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/text.h"

namespace adze {
namespace {

struct Weights {
  std::vector<float> real;
  std::vector<float> rounded;
  std::vector<double> steps;
};

// 6 channels of 4 inputs of 9 taps, scaled by factors and rounded per channel.
Weights Make(const WeightLayout& l, double out_factor, double in_factor) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.3f);
  Weights w;
  for (int64_t i = 0; i < l.out * l.in * l.taps; ++i) w.real.push_back(normal(random));
  for (int64_t o = 0; o < l.out; ++o) {
    std::vector<double> scaled;
    double most = 0;
    for (int64_t i = 0; i < l.in; ++i) {
      for (int64_t k = 0; k < l.taps; ++k) {
        const double x = w.real[static_cast<size_t>((o * l.in + i) * l.taps + k)];
        scaled.push_back(x * std::pow(out_factor, static_cast<double>(o)) *
                         std::pow(in_factor, static_cast<double>(i)));
        most = std::max(most, std::abs(scaled.back()));
      }
    }
    w.steps.push_back(most / 127);
    for (const double x : scaled) {
      w.rounded.push_back(static_cast<float>(std::nearbyint(x / w.steps.back()) * w.steps.back()));
    }
  }
  return w;
}

TEST(MatchWeights, RoundedOnly) {
  const WeightLayout l = {6, 4, 9, 36, 9};
  const Weights w = Make(l, 1, 1);
  const auto f = MatchWeights(w.real, w.rounded, w.steps, l);
  ASSERT_TRUE(f.has_value());
  EXPECT_EQ(f->out, std::vector<double>(6, 1.0));
  EXPECT_EQ(f->in, std::vector<double>(4, 1.0));
}

TEST(MatchWeights, FindsFactorsOfAnEqualization) {
  const WeightLayout l = {6, 4, 9, 36, 9};
  const Weights w = Make(l, 1.7, 0.6);
  const auto f = MatchWeights(w.real, w.rounded, w.steps, l);
  ASSERT_TRUE(f.has_value());
  for (size_t o = 0; o < 6; ++o) {
    for (size_t i = 0; i < 4; ++i) {
      const double want =
          std::pow(1.7, static_cast<double>(o)) * std::pow(0.6, static_cast<double>(i));
      EXPECT_NEAR(f->out[o] * f->in[i] / want, 1, 0.01);
    }
  }
}

TEST(MatchWeights, OtherWeightsDoNotMatch) {
  const WeightLayout l = {6, 4, 9, 36, 9};
  const Weights w = Make(l, 1, 1);
  std::vector<float> other(w.real.rbegin(), w.real.rend());
  EXPECT_FALSE(MatchWeights(other, w.rounded, w.steps, l).has_value());
}

Graph Parse(const std::string& body) {
  auto graph = ParseGraph("graph \"g\" {\n" + body + "\n}");
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

TEST(UnroundedWeights, ThroughAnActivationThatOneNetworkDropped) {
  const Graph reference = Parse(R"(
    input %x : float32[N,2,2,2]
    const %w : float32[2,2,1,1] = [1, 0.5, -0.25, 0.124]
    const %b : float32[2] = [0.1, 0.2]
    %c = Conv(%x, %w, %b) {kernel_shape=[1,1]}
    %y = Relu(%c)
    output %y)");
  const Graph quantized = Parse(R"(
    input %x : float32[N,2,2,2]
    const %wq : float32[2,2,1,1] quant(int8, axis=0, scale=[0.0078740157, 0.001968504], zero_point=[0,0]) = [127, 64, -127, 63]
    const %bq : float32[2] quant(int32, axis=0, scale=[0.0001, 0.0001], zero_point=[0,0]) = [1000, 2000]
    %q = adze.Requantize(%x) : float32[N,2,2,2] quant(uint8, scale=[0.01], zero_point=[128])
    %y_integers = Conv(%q, %wq, %bq) {kernel_shape=[1,1]} : float32[N,2,2,2] quant(uint8, scale=[0.01], zero_point=[0]) origins("y")
    %out = adze.Requantize(%y_integers) : float32[N,2,2,2]
    output %out)");
  const NodeId conv = quantized.value(quantized.FindValue("y_integers")).producer;
  EXPECT_EQ(ComputeNode(reference, reference.FindValue("y")),
            reference.value(reference.FindValue("c")).producer);
  const auto w = UnroundedWeights(reference, quantized, conv);
  ASSERT_TRUE(w.has_value());
  EXPECT_EQ(w->weight.data<float>()[3], 0.124f);
  EXPECT_EQ(w->bias.data<float>()[1], 0.2f);
}

}  // namespace
}  // namespace adze
