// Gradients run by the executor like every other graph: the plan of a differentiated network
// against the references of its operators.
#include <gtest/gtest.h>

#include <cmath>

#include "lower/lower.h"
#include "passes/gradient_test_util.h"
#include "runtime/executor.h"

namespace adze {
namespace {

// Inputs of the plan in order, by name.
std::vector<Tensor> RunPlan(const Graph& g, const NamedTensors& inputs, Isa isa, int threads) {
  const Result<LoweredPlan> lowered = Lower(g, {isa});
  EXPECT_TRUE(lowered.ok()) << lowered.status().message();
  if (!lowered.ok()) return {};
  ThreadPool pool(threads);
  Executor executor(lowered->plan, &pool);
  std::vector<ConstTensorView> views;
  for (const ValueId id : g.top().inputs) views.push_back(inputs.at(g.value(id).name).view());
  const Status ran = executor.Run(views);
  EXPECT_TRUE(ran.ok()) << ran.message();
  std::vector<Tensor> outputs;
  for (int i = 0; ran.ok() && i < executor.num_outputs(); ++i) {
    const ConstTensorView v = executor.output(i);
    outputs.push_back(Tensor::FromValues<float>({v.dims.begin(), v.dims.end()},
                                                {v.as<float>(), static_cast<size_t>(v.size())}));
  }
  return outputs;
}

// Differentiates with respect to everything that is given, runs the plan on every instruction set
// and two thread counts, and compares with the references.
void ExpectPlanAgrees(const std::string& body, bool constants, int64_t batch) {
  const Graph g = ParseOrFail("graph {" + body + "}");
  DifferentiateOptions options;
  options.of = g.top().outputs;
  options.with_respect_to = g.top().inputs;
  options.outputs = g.top().outputs;
  for (ValueId id = 0; constants && id < g.num_values(); ++id) {
    if (g.value(id).is_constant() && g.value(id).name[0] == 'w')
      options.with_respect_to.push_back(id);
  }
  Result<Graph> made = Differentiate(g, options);
  ASSERT_TRUE(made.ok()) << made.status().message();
  Graph simplified = *made;
  const Result<PassReport> report = RunPipeline(simplified, "simplify");
  ASSERT_TRUE(report.ok()) << report.status().message();

  NamedTensors inputs;
  for (auto& [name, t] : RandomInputs(*made, {.lowest = -1, .highest = 1, .symbol = batch}, 3)) {
    inputs[name] = Tensor::Allocate(DType::kFloat32, t.dims());
    for (int64_t i = 0; i < t.size(); ++i) {
      inputs[name].mutable_data<float>()[i] = static_cast<float>(t.data<double>()[i]);
    }
  }
  const std::vector<Tensor> want = EvaluateGraph(*made, inputs);
  for (const Isa isa : SupportedIsas()) {
    for (const int threads : {1, 3}) {
      const std::vector<Tensor> got = RunPlan(simplified, inputs, isa, threads);
      ASSERT_EQ(got.size(), want.size());
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_EQ(got[k].dims(), want[k].dims());
        float largest = 1e-6f;
        for (const float v : want[k].values<float>()) largest = std::max(largest, std::abs(v));
        for (int64_t i = 0; i < got[k].size(); ++i) {
          ASSERT_NEAR(got[k].data<float>()[i], want[k].data<float>()[i], 2e-5f * largest)
              << "output " << k << ", element " << i << ", " << threads << " threads";
        }
      }
    }
  }
}

// A constant of normal values, the same for each name.
std::string Weight(const std::string& name, const std::vector<int64_t>& dims, float scale = 0.3f) {
  std::mt19937 random(static_cast<uint32_t>(name.back()));
  std::normal_distribution<float> normal(0, scale);
  std::string text = "const %" + name + " : float32[";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? "," : "") + std::to_string(dims[i]);
  text += "] = [";
  for (int64_t i = 0; i < NumElements(dims); ++i)
    text += (i ? "," : "") + std::to_string(normal(random));
  return text + "] ";
}

TEST(GradientPlanTest, ConvolutionalNetwork) {
  const std::string body = "input %x : float32[N,3,16,12] " + Weight("w1", {8, 3, 3, 3}) +
                           Weight("w2", {8, 1, 3, 3}) + Weight("w3", {8, 4, 1, 1}) +
                           Weight("w4", {5, 8}) + R"(
    const %lo : float32[] = [0] const %hi : float32[] = [6]
    %c1 = Conv(%x, %w1) {pads=[1,1,1,1], strides=[2,2]}
    %r1 = Clip(%c1, %lo, %hi)
    %c2 = Conv(%r1, %w2) {group=8, pads=[1,1,1,1]}
    %r2 = HardSwish(%c2)
    %c3 = Conv(%r2, %w3) {group=2}
    %s = Add(%c3, %r1)
    %r3 = Relu(%s)
    %m = MaxPool(%r3) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}
    %a = AveragePool(%m) {kernel_shape=[2,2]}
    %g = GlobalAveragePool(%a)
    %h = Flatten(%g)
    %z = Gemm(%h, %w4) {transB=1}
    %y = LogSoftmax(%z)
    output %y)";
  ExpectPlanAgrees(body, false, 2);
  ExpectPlanAgrees(body, true, 1);
  ExpectPlanAgrees(body, true, 3);
}

TEST(GradientPlanTest, Attention) {
  const std::string body = "input %x : float32[N,7,16] " + Weight("wq", {16, 16}) +
                           Weight("wk", {16, 16}) + Weight("wv", {16, 16}) + Weight("ws", {16}) +
                           Weight("wb", {16}) + R"(
    const %scale : float32[] = [0.25]
    %n = LayerNormalization(%x, %ws, %wb)
    %q = MatMul(%n, %wq) %k = MatMul(%n, %wk) %v = MatMul(%n, %wv)
    %kt = Transpose(%k) {perm=[0,2,1]}
    %a = MatMul(%q, %kt) %as = Mul(%a, %scale)
    %p = Softmax(%as)
    %o = MatMul(%p, %v)
    %g = Gelu(%o)
    %t = Add(%x, %g)
    %y = Tanh(%t)
    output %y)";
  ExpectPlanAgrees(body, false, 2);
  ExpectPlanAgrees(body, true, 2);
}

// What is trained is an input: no kernel has a packed weight then.
TEST(GradientPlanTest, WeightsAsInputs) {
  ExpectPlanAgrees(R"(
    input %x : float32[N,4,9,8] input %w : float32[6,2,3,3] input %d : float32[6,1,3,3]
    input %f : float32[7,6] input %b : float32[7]
    %c = Conv(%x, %w) {group=2, pads=[1,1,1,1]}
    %r = Sigmoid(%c)
    %e = Conv(%r, %d) {group=6, strides=[2,2]}
    %g = GlobalAveragePool(%e)
    %h = Flatten(%g)
    %y = Gemm(%h, %f, %b) {transB=1}
    output %y)",
                   false, 2);
}

// One plan, weights as inputs: gradient descent finds the weights of a network that made the data.
TEST(GradientPlanTest, TrainsANetwork) {
  const Graph g = ParseOrFail("graph { input %x : float32[16,1,6,6] input %t : float32[16,2] " +
                              Weight("w1", {4, 1, 3, 3}) + Weight("w2", {2, 4}) + R"(
    %c = Conv(%x, %w1) %r = Relu(%c) %p = GlobalAveragePool(%r) %f = Flatten(%p)
    %y = Gemm(%f, %w2) {transB=1}
    %d = Sub(%y, %t) %s = Mul(%d, %d) %loss = ReduceMean(%s) {keepdims=0}
    output %y output %loss })");
  DifferentiateOptions options;
  options.of = {g.FindValue("loss")};
  options.with_respect_to = {g.FindValue("w1"), g.FindValue("w2")};
  options.outputs = {g.FindValue("y"), g.FindValue("loss")};
  options.unit_seed = true;
  options.constants_as_inputs = true;
  Result<Graph> made = Differentiate(g, options);
  ASSERT_TRUE(made.ok()) << made.status().message();
  ASSERT_TRUE(RunPipeline(*made, "simplify").ok());
  const Result<LoweredPlan> lowered = Lower(*made, {*ChooseIsa()});
  ASSERT_TRUE(lowered.ok()) << lowered.status().message();
  ThreadPool pool(2);
  Executor executor(lowered->plan, &pool);

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto draw = [&](std::vector<int64_t> dims, float scale) {
    Tensor t = Tensor::Allocate(DType::kFloat32, std::move(dims));
    for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = scale * normal(random);
    return t;
  };
  const Tensor x = draw({16, 1, 6, 6}, 1);
  Tensor target = draw({16, 2}, 0);
  Tensor weights[2];
  const auto run = [&](const Tensor& w1, const Tensor& w2) {
    EXPECT_TRUE(
        executor.Run(std::vector<ConstTensorView>{x.view(), target.view(), w1.view(), w2.view()})
            .ok());
    return executor.output(1).as<float>()[0];
  };
  run(g.value(g.FindValue("w1")).constant, g.value(g.FindValue("w2")).constant);
  std::copy_n(executor.output(0).as<float>(), target.size(), target.mutable_data<float>());
  weights[0] = draw({4, 1, 3, 3}, 0.3f);
  weights[1] = draw({2, 4}, 0.3f);
  const float first = run(weights[0], weights[1]);
  float last = first;
  for (int step = 0; step < 400; ++step) {
    for (int k = 0; k < 2; ++k) {
      const float* const gradient = executor.output(2 + k).as<float>();
      Tensor moved = Tensor::FromValues<float>(weights[k].dims(), weights[k].values<float>());
      for (int64_t i = 0; i < moved.size(); ++i)
        moved.mutable_data<float>()[i] -= 0.3f * gradient[i];
      weights[k] = moved;
    }
    last = run(weights[0], weights[1]);
  }
  EXPECT_GT(first, 0.05f);
  EXPECT_LT(last, first / 50) << "from " << first;
}

}  // namespace
}  // namespace adze
