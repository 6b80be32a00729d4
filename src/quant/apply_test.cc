#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "ir/text.h"
#include "quant/quantization_plan.h"

namespace adze {
namespace {

Graph Parse(const std::string& body) {
  auto graph = ParseGraph("graph \"g\" {\n" + body + "\n}");
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

TensorEncoding Activation(float scale, int32_t zero_point) {
  TensorEncoding e;
  e.type = {DType::kUInt8, {scale}, {zero_point}};
  return e;
}

// Activations with scale 0.1 and the weights' own encodings: what quantization without data would
// do.
Encodings EncodeAll(const Graph& g) {
  QuantSettings settings;
  settings.float_tail = false;
  const QuantizationPlan plan = PlanQuantization(g, settings);
  Encodings e;
  for (size_t i = 0; i < plan.groups.size(); ++i) {
    for (const ValueId v : plan.groups[i].values) {
      e.tensors[EncodingName(g, v)] = Activation(0.1f * static_cast<float>(i + 1), 100);
    }
  }
  for (const WeightUse& w : plan.weights) {
    auto encoding = WeightEncoding(g, w);
    EXPECT_TRUE(encoding.ok());
    e.tensors[g.value(w.weight).name] = *encoding;
  }
  return e;
}

constexpr const char* kConvNet = R"(
  input %x : float32[1,2,4,4]
  const %w : float32[2,2,1,1] = [1, -0.5, 0.25, 127]
  const %b : float32[2] = [0.5, -1]
  %c = Conv(%x, %w, %b) {kernel_shape=[1,1]} "conv"
  %r = Relu(%c)
  %p = MaxPool(%r) {kernel_shape=[2,2], strides=[2,2]}
  %y = Conv(%p, %w, _) {kernel_shape=[1,1]}
  %s = Softmax(%p) {axis=1}
  output %y
  output %s)";

TEST(ApplyEncodingsTest, QuantizesTypesWeightsAndBiases) {
  Graph g = Parse(kConvNet);
  const auto report = ApplyEncodings(g, EncodeAll(g));
  ASSERT_TRUE(report.ok()) << report.status().message();
  const Status verified = Verify(g);
  ASSERT_TRUE(verified.ok()) << verified.message();

  // Borders: inputs and outputs stay float32 and keep their names.
  const ValueId x = g.FindValue("x");
  EXPECT_EQ(g.value(x).type.quant, nullptr);
  ASSERT_EQ(g.users(x).size(), 1u);
  EXPECT_EQ(g.node(g.users(x)[0]).op.ToString(), "adze.Requantize");
  const ValueId y = g.FindValue("y");
  EXPECT_TRUE(g.IsGraphOutput(y));
  EXPECT_EQ(g.value(y).type.quant, nullptr);
  EXPECT_EQ(g.producer(y)->op.ToString(), "adze.Requantize");
  // Softmax stays float and reads a dequantized copy.
  const Node& softmax = *g.producer(g.FindValue("s"));
  EXPECT_EQ(g.value(softmax.inputs[0]).type.quant, nullptr);
  EXPECT_EQ(g.producer(softmax.inputs[0])->op.ToString(), "adze.Requantize");
  ASSERT_EQ(report->float_nodes.size(), 1u);
  EXPECT_EQ(report->float_nodes[0].op, "Softmax");
  EXPECT_DOUBLE_EQ(report->int8_macs_share, 1.0);

  EXPECT_EQ(g.value(g.FindValue("c")).type.quant, nullptr);  // fused with Relu
  const Value& r = g.value(g.FindValue("r"));
  ASSERT_NE(r.type.quant, nullptr);
  EXPECT_EQ(*r.type.quant, *g.value(g.FindValue("p")).type.quant);

  const Value& w = g.value(g.FindValue("w"));
  ASSERT_NE(w.type.quant, nullptr);
  EXPECT_EQ(w.constant.dtype(), DType::kInt8);
  EXPECT_EQ(w.constant.data<int8_t>()[0], 127);
  EXPECT_EQ(w.constant.data<int8_t>()[1], -64);  // -63.5 ties to even
  EXPECT_EQ(w.constant.data<int8_t>()[2], 0);
  EXPECT_EQ(w.constant.data<int8_t>()[3], 127);
  const Value& b = g.value(g.FindValue("b"));
  EXPECT_EQ(b.constant.dtype(), DType::kInt32);
  const float s_x = g.value(g.producer(g.FindValue("c"))->inputs[0]).type.quant->scale[0];
  EXPECT_FLOAT_EQ(b.type.quant->scale[0], s_x * w.type.quant->scale[0]);
  EXPECT_EQ(b.constant.data<int32_t>()[0],
            static_cast<int32_t>(std::nearbyint(0.5 / b.type.quant->scale[0])));
  EXPECT_EQ(b.constant.data<int32_t>()[1],
            static_cast<int32_t>(std::nearbyint(-1.0 / b.type.quant->scale[1])));
}

TEST(ApplyEncodingsTest, AMultiplyAccumulateWithoutEncodingOfItsResultYieldsFloat) {
  Graph g = Parse(kConvNet);
  Encodings e = EncodeAll(g);
  ASSERT_EQ(e.tensors.erase("y"), 1u);
  const auto report = ApplyEncodings(g, e);
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_TRUE(Verify(g).ok());
  const Node& conv = *g.producer(g.FindValue("y"));
  EXPECT_EQ(conv.op.ToString(), "Conv");
  EXPECT_EQ(g.value(g.FindValue("y")).type.quant, nullptr);
  EXPECT_NE(g.value(conv.inputs[0]).type.quant, nullptr);
  EXPECT_NE(g.value(conv.inputs[1]).type.quant, nullptr);
  EXPECT_DOUBLE_EQ(report->int8_macs_share, 1.0);
  ASSERT_EQ(report->float_nodes.size(), 1u);  // Softmax
  const std::string once = PrintGraph(g);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  EXPECT_EQ(PrintGraph(g), once);
}

TEST(ApplyEncodingsTest, ApplyingTwiceChangesNothing) {
  Graph g = Parse(kConvNet);
  const Encodings e = EncodeAll(g);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  const std::string once = PrintGraph(g);
  const auto report = ApplyEncodings(g, e);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(PrintGraph(g), once);
  EXPECT_TRUE(report->unused.empty());
  EXPECT_DOUBLE_EQ(report->int8_macs_share, 1.0);
}

TEST(ApplyEncodingsTest, SharedConstantsAreCopied) {
  const std::string text = R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 0.5, 0.25, 1]
    const %b : float32[2] = [1, 2]
    %a = Gemm(%x, %w, %b)
    %c = Gemm(%a, %w, %b)
    %d = MatMul(%w, %w)
    output %c
    output %d)";
  Graph g = Parse(text);
  const Encodings e = EncodeAll(g);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  ASSERT_TRUE(Verify(g).ok());
  const Node& first = *g.producer(g.FindValue("a"));
  const Value& c = g.value(g.FindValue("c"));
  const Node& second = *g.producer(g.producer(g.FindValue("c"))->inputs[0]);
  ASSERT_TRUE(c.type.quant == nullptr);
  EXPECT_EQ(first.inputs[1], second.inputs[1]);  // tied weights stay tied
  EXPECT_NE(first.inputs[2], second.inputs[2]);  // each bias has the scale of its own accumulator
  EXPECT_EQ(g.value(first.inputs[2]).constant.dtype(), DType::kInt32);
  const std::string once = PrintGraph(g);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  EXPECT_EQ(PrintGraph(g), once);
}

TEST(ApplyEncodingsTest, MissingEncodingsLeaveTensorsFloat) {
  Graph g = Parse(kConvNet);
  Encodings e = EncodeAll(g);
  e.tensors.erase("x");
  const auto report = ApplyEncodings(g, e);
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_TRUE(Verify(g).ok());
  // The first convolution lost its input's encoding; with it the Relu, which could only run fused.
  EXPECT_EQ(g.value(g.producer(g.FindValue("c"))->inputs[0]).type.quant, nullptr);
  ASSERT_GE(report->float_nodes.size(), 2u);
  EXPECT_NE(report->float_nodes[0].reason.find("'x' has no encoding"), std::string::npos);
  EXPECT_DOUBLE_EQ(report->int8_macs_share, 0.2);  // 16 of 80 pixels' worth
}

TEST(ApplyEncodingsTest, PerUseEncodingInsertsARequantize) {
  Graph g = Parse(R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 0.5, 0.25, 1]
    %a = MatMul(%x, %w)
    %b = MatMul(%a, %w)
    %c = MatMul(%a, %w)
    output %b
    output %c)");
  Encodings e = EncodeAll(g);
  UseEncoding use;
  use.node_output = "c";
  use.input = 0;
  use.encoding = Activation(0.75f, 7);
  e.uses.push_back(use);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  ASSERT_TRUE(Verify(g).ok());
  const Node& c = *g.producer(g.producer(g.FindValue("c"))->inputs[0]);
  EXPECT_FLOAT_EQ(g.value(c.inputs[0]).type.quant->scale[0], 0.75f);
  EXPECT_EQ(CanonicalValue(g, c.inputs[0]), g.FindValue("a"));
  const std::string once = PrintGraph(g);
  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  EXPECT_EQ(PrintGraph(g), once);
}

TEST(ApplyEncodingsTest, RepairsBiasOverflowMinimally) {
  // Channel 0: a tiny weight with a large bias; channel 1 is fine.
  Graph g = Parse(R"(
    input %x : float32[N,1]
    const %w : float32[1,2] = [1e-6, 1]
    const %b : float32[2] = [1000, 1000]
    %y = Gemm(%x, %w, %b) "fc"
    output %y)");
  Encodings e = EncodeAll(g);
  const Encodings before = e;
  const auto repairs = RepairBiasOverflow(g, &e);
  ASSERT_TRUE(repairs.ok()) << repairs.status().message();
  ASSERT_EQ(repairs->size(), 1u);
  EXPECT_EQ((*repairs)[0].weight, "w");
  EXPECT_EQ((*repairs)[0].channel, 0);
  const float s_x = e.tensors.at("x").type.scale[0];
  const double code = 1000.0 / (static_cast<double>(s_x) * e.tensors.at("w").type.scale[0]);
  EXPECT_LT(code, 2147483648.0);
  EXPECT_GT(code, 0.99 * 2147483648.0);  // no larger than needed
  EXPECT_EQ(e.tensors.at("w").type.scale[1], before.tensors.at("w").type.scale[1]);

  // Applying repairs by itself; with the repaired encodings there is nothing left to do.
  Graph copy = g;
  const auto report = ApplyEncodings(copy, before);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->repairs.size(), 1u);
  ASSERT_TRUE(Verify(copy).ok());
  const auto again = ApplyEncodings(g, e);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repairs.empty());
  EXPECT_EQ(PrintGraph(g), PrintGraph(copy));
}

TEST(ApplyEncodingsTest, RepairsLongAccumulators) {
  // 70,000 products of 255 and 127 exceed 2^31.
  Graph g = Parse(R"(
    input %x : float32[N,70000]
    const %w : float32[70000,1] = splat(1)
    %y = MatMul(%x, %w)
    output %y)");
  Encodings e = EncodeAll(g);
  const auto repairs = RepairBiasOverflow(g, &e);
  ASSERT_TRUE(repairs.ok());
  ASSERT_EQ(repairs->size(), 1u);
  const double code = std::nearbyint(1.0 / e.tensors.at("w").type.scale[0]);
  EXPECT_LT(code * 255 * 70000, 2147483648.0);
  EXPECT_GE(code, 119);
}

struct Refusal {
  const char* name;
  void (*edit)(Encodings*);
  StatusCode code;
  const char* sentence;
};

TEST(ApplyEncodingsTest, RefusesEachWrongEncoding) {
  const Refusal cases[] = {
      {"unknown", [](Encodings* e) { e->tensors["nobody"] = Activation(1, 0); },
       StatusCode::kInvalidInput, "tensor 'nobody', which the graph does not have"},
      {"unknown use",
       [](Encodings* e) {
         e->uses.push_back({"nobody", 0, Activation(1, 0)});
       },
       StatusCode::kInvalidInput, "'nobody', which the graph does not have"},
      {"use out of range",
       [](Encodings* e) {
         e->uses.push_back({"y", 9, Activation(1, 0)});
       },
       StatusCode::kInvalidInput, "input 9"},
      {"unequal", [](Encodings* e) { e->tensors["p"] = Activation(9, 0); },
       StatusCode::kInvalidInput, "needs equal scales"},
      {"wide",
       [](Encodings* e) {
         e->tensors["x"].type = {DType::kUInt16, {0.1f}, {0}};
       },
       StatusCode::kUnsupported, "tensor 'x': activations must be integers of at most 8 bits"},
      {"channels",
       [](Encodings* e) {
         e->tensors["x"].type = {DType::kUInt8, {1, 1}, {0, 0}, 1};
       },
       StatusCode::kUnsupported, "one scale per tensor"},
      {"two levels", [](Encodings* e) { e->tensors["x"].outer_scale = {1}; },
       StatusCode::kUnsupported, "two-level"},
      {"weight axis", [](Encodings* e) { e->tensors["w"].type.axis = 1; }, StatusCode::kUnsupported,
       "axis"},
      {"weight type", [](Encodings* e) { e->tensors["w"].type.storage = DType::kUInt8; },
       StatusCode::kUnsupported, "weights must be symmetric signed integers"},
      {"weight count",
       [](Encodings* e) {
         e->tensors["w"].type.scale.push_back(1);
         e->tensors["w"].type.zero_point.push_back(0);
       },
       StatusCode::kInvalidInput, "3 scales for 2 channels"},
      {"scale", [](Encodings* e) { e->tensors["x"].type.scale[0] = -1; }, StatusCode::kInvalidInput,
       "positive finite"},
  };
  for (const Refusal& c : cases) {
    Graph g = Parse(kConvNet);
    Encodings e = EncodeAll(g);
    c.edit(&e);
    const auto report = ApplyEncodings(g, e);
    ASSERT_FALSE(report.ok()) << c.name;
    EXPECT_EQ(report.status().code(), c.code) << report.status().message();
    EXPECT_NE(report.status().message().find(c.sentence), std::string::npos)
        << report.status().message();
  }
}

TEST(ApplyEncodingsTest, RefusesNaNWeightsAndOtherParameters) {
  Graph g = Parse(kConvNet);
  const Encodings e = EncodeAll(g);
  Graph nan = g;
  nan.SetConstant(nan.FindValue("w"),
                  Tensor::FromValues<float>({2, 2, 1, 1}, {1, std::nanf(""), 0, 0}));
  const auto broken = ApplyEncodings(nan, e);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.status().message().find("'w'"), std::string::npos) << broken.status().message();
  Graph bias = g;
  bias.SetConstant(bias.FindValue("b"),
                   Tensor::FromValues<float>({2}, {std::numeric_limits<float>::infinity(), 0}));
  const auto infinite = ApplyEncodings(bias, e);
  ASSERT_FALSE(infinite.ok());
  EXPECT_NE(infinite.status().message().find("bias 'b'"), std::string::npos);

  ASSERT_TRUE(ApplyEncodings(g, e).ok());
  Encodings other = e;
  other.tensors["x"].type.scale[0] *= 2;
  const auto again = ApplyEncodings(g, other);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.status().message().find("already quantized"), std::string::npos)
      << again.status().message();
}

}  // namespace
}  // namespace adze
