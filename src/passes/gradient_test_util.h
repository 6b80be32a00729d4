// Testing of gradients: what a differentiated graph computes against central differences of the
// reference evaluations in double, element by element.
#ifndef ADZE_PASSES_GRADIENT_TEST_UTIL_H_
#define ADZE_PASSES_GRADIENT_TEST_UTIL_H_

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "passes/differentiate.h"
#include "passes/pass_test_util.h"

namespace adze {

using NamedTensors = std::map<std::string, Tensor>;

// The outputs for inputs given by name.
inline std::vector<Tensor> EvaluateGraph(const Graph& g, const NamedTensors& inputs) {
  std::map<ValueId, Tensor> values;
  for (const ValueId id : g.top().inputs) values[id] = inputs.at(g.value(id).name);
  for (ValueId id = 0; id < g.num_values(); ++id) {
    const Value& v = g.value(id);
    if (!v.dead && v.is_constant()) values[id] = v.constant;
  }
  Interpret(g, 0, values);
  std::vector<Tensor> outputs;
  for (const ValueId out : g.top().outputs) outputs.push_back(values[out]);
  return outputs;
}

struct GradientCase {
  double lowest = -2, highest = 2;  // of the inputs
  int64_t symbol = 3;               // what every symbolic dimension is
  // Of a derivative, relative to the largest of its tensor (and to 1).
  double tolerance = 1e-7;
};

// Random double inputs for what `g` takes.
inline NamedTensors RandomInputs(const Graph& g, const GradientCase& c, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> draw(c.lowest, c.highest);
  NamedTensors inputs;
  for (const ValueId id : g.top().inputs) {
    DimBindings symbols;
    for (const Dim& d : *g.value(id).type.shape) d.CollectSymbols(&symbols);
    for (auto& [name, value] : symbols) value = c.symbol;
    Tensor t = Tensor::Allocate(DType::kFloat64, *EvaluateShape(*g.value(id).type.shape, symbols));
    for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<double>()[i] = draw(random);
    inputs[g.value(id).name] = t;
  }
  return inputs;
}

inline Tensor Moved(const Tensor& t, int64_t at, double by) {
  Tensor moved = Tensor::FromValues<double>(t.dims(), t.values<double>());
  moved.mutable_data<double>()[at] += by;
  return moved;
}

inline double Dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a.data<double>()[i] * b.data<double>()[i];
  return sum;
}

// Differentiates all outputs of `body` (a graph's text in float64) with respect to its values
// `wrt`, by default all inputs, and compares every element with central differences.
inline void ExpectGradients(std::string_view body, const GradientCase& c = {},
                            const std::vector<std::string>& wrt = {}) {
  SCOPED_TRACE(body);
  const Graph g = ParseOrFail("graph {" + std::string(body) + "}");
  DifferentiateOptions options;
  options.of = g.top().outputs;
  options.with_respect_to = wrt.empty() ? g.top().inputs : std::vector<ValueId>();
  for (const std::string& name : wrt) options.with_respect_to.push_back(g.FindValue(name));
  Result<Graph> made = Differentiate(g, options);
  ASSERT_TRUE(made.ok()) << made.status().message();
  const Status verified = Verify(*made);
  ASSERT_TRUE(verified.ok()) << verified.message();

  const NamedTensors inputs = RandomInputs(*made, c, 7);
  const std::vector<Tensor> gradients = EvaluateGraph(*made, inputs);
  ASSERT_EQ(gradients.size(), options.with_respect_to.size());
  const auto objective = [&](const NamedTensors& at) {
    const std::vector<Tensor> outputs = EvaluateGraph(g, at);
    double sum = 0;
    for (size_t i = 0; i < outputs.size(); ++i) {
      sum += Dot(outputs[i], inputs.at("seed/" + g.value(g.top().outputs[i]).name));
    }
    return sum;
  };
  constexpr double kStep = 1e-5;
  bool some = false;
  for (size_t k = 0; k < gradients.size(); ++k) {
    const std::string& name = g.value(options.with_respect_to[k]).name;
    const Tensor& got = gradients[k];
    const Tensor at = inputs.at(name);
    ASSERT_EQ(got.dims(), at.dims()) << name;
    double largest = 1;
    for (const double v : got.values<double>()) largest = std::max(largest, std::abs(v));
    for (int64_t i = 0; i < at.size(); ++i) {
      NamedTensors moved = inputs;
      moved[name] = Moved(at, i, kStep);
      const double above = objective(moved);
      moved[name] = Moved(at, i, -kStep);
      const double want = (above - objective(moved)) / (2 * kStep);
      some |= want != 0;
      ASSERT_NEAR(got.data<double>()[i], want, c.tolerance * largest) << name << ", element " << i;
    }
  }
  EXPECT_TRUE(some) << "every derivative is zero";
}

}  // namespace adze

#endif  // ADZE_PASSES_GRADIENT_TEST_UTIL_H_
