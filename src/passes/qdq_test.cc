// lift_qdq and lower_qdq.
#include "passes/pass_test_util.h"

namespace adze {
namespace {

// As ONNX Runtime's quantize_static writes it: a shared DequantizeLinear behind each
// QuantizeLinear, int32 bias, float border at the output.
constexpr const char* kOrtStyle = R"(
    input %x : float32[1,1,3,3]
    const %xs : float32[] = [0.03125]
    const %xz : uint8[] = [128]
    const %wq : int8[1,1,1,1] = [5]
    const %ws : float32[1] = [0.25]
    const %wz : int8[1] = [0]
    const %bq : int32[1] = [-3]
    const %bs : float32[1] = [0.0078125]
    const %ys : float32[] = [0.0625]
    const %yz : uint8[] = [3]
    %xq = QuantizeLinear(%x, %xs, %xz)
    %xd = DequantizeLinear(%xq, %xs, %xz)
    %wd = DequantizeLinear(%wq, %ws, %wz) {axis=0}
    %bd = DequantizeLinear(%bq, %bs) {axis=0}
    %c = Conv(%xd, %wd, %bd) "conv"
    %r = Relu(%c)
    %rq = QuantizeLinear(%r, %ys, %yz)
    %rd = DequantizeLinear(%rq, %ys, %yz)
    %a = Add(%rd, %xd)
    %aq = QuantizeLinear(%a, %ys, %yz)
    %y = DequantizeLinear(%aq, %ys, %yz)
    output %y)";

constexpr const char* kTyped = R"(
    input %x : float32[1,1,3,3]
    const %wd : float32[1,1,1,1] quant(int8, scale=[0.25], zero_point=[0]) origins("wq") = [5]
    const %bd : float32[1] quant(int32, scale=[0.0078125], zero_point=[0]) origins("bq") = [-3]
    %x_quantized = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128]) origins("xd")
    %c = Conv(%x_quantized, %wd, %bd) "conv"
    %r = Relu(%c) : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[3]) origins("rd")
    %a = Add(%r, %x_quantized) : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[3])
    %y = adze.Requantize(%a)
    output %y)";

TEST(LiftQdqTest, OrtStyle) {
  Graph g = ParseOrFail("graph {" + std::string(kOrtStyle) + "}");
  const Graph original = g;
  RunOrFail(g, "lift_qdq");
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical("graph {" + std::string(kTyped) + "}"));
  ExpectSameNumbers(original, g, 0);
  EXPECT_EQ(RunOrFail(g, "lift_qdq").total_patches, 0);
}

TEST(LiftQdqTest, FloatWeightsBehindAPair) {
  ExpectRewrite("lift_qdq", R"(
    input %x : float32[1,2]
    const %w : float32[2,2] = [0.5, 1.1, -2.1, 0.24]
    const %s : float32[2] = [0.5, 0.25]
    const %z : int8[2] = [0, 0]
    %q = QuantizeLinear(%w, %s, %z) {axis=1}
    %d = DequantizeLinear(%q, %s, %z) {axis=1}
    %y = MatMul(%x, %d)
    output %y)",
                R"(
    input %x : float32[1,2]
    const %w_quantized : float32[2,2] quant(int8, axis=1, scale=[0.5, 0.25], zero_point=[0, 0]) origins("d") = [1, 4, -4, 1]
    %y = MatMul(%x, %w_quantized)
    output %y)",
                {}, 0);
}

TEST(LiftQdqTest, IntegerInputIsRelabelled) {
  ExpectRewrite("lift_qdq", R"(
    input %x : uint8[1,2]
    const %s : float32[] = [0.5]
    const %z : uint8[] = [7]
    %d = DequantizeLinear(%x, %s, %z)
    %y = Relu(%d)
    output %y)",
                R"(
    input %x : uint8[1,2]
    const %s : float32[] = [0.5]
    const %z : uint8[] = [7]
    %d = DequantizeLinear(%x, %s, %z) : float32[1,2] quant(uint8, scale=[0.5], zero_point=[7])
    %y = Relu(%d)
    output %y)");
}

TEST(LiftQdqTest, IntegersThatLeaveAreRoundedOnce) {
  ExpectRewrite("lift_qdq", R"(
    input %x : float32[1,2]
    const %s : float32[] = [0.5]
    const %z : int8[] = [-7]
    %a = Sigmoid(%x)
    %y = QuantizeLinear(%a, %s, %z)
    output %y)",
                R"(
    input %x : float32[1,2]
    const %s : float32[] = [0.5]
    const %z : int8[] = [-7]
    %a = Sigmoid(%x) : float32[1,2] quant(int8, scale=[0.5], zero_point=[-7])
    %y = QuantizeLinear(%a, %s, %z)
    output %y)",
                {}, 0);
}

TEST(LiftQdqTest, ReadByOthersNeedsACopy) {
  ExpectRewrite("lift_qdq", R"(
    input %x : float32[1,2]
    const %s : float32[] = [0.5]
    const %z : int8[] = [-7]
    %a = Sigmoid(%x)
    %q = QuantizeLinear(%a, %s, %z)
    %d = DequantizeLinear(%q, %s, %z)
    %y = Add(%a, %d)
    output %y)",
                R"(
    input %x : float32[1,2]
    %a = Sigmoid(%x)
    %a_quantized = adze.Requantize(%a) : float32[1,2] quant(int8, scale=[0.5], zero_point=[-7]) origins("d")
    %y = Add(%a, %a_quantized)
    output %y)",
                {}, 0);
}

TEST(LiftQdqTest, LeavesWhatItCannotSay) {
  // Scales that are not constant; integers that are used as integers; parameters that differ.
  const char* const bodies[] = {
      "input %s : float32[] %q = QuantizeLinear(%x, %s) %d = DequantizeLinear(%q, %s) output %d",
      "const %s : float32[] = [1] %q = QuantizeLinear(%x, %s) output %q",
      "const %s : float32[] = [1] const %t : float32[] = [2] %q = QuantizeLinear(%x, %s) "
      "%d = DequantizeLinear(%q, %t) output %d",
  };
  for (const char* body : bodies) {
    ExpectNo("lift_qdq", "input %x : float32[2] " + std::string(body), "");
  }
}

TEST(LowerQdqTest, WritesPairs) {
  ExpectRewrite("lower_qdq", kTyped, R"(
    input %x : float32[1,1,3,3] origins("x_quantized", "xd")
    const %wd_scale : float32[] = [0.25]
    const %wd_zero_point : int8[] = [0]
    const %wd_quantized : int8[1,1,1,1] = [5]
    const %bd_scale : float32[] = [0.0078125]
    const %bd_quantized : int32[1] = [-3]
    const %x_scale : float32[] = [0.03125]
    const %x_zero_point : uint8[] = [128]
    const %r_scale : float32[] = [0.0625]
    const %r_zero_point : uint8[] = [3]
    const %a_scale : float32[] = [0.0625]
    const %a_zero_point : uint8[] = [3]
    %bd = DequantizeLinear(%bd_quantized, %bd_scale) "bd_dequantized_DequantizeLinear" : float32[1] origins("bq")
    %wd = DequantizeLinear(%wd_quantized, %wd_scale, %wd_zero_point) "wd_dequantized_DequantizeLinear" : float32[1,1,1,1] origins("wq")
    %x_quantized_1 = QuantizeLinear(%x, %x_scale, %x_zero_point) "x_quantized_1_QuantizeLinear"
    %x_dequantized = DequantizeLinear(%x_quantized_1, %x_scale, %x_zero_point) "x_dequantized_DequantizeLinear"
    %c = Conv(%x_dequantized, %wd, %bd) "conv"
    %r = Relu(%c) : float32[1,1,3,3] origins("rd")
    %r_quantized = QuantizeLinear(%r, %r_scale, %r_zero_point) "r_quantized_QuantizeLinear"
    %r_dequantized = DequantizeLinear(%r_quantized, %r_scale, %r_zero_point) "r_dequantized_DequantizeLinear"
    %a = Add(%r_dequantized, %x_dequantized)
    %a_quantized = QuantizeLinear(%a, %a_scale, %a_zero_point) "a_quantized_QuantizeLinear"
    %y = DequantizeLinear(%a_quantized, %a_scale, %a_zero_point) "a_dequantized_DequantizeLinear" : float32[1,1,3,3] origins("a_dequantized")
    output %y)",
                {}, 0);
}

TEST(LowerQdqTest, LiftingGivesTheTypesBack) {
  Graph g = ParseOrFail("graph {" + std::string(kTyped) + "}");
  const Graph original = g;
  RunOrFail(g, "lower_qdq");
  RunOrFail(g, "lift_qdq");
  ASSERT_EQ(g.top().nodes.size(), original.top().nodes.size());
  for (size_t i = 0; i < g.top().nodes.size(); ++i) {
    const Node& a = original.node(original.top().nodes[i]);
    const Node& b = g.node(g.top().nodes[i]);
    EXPECT_EQ(a.op, b.op);
    const auto& p = original.value(a.outputs[0]).type.quant;
    const auto& q = g.value(b.outputs[0]).type.quant;
    ASSERT_EQ(p == nullptr, q == nullptr);
    EXPECT_TRUE(p == nullptr || *p == *q);
  }
  ExpectSameNumbers(original, g, 0);
}

TEST(LowerQdqTest, PerChannelWeightsAndBorders) {
  ExpectRewrite("lower_qdq", R"(
    input %x : float32[1,2]
    const %w : float32[2,2] quant(int8, axis=1, scale=[0.5, 0.25], zero_point=[0, 0]) = [1, 4, -4, 1]
    %q = adze.Requantize(%x) : float32[1,2] quant(int8, scale=[0.5], zero_point=[1])
    %p = adze.Requantize(%q) : float32[1,2] quant(uint8, scale=[0.25], zero_point=[9])
    %m = MatMul(%p, %w)
    %z = adze.Requantize(%p)
    output %m
    output %z)",
                R"(
    input %x : float32[1,2] origins("q")
    const %w_scale : float32[2] = [0.5, 0.25]
    const %w_zero_point : int8[2] = [0, 0]
    const %w_quantized : int8[2,2] = [1, 4, -4, 1]
    const %x_scale : float32[] = [0.5]
    const %x_zero_point : int8[] = [1]
    const %x_dequantized_scale : float32[] = [0.25]
    const %x_dequantized_zero_point : uint8[] = [9]
    %w = DequantizeLinear(%w_quantized, %w_scale, %w_zero_point) {axis=1} "w_dequantized_DequantizeLinear"
    %x_quantized = QuantizeLinear(%x, %x_scale, %x_zero_point) "x_quantized_QuantizeLinear"
    %x_dequantized = DequantizeLinear(%x_quantized, %x_scale, %x_zero_point) "x_dequantized_DequantizeLinear" : float32[1,2] origins("p")
    %x_dequantized_quantized = QuantizeLinear(%x_dequantized, %x_dequantized_scale, %x_dequantized_zero_point) "x_dequantized_quantized_QuantizeLinear"
    %z = DequantizeLinear(%x_dequantized_quantized, %x_dequantized_scale, %x_dequantized_zero_point) "x_dequantized_dequantized_DequantizeLinear" : float32[1,2] origins("x_dequantized_dequantized")
    %m = MatMul(%z, %w)
    output %m
    output %z)",
                {}, 0);
}

}  // namespace
}  // namespace adze
