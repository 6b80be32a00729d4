// Plans against the operators' references: float close, integers to the bit for every instruction
// set and thread count, with and without taps.
#include "lower/lower.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "ir/text.h"
#include "numerics/rounding.h"
#include "passes/pass.h"
#include "runtime/executor.h"

namespace adze {
namespace {

Graph Parse(const std::string& text) {
  Result<Graph> g = ParseGraph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  return std::move(g).value();
}

Tensor RandomTensor(std::vector<int64_t> dims, uint32_t seed, float scale = 1.0f) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  Tensor t = Tensor::Allocate(DType::kFloat32, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = normal(rng);
  return t;
}

// A reproducible constant in the text form.
std::string Constant(const std::string& name, std::vector<int64_t> dims, uint32_t seed,
                     float scale = 0.3f) {
  const Tensor t = RandomTensor(dims, seed, scale);
  std::string text = "const %" + name + " : float32[";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? "," : "") + std::to_string(dims[i]);
  text += "] = [";
  char number[40];
  for (int64_t i = 0; i < t.size(); ++i) {
    std::snprintf(number, sizeof(number), "%s%.9e", i ? "," : "", t.data<float>()[i]);
    text += number;
  }
  return text + "]\n";
}

// Node by node through the references.
std::map<std::string, Tensor> Interpret(const Graph& g, const Tensor& x) {
  std::map<ValueId, Tensor> values;
  for (ValueId id = 0; id < g.num_values(); ++id) {
    if (g.value(id).is_constant()) values[id] = g.value(id).constant;
  }
  values[g.top().inputs[0]] = x;
  for (NodeId id : g.top().nodes) {
    const Node& n = g.node(id);
    std::vector<Tensor> inputs;
    for (ValueId in : n.inputs) inputs.push_back(in == kNoId ? Tensor() : values[in]);
    auto out = EvaluateOp(*FindOp(n.op), n.attrs, inputs, static_cast<int>(n.outputs.size()));
    EXPECT_TRUE(out.ok()) << out.status().message();
    for (size_t i = 0; i < n.outputs.size(); ++i) values[n.outputs[i]] = (*out)[i];
  }
  std::map<std::string, Tensor> by_name;
  for (const auto& [id, t] : values) by_name[g.value(id).name] = t;
  return by_name;
}

struct RunResult {
  Tensor output;
  std::vector<Tensor> taps;
};

RunResult RunGraph(const Graph& g, const Tensor& x, Isa isa, int threads,
                   const std::vector<std::string>& taps = {}) {
  LowerOptions options;
  options.isa = isa;
  for (const std::string& name : taps) options.taps.push_back(g.FindValue(name));
  Result<LoweredPlan> lowered = Lower(g, options);
  EXPECT_TRUE(lowered.ok()) << lowered.status().message();
  ThreadPool pool(threads);
  Executor executor(lowered->plan, &pool);
  const ConstTensorView view = x.view();
  const Status s = executor.Run({&view, 1});
  EXPECT_TRUE(s.ok()) << s.message();
  RunResult r;
  r.output = executor.ReadValue(lowered->plan->outputs[0]);
  for (int32_t t : lowered->taps) r.taps.push_back(executor.ReadFloat(t));
  return r;
}

double RelativeError(const Tensor& a, const Tensor& b) {
  double worst = 0;
  double largest = 1e-30;
  for (int64_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(double{a.data<float>()[i]} - b.data<float>()[i]));
    largest = std::max(largest, std::abs(double{b.data<float>()[i]}));
  }
  return worst / largest;
}

// A small network with every structure the lowering treats specially.
std::string FloatNet() {
  return std::string(R"(graph "net" {
    input %x : float32[N,3,19,17]
)") + Constant("w1", {20, 3, 3, 3}, 1) +
         Constant("b1", {20}, 2) + Constant("dw", {20, 1, 3, 3}, 3) +
         Constant("w2", {36, 20, 1, 1}, 4) + Constant("b2", {36}, 5) +
         Constant("w3", {20, 36, 1, 1}, 6) + Constant("w4", {20, 10, 3, 1}, 7) +
         Constant("fc", {10, 40}, 8) + Constant("fb", {10}, 9) + Constant("s", {20, 1, 1}, 10) + R"(
    const %lo : float32[] = [0]
    const %hi : float32[] = [6]
    %c1 = Conv(%x, %w1, %b1) {strides=[2,2], pads=[1,1,1,1]}
    %r1 = Clip(%c1, %lo, %hi)
    %d = Conv(%r1, %dw) {group=20, pads=[1,1,1,1]}
    %r2 = Relu(%d)
    %c2 = Conv(%r2, %w2, %b2)
    %g2 = Sigmoid(%c2)
    %m2 = Mul(%c2, %g2)
    %c3 = Conv(%m2, %w3)
    %a3 = Add(%c3, %r1)
    %r3 = Relu(%a3)
    %t3 = Mul(%r3, %s)
    %c4 = Conv(%t3, %w4) {group=2, pads=[2,0,2,0], dilations=[2,1]}
    %p4 = MaxPool(%c4) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}
    %q4 = AveragePool(%c4) {kernel_shape=[2,2], strides=[2,2], ceil_mode=1}
    %k = Concat(%p4, %q4) {axis=1}
    %gap = GlobalAveragePool(%k)
    %f = Flatten(%gap)
    %fcy = Gemm(%f, %fc, %fb) {transB=1}
    %y = Softmax(%fcy)
    output %y
  })";
}

TEST(Lower, FloatAgreesWithTheReferences) {
  const Graph g = Parse(FloatNet());
  for (int64_t batch : {1, 3}) {
    const Tensor x = RandomTensor({batch, 3, 19, 17}, 100);
    const std::map<std::string, Tensor> expected = Interpret(g, x);
    for (Isa isa : SupportedIsas()) {
      const RunResult one = RunGraph(g, x, isa, 1);
      EXPECT_LT(RelativeError(one.output, expected.at("y")), 2e-6) << IsaName(isa);
      EXPECT_TRUE(BitEqual(RunGraph(g, x, isa, 2).output, one.output)) << IsaName(isa);
    }
  }
}

TEST(Lower, TapsReadWhatTheReferencesComputeAndChangeNothing) {
  const Graph g = Parse(FloatNet());
  const Tensor x = RandomTensor({2, 3, 19, 17}, 101);
  const std::map<std::string, Tensor> expected = Interpret(g, x);
  const std::vector<std::string> taps = {"c1", "r1", "d", "c2", "g2", "c3", "a3", "c4", "k", "fcy"};
  for (Isa isa : SupportedIsas()) {
    const RunResult plain = RunGraph(g, x, isa, 1);
    const RunResult tapped = RunGraph(g, x, isa, 1, taps);
    EXPECT_LT(RelativeError(tapped.output, plain.output), 2e-6);
    for (size_t i = 0; i < taps.size(); ++i) {
      EXPECT_LT(RelativeError(tapped.taps[i], expected.at(taps[i])), 1e-5) << taps[i];
    }
  }
}

// The same kind of network with integer types: every value quantized but those inside fusions.
std::string QuantizedNet() {
  const auto weights = [](const std::string& name, std::vector<int64_t> dims, uint32_t seed) {
    std::mt19937 rng(seed);
    int64_t n = 1;
    std::string shape;
    for (int64_t d : dims) {
      n *= d;
      shape += (shape.empty() ? "" : ",") + std::to_string(d);
    }
    std::string text = "const %" + name + " : float32[" + shape + "] quant(int8, axis=0, scale=[";
    for (int64_t c = 0; c < dims[0]; ++c) {
      text += (c ? "," : "") + std::to_string(0.002 + 0.0001 * static_cast<double>(c));
    }
    text += "], zero_point=[";
    for (int64_t c = 0; c < dims[0]; ++c) text += c ? ",0" : "0";
    text += "]) = [";
    for (int64_t i = 0; i < n; ++i) {
      text += (i ? "," : "") + std::to_string(static_cast<int>(rng() % 255) - 127);
    }
    return text + "]\n";
  };
  return std::string(R"(graph "net" {
    input %x : float32[N,3,15,13]
)") + weights("w1", {20, 3, 3, 3}, 1) +
         Constant("b1", {20}, 2) + weights("dw", {20, 1, 3, 3}, 3) +
         weights("w3", {20, 20, 1, 1}, 4) + weights("fc", {10, 20}, 5) +
         weights("w2", {20, 20, 1, 1}, 6) + weights("dw2", {20, 1, 3, 3}, 7) +
         Constant("fac", {20, 1, 1}, 8) + R"(
    %xq = adze.Requantize(%x) : float32[N,3,15,13] quant(uint8, scale=[0.03], zero_point=[121])
    %c1 = Conv(%xq, %w1, %b1) {strides=[2,2], pads=[1,1,1,1]}
    %r1 = Relu(%c1) : float32[N,20,8,7] quant(uint8, scale=[0.02], zero_point=[0])
    %d = Conv(%r1, %dw) {group=20, pads=[1,1,1,1]} : float32[N,20,8,7] quant(int8, scale=[0.03], zero_point=[-5])
    %h = HardSwish(%d) : float32[N,20,8,7] quant(uint8, scale=[0.02], zero_point=[20])
    %e = Conv(%h, %w2)
    %s = adze.Silu(%e)
    %m = Mul(%s, %fac) : float32[N,20,8,7] quant(uint8, scale=[0.01], zero_point=[120])
    %d2 = Conv(%m, %dw2) {group=20, pads=[1,1,1,1]}
    %h2 = HardSwish(%d2) : float32[N,20,8,7] quant(uint8, scale=[0.02], zero_point=[30])
    %h3 = Add(%h2, %r1) : float32[N,20,8,7] quant(uint8, scale=[0.03], zero_point=[10])
    %c3 = Conv(%h3, %w3) : float32[N,20,8,7] quant(uint8, scale=[0.025], zero_point=[128])
    %a3 = Add(%c3, %r1) : float32[N,20,8,7] quant(uint8, scale=[0.03], zero_point=[100])
    %p = MaxPool(%a3) {kernel_shape=[2,2], strides=[2,2]} : float32[N,20,4,3] quant(uint8, scale=[0.03], zero_point=[100])
    %gap = GlobalAveragePool(%p) : float32[N,20,1,1] quant(uint8, scale=[0.01], zero_point=[90])
    %f = Flatten(%gap) : float32[N,20] quant(uint8, scale=[0.01], zero_point=[90])
    %g = Gemm(%f, %fc) {transB=1} : float32[N,10] quant(uint8, scale=[0.01], zero_point=[130])
    %y = adze.Requantize(%g)
    output %y
  })";
}

TEST(Lower, IntegersAreTheSameOnEveryIsaAndThreadCount) {
  const Graph g = Parse(QuantizedNet());
  for (int64_t batch : {1, 2}) {
    const Tensor x = RandomTensor({batch, 3, 15, 13}, 200);
    const RunResult reference = RunGraph(g, x, Isa::kGeneric, 1);
    int distinct = 0;
    for (int64_t i = 1; i < reference.output.size(); ++i) {
      distinct += reference.output.data<float>()[i] != reference.output.data<float>()[0];
    }
    EXPECT_GT(distinct, 3);  // not saturated to one value
    for (Isa isa : SupportedIsas()) {
      for (int threads : {1, 2, 3}) {
        EXPECT_TRUE(BitEqual(RunGraph(g, x, isa, threads).output, reference.output))
            << IsaName(isa) << " x " << threads;
      }
    }
  }
}

TEST(Lower, TappedAndUntappedIntegersAgreeToTheBit) {
  const Graph g = Parse(QuantizedNet());
  const Tensor x = RandomTensor({2, 3, 15, 13}, 201);
  const RunResult plain = RunGraph(g, x, Isa::kGeneric, 1);
  for (const char* tap :
       {"xq", "c1", "r1", "d", "h", "e", "s", "m", "d2", "h2", "h3", "c3", "a3", "p", "gap", "g"}) {
    for (Isa isa : SupportedIsas()) {
      EXPECT_TRUE(BitEqual(RunGraph(g, x, isa, 1, {tap}).output, plain.output)) << tap;
    }
  }
}

// The same network with activations of 4 bits, weights of 5: every uint8 becomes uint4 with a scale
// 17 times as large, which covers about the same numbers.
Graph NarrowNet() {
  Graph g = Parse(QuantizedNet());
  for (ValueId v = 0; v < g.num_values(); ++v) {
    if (g.value(v).type.quant == nullptr) continue;
    QuantType q = *g.value(v).type.quant;
    if (g.value(v).is_constant()) {
      q.storage = DType::kInt5;
      Tensor codes = Tensor::Allocate(q.storage, g.value(v).constant.dims());
      for (int64_t i = 0; i < codes.size(); ++i) {
        static_cast<int8_t*>(codes.mutable_raw())[i] =
            static_cast<int8_t>(IntegerAt(g.value(v).constant.view(), i) / 8);
      }
      for (float& s : q.scale) s *= 8;
      g.SetConstant(v, std::move(codes));
    } else {
      const bool is_signed = q.storage == DType::kInt8;
      q.storage = IntegerOf(4, is_signed);
      q.scale[0] *= 17;
      q.zero_point[0] = static_cast<int32_t>(std::nearbyint(q.zero_point[0] / 17.0));
    }
    g.SetQuant(v, std::make_shared<const QuantType>(std::move(q)));
  }
  const Status s = Verify(g);
  EXPECT_TRUE(s.ok()) << s.message();
  return g;
}

TEST(Lower, NarrowIntegersAreTheSameOnEveryIsaAndStayInRange) {
  const Graph g = NarrowNet();
  const Tensor x = RandomTensor({2, 3, 15, 13}, 203);
  const RunResult reference = RunGraph(g, x, Isa::kGeneric, 1);
  const std::vector<std::string> taps = {"xq", "r1", "d",  "h", "m",   "h2",
                                         "h3", "c3", "a3", "p", "gap", "g"};
  for (Isa isa : SupportedIsas()) {
    const RunResult run = RunGraph(g, x, isa, 2, taps);
    EXPECT_TRUE(BitEqual(run.output, reference.output)) << IsaName(isa);
    for (size_t t = 0; t < taps.size(); ++t) {
      const QuantType& q = *g.value(g.FindValue(taps[t])).type.quant;
      const IntRange range = RangeOf(q.storage);
      std::set<int64_t> codes;
      for (const float v : run.taps[t].values<float>()) {
        codes.insert(std::llround(v / q.scale[0]) + q.zero_point[0]);
      }
      EXPECT_GE(*codes.begin(), range.min) << taps[t];
      EXPECT_LE(*codes.rbegin(), range.max) << taps[t];
      // (What HardSwish is given there hardly reaches one step.)
      EXPECT_GT(codes.size(), taps[t] == "h2" ? 0 : 2) << taps[t];
    }
  }
}

// Against the same network as Q and DQ nodes between float operators, evaluated by the references.
TEST(Lower, NarrowIntegersFollowTheQdqForm) {
  const Graph g = NarrowNet();
  Graph qdq = g;
  ASSERT_TRUE(RunPipeline(qdq, "lower_qdq").ok());
  const Tensor x = RandomTensor({2, 3, 15, 13}, 204);
  const Tensor want = Interpret(qdq, x).at("y");
  const Tensor got = RunGraph(g, x, DetectIsa(), 1).output;
  const float step = g.value(g.FindValue("g")).type.quant->scale[0];
  int64_t equal = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    // A sum that falls between two codes may be rounded to either.
    EXPECT_LE(std::abs(got.data<float>()[i] - want.data<float>()[i]), 1.01f * step);
    equal += std::abs(got.data<float>()[i] - want.data<float>()[i]) < 0.01f * step;
  }
  EXPECT_GE(equal, got.size() * 8 / 10);
}

// The definition of docs/design/numerics.md written out for the first layer.
TEST(Lower, ConvolutionFollowsTheDefinition) {
  const Graph g = Parse(QuantizedNet());
  const Tensor x = RandomTensor({1, 3, 15, 13}, 202);
  const RunResult run = RunGraph(g, x, DetectIsa(), 1, {"r1"});
  const Value& w = g.value(g.FindValue("w1"));
  const Value& b = g.value(g.FindValue("b1"));
  const auto code = [&](int64_t c, int64_t h, int64_t v) {
    if (h < 0 || h >= 15 || v < 0 || v >= 13) return 121;
    return QuantizeOne(x.data<float>()[(c * 15 + h) * 13 + v], 0.03f, 121, 0, 255);
  };
  for (int64_t o = 0; o < 20; ++o) {
    const float acc_scale = 0.03f * w.type.quant->scale[static_cast<size_t>(o)];
    const int32_t bias = static_cast<int32_t>(
        std::nearbyint(static_cast<double>(b.constant.data<float>()[o]) / acc_scale));
    for (int64_t i = 0; i < 8; ++i) {
      for (int64_t j = 0; j < 7; ++j) {
        int32_t acc = bias;
        for (int64_t c = 0; c < 3; ++c) {
          for (int64_t kh = 0; kh < 3; ++kh) {
            for (int64_t kw = 0; kw < 3; ++kw) {
              acc += (code(c, 2 * i - 1 + kh, 2 * j - 1 + kw) - 121) *
                     w.constant.data<int8_t>()[((o * 3 + c) * 3 + kh) * 3 + kw];
            }
          }
        }
        const int32_t q = RequantizeOne(acc, acc_scale / 0.02f, 0, 0, 255);
        EXPECT_EQ(run.taps[0].data<float>()[(o * 8 + i) * 7 + j], DequantizeOne(q, 0.02f, 0));
      }
    }
  }
}

// One step for convolution, activation and channel factors, and its codes are those of the real
// functions, but for values at a rounding boundary.
TEST(Lower, ActivationsAndFactorsJoinTheConvolution) {
  const Graph g = Parse(QuantizedNet());
  const Tensor x = RandomTensor({1, 3, 15, 13}, 203);
  const Result<LoweredPlan> r = Lower(g, {});
  ASSERT_TRUE(r.ok());
  for (const Step& step : r->plan->steps) {
    EXPECT_NE(step.family, FamilyId::kElementwiseF32) << step.name;
    EXPECT_NE(step.family, FamilyId::kOp) << step.name;
  }
  const RunResult run = RunGraph(g, x, DetectIsa(), 1, {"h", "m"});
  const Value& w = g.value(g.FindValue("w2"));
  const Tensor& factor = g.value(g.FindValue("fac")).constant;
  int boundary = 0;
  for (int64_t o = 0; o < 20; ++o) {
    for (int64_t i = 0; i < 56; ++i) {
      double sum = 0;
      for (int64_t c = 0; c < 20; ++c) {
        sum += static_cast<double>(run.taps[0].data<float>()[c * 56 + i]) *
               w.constant.data<int8_t>()[o * 20 + c] * w.type.quant->scale[static_cast<size_t>(o)];
      }
      const double y = sum / (1 + std::exp(-sum)) * factor.data<float>()[o] / 0.01f;
      const double have = run.taps[1].data<float>()[o * 56 + i] / 0.01f;
      const double want = std::clamp(std::nearbyint(y), -120.0, 135.0);
      if (std::abs(y - std::floor(y) - 0.5) < 1e-4) {
        ++boundary;
        EXPECT_NEAR(have, want, 1.01);
      } else {
        EXPECT_NEAR(have, want, 0.01) << o << " " << i;
      }
    }
  }
  EXPECT_LT(boundary, 5);
}

// Integers that a Reshape left in logical order, read by a kernel of floats in channels-last order.
TEST(Lower, LogicalIntegersReachChannelsLastFloats) {
  const Graph g = Parse(R"(graph {
    input %x : float32[1,8]
    const %s : int64[4] = [1, 2, 2, 2]
    const %w : float32[1,2,1,1] = [1, 2]
    %a = Reshape(%x, %s) : float32[1,2,2,2] quant(uint8, scale=[0.5], zero_point=[0])
    %y = Conv(%a, %w)
    output %y })");
  const Tensor x = Tensor::FromValues<float>({1, 8}, {0, 0.5f, 1, 1.5f, 2, 2.5f, 3, 3.5f});
  const Tensor y = RunGraph(g, x, Isa::kGeneric, 1).output;
  ASSERT_TRUE(y.defined());
  EXPECT_TRUE(BitEqual(y, Tensor::FromValues<float>({1, 1, 2, 2}, {4, 5.5f, 7, 8.5f})));
}

TEST(Lower, RefusalsNameEveryNode) {
  const Graph g = Parse(R"(graph "g" {
    input %x : float32[2,4]
    %a = Mystery(%x) "one" : float32[2,4]
    %b = other.Thing(%a) "two" : float32[2,4]
    output %b
  })");
  const Result<LoweredPlan> r = Lower(g, {});
  EXPECT_EQ(r.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(r.status().message(),
            "node 'one' (Mystery): the operator is not supported; "
            "node 'two' (other.Thing): the operator is not supported");
}

TEST(Lower, ShapeComputationsCostNoStep) {
  const Graph g = Parse(R"(graph "g" {
    input %x : float32[N,6,4]
    const %zero : int64[] = [0]
    const %axes : int64[1] = [0]
    const %rest : int64[2] = [-1, 8]
    %shape = Shape(%x)
    %n = Gather(%shape, %zero)
    %n1 = Unsqueeze(%n, %axes)
    %target = Concat(%n1, %rest) {axis=0}
    %y = Reshape(%x, %target)
    output %y
  })");
  const Result<LoweredPlan> r = Lower(g, {});
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r->plan->steps.size(), 1u);
  EXPECT_EQ(r->plan->steps[0].family, FamilyId::kAlias);
  const Tensor x = RandomTensor({5, 6, 4}, 1);
  const RunResult run = RunGraph(g, x, Isa::kGeneric, 1);
  EXPECT_EQ(run.output.dims(), (std::vector<int64_t>{5, 3, 8}));
}

}  // namespace
}  // namespace adze
