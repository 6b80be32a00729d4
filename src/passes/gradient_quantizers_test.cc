// The rules of quantizers. Rounding has no useful derivative, so they are compared with the
// definitions, written out here: straight through inside the range, and LSQ's gradient of the step.
#include "passes/gradient_test_util.h"

namespace adze {
namespace {

// What quantizing one value with step s and zero point z passes back, per LSQ.
struct Lsq {
  double dx, ds, dz;
};
Lsq LsqOf(double x, double s, double z, double lo, double hi) {
  const double zero = std::nearbyint(z);
  const double code = std::nearbyint(x / s) + zero;
  if (code < lo) return {0, lo - zero, -s};
  if (code > hi) return {0, hi - zero, -s};
  return {1, std::nearbyint(x / s) - x / s, 0};
}

// The gradients of `graph` ("y" of "x" and `parameters`) for inputs by name.
std::map<std::string, std::vector<float>> Gradients(std::string_view graph,
                                                    const std::vector<std::string>& parameters,
                                                    const NamedTensors& inputs) {
  const Graph g = ParseOrFail("graph {" + std::string(graph) + "}");
  DifferentiateOptions options;
  options.of = g.top().outputs;
  options.with_respect_to = {g.FindValue("x")};
  for (const std::string& p : parameters) options.with_respect_to.push_back(g.FindValue(p));
  Result<Graph> made = Differentiate(g, options);
  EXPECT_TRUE(made.ok()) << made.status().message();
  if (!made.ok()) return {};
  EXPECT_TRUE(Verify(*made).ok());
  const std::vector<Tensor> out = EvaluateGraph(*made, inputs);
  std::map<std::string, std::vector<float>> result;
  for (size_t i = 0; i < out.size(); ++i) {
    const std::string name = g.value(options.with_respect_to[i]).name;
    EXPECT_EQ(out[i].dims(), ToConstDims(*g.value(options.with_respect_to[i]).type.shape)) << name;
    result[name] = {out[i].values<float>().begin(), out[i].values<float>().end()};
  }
  return result;
}

Tensor Floats(std::vector<int64_t> dims, std::initializer_list<float> values) {
  return Tensor::FromValues<float>(std::move(dims), values);
}

// Inside, on both sides of the range, at its ends.
const Tensor kX = Floats({2, 4}, {0.3f, -3.0f, 9.0f, 0.74f, -1.1f, 1.9f, 100.0f, -0.26f});
const Tensor kSeed = Floats({2, 4}, {1, 2, 3, 4, 5, 6, 7, -8});

void ExpectLsq(const std::map<std::string, std::vector<float>>& got, const std::vector<double>& s,
               const std::vector<double>& z, double lo, double hi, const std::string& step,
               const std::string& zero) {
  std::vector<double> ds(s.size()), dz(s.size());
  for (int64_t i = 0; i < kX.size(); ++i) {
    const size_t c = s.size() == 1 ? 0 : static_cast<size_t>(i / 4);
    const Lsq want = LsqOf(kX.data<float>()[i], s[c], z[c], lo, hi);
    const double g = kSeed.data<float>()[i];
    EXPECT_NEAR(got.at("x")[static_cast<size_t>(i)], g * want.dx, 1e-5) << i;
    ds[c] += g * want.ds;
    dz[c] += g * want.dz;
  }
  for (size_t c = 0; c < s.size(); ++c) {
    if (!step.empty()) {
      EXPECT_NEAR(got.at(step)[c], ds[c], 1e-4) << c;
    }
    if (!zero.empty()) {
      EXPECT_NEAR(got.at(zero)[c], dz[c], 1e-4) << c;
    }
  }
}

TEST(GradientQuantizersTest, LearnedQuant) {
  const NamedTensors one = {
      {"x", kX}, {"s", Floats({}, {0.5f})}, {"z", Floats({}, {1.3f})}, {"seed/y", kSeed}};
  ExpectLsq(Gradients("input %x : float32[2,4] input %s : float32[] input %z : float32[] "
                      "%y = adze.LearnedQuant(%x, %s, %z) {qmin=-4, qmax=3} output %y",
                      {"s", "z"}, one),
            {0.5}, {1.3}, -4, 3, "s", "z");
  const NamedTensors two = {
      {"x", kX}, {"s", Floats({2}, {0.5f, 0.75f})}, {"z", Floats({2}, {0, -2})}, {"seed/y", kSeed}};
  ExpectLsq(Gradients("input %x : float32[2,4] input %s : float32[2] input %z : float32[2] "
                      "%y = adze.LearnedQuant(%x, %s, %z) {qmin=-4, qmax=3, axis=0} output %y",
                      {"s", "z"}, two),
            {0.5, 0.75}, {0, -2}, -4, 3, "s", "z");
}

TEST(GradientQuantizersTest, FakeQuant) {
  ExpectLsq(Gradients("input %x : float32[2,4] %y = adze.FakeQuant(%x) {scale=0.5, zero_point=1, "
                      "qmin=-4, qmax=3} output %y",
                      {}, {{"x", kX}, {"seed/y", kSeed}}),
            {0.5}, {1}, -4, 3, "", "");
  // Scale 0 is the identity.
  const auto identity = Gradients(
      "input %x : float32[2,4] %y = adze.FakeQuant(%x) {scale=0.0, zero_point=0, qmin=-4, qmax=3} "
      "output %y",
      {}, {{"x", kX}, {"seed/y", kSeed}});
  EXPECT_EQ(identity.at("x"),
            std::vector<float>(kSeed.values<float>().begin(), kSeed.values<float>().end()));
}

// The gradient of the step comes through both nodes of the pair.
TEST(GradientQuantizersTest, QuantizeDequantize) {
  const NamedTensors one = {{"x", kX}, {"s", Floats({}, {0.03f})}, {"seed/y", kSeed}};
  ExpectLsq(Gradients("input %x : float32[2,4] input %s : float32[] const %z : uint8[] = [100] "
                      "%q = QuantizeLinear(%x, %s, %z) %y = DequantizeLinear(%q, %s, %z) output %y",
                      {"s"}, one),
            {0.03}, {100}, 0, 255, "s", "");
  const NamedTensors two = {{"x", kX}, {"s", Floats({2}, {0.01f, 0.03f})}, {"seed/y", kSeed}};
  ExpectLsq(Gradients("input %x : float32[2,4] input %s : float32[2] "
                      "const %z : int8[2] = [0,0] "
                      "%q = QuantizeLinear(%x, %s, %z) {axis=0} %y = DequantizeLinear(%q, %s, %z) "
                      "{axis=0} output %y",
                      {"s"}, two),
            {0.01, 0.03}, {0, 0}, -128, 127, "s", "");
}

// Codes that are constant (a quantized weight) have no gradient, their scale has.
TEST(GradientQuantizersTest, ScaleOfAConstant) {
  const auto got = Gradients(
      "input %x : float32[2] input %s : float32[] const %q : int8[2] = [3,-7] "
      "const %z : int8[] = [1] %w = DequantizeLinear(%q, %s, %z) %y = Mul(%x, %w) output %y",
      {"s"},
      {{"x", Floats({2}, {2, 5})}, {"s", Floats({}, {0.5f})}, {"seed/y", Floats({2}, {1, 10})}});
  EXPECT_EQ(got.at("s"), std::vector<float>{1 * 2 * 2 + 10 * 5 * -8});
  EXPECT_EQ(got.at("x"), (std::vector<float>{1 * 1, 10 * -4}));
}

}  // namespace
}  // namespace adze
