// lift_qoperator. Scales are powers of two: the float arithmetic after lifting is exact.
#include "passes/pass_test_util.h"

namespace adze {
namespace {

// As ONNX Runtime's quantize_static writes it.
TEST(LiftQoperatorTest, OrtStyle) {
  const std::string before = R"(
    input %x : float32[1,1,2,2]
    const %xs : float32[] = [0.03125]
    const %xz : uint8[] = [128]
    const %w_quantized : int8[2,1,1,1] = [5, -7]
    const %ws : float32[2] = [0.25, 0.5]
    const %wz : int8[2] = [0, 0]
    const %b_quantized : int32[2] = [-3, 9]
    const %ys : float32[] = [0.0625]
    const %yz : uint8[] = [3]
    %x_quantized = QuantizeLinear(%x, %xs, %xz)
    %c_quantized = QLinearConv(%x_quantized, %xs, %xz, %w_quantized, %ws, %wz, %ys, %yz, %b_quantized) "conv"
    %p_quantized = MaxPool(%c_quantized) {kernel_shape=[2,2]}
    %p = DequantizeLinear(%p_quantized, %ys, %yz)
    output %p)";
  Graph g = ParseOrFail("graph {" + before + "}");
  const Graph original = g;
  ASSERT_TRUE(RunPipeline(g, "lift").ok());
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical(R"(graph {
    input %x : float32[1,1,2,2]
    const %w : float32[2,1,1,1] quant(int8, axis=0, scale=[0.25, 0.5], zero_point=[0, 0]) origins("w_quantized") = [5, -7]
    const %b : float32[2] quant(int32, axis=0, scale=[0.0078125, 0.015625], zero_point=[0, 0]) origins("b_quantized") = [-3, 9]
    %x_quantized_1 = adze.Requantize(%x) : float32[1,1,2,2] quant(uint8, scale=[0.03125], zero_point=[128]) origins("x_quantized_dequantized")
    %c = Conv(%x_quantized_1, %w, %b) "conv" : float32[1,2,2,2] quant(uint8, scale=[0.0625], zero_point=[3]) origins("c_quantized", "c_quantized_integers_dequantized")
    %p_quantized = MaxPool(%c) {kernel_shape=[2,2]} : float32[1,2,1,1] quant(uint8, scale=[0.0625], zero_point=[3])
    %p = adze.Requantize(%p_quantized)
    output %p
  })"));
  ExpectSameNumbers(original, g, 0);
}

// Lowers a typed graph and lifts it again: the same operators and formats.
void ExpectRoundTrip(std::string_view body) {
  const Graph original = ParseOrFail("graph {" + std::string(body) + "}");
  Graph g = original;
  RunOrFail(g, "lower_qoperator");
  const Graph lowered = g;
  const Result<PassReport> report = RunPipeline(g, "lift");
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_EQ(g.top().nodes.size(), original.top().nodes.size()) << PrintGraph(g);
  for (size_t i = 0; i < g.top().nodes.size(); ++i) {
    const Node& a = original.node(original.top().nodes[i]);
    const Node& b = g.node(g.top().nodes[i]);
    EXPECT_EQ(a.op, b.op) << PrintGraph(g);
    EXPECT_EQ(a.attrs, b.attrs);
    EXPECT_EQ(a.name, b.name);
    for (size_t k = 0; k < a.outputs.size(); ++k) {
      EXPECT_TRUE(original.value(a.outputs[k]).type.quant == nullptr
                      ? g.value(b.outputs[k]).type.quant == nullptr
                      : g.value(b.outputs[k]).type.quant != nullptr &&
                            *original.value(a.outputs[k]).type.quant ==
                                *g.value(b.outputs[k]).type.quant)
          << PrintGraph(g);
    }
    for (size_t k = 0; k < a.inputs.size(); ++k) {
      const Value& p = original.value(a.inputs[k]);
      const Value& q = g.value(b.inputs[k]);
      if (!p.is_constant()) continue;
      EXPECT_TRUE(BitEqual(p.constant, q.constant)) << p.name;
      if (!p.type.quant) continue;
      EXPECT_EQ(p.name, q.name);
      EXPECT_TRUE(q.type.quant && *p.type.quant == *q.type.quant) << p.name;
    }
  }
  ExpectSameNumbers(original, g, 0);
}

TEST(LiftQoperatorTest, RoundTrip) {
  ExpectRoundTrip(R"(
    input %x : float32[1,2,4,4]
    const %w : float32[2,2,3,3] quant(int8, axis=0, scale=[0.25, 0.0625], zero_point=[0, 0]) =
      [1,-2,3,4,-5,6,7,-8,9, -1,2,-3,4,-5,6,-7,8,-9, 9,8,7,-6,5,4,3,2,-1, 100,-100,50,-127,3,2,1,0,7]
    const %b : float32[2] quant(int32, axis=0, scale=[0.0078125, 0.001953125], zero_point=[0, 0]) = [-300, 500]
    const %m : float32[4,3] quant(int8, axis=1, scale=[0.5, 0.25, 1.0], zero_point=[0, 0, 0]) = [1,-2,3,-4,5,6,-7,8,9,10,-11,12]
    const %k : float32[3] quant(int32, axis=0, scale=[0.0625, 0.03125, 0.125], zero_point=[0, 0, 0]) = [1, -2, 3]
    const %p : int64[8] = [0,0,1,1,0,0,0,0]
    const %v : float32[] = [-1.0]
    %q = adze.Requantize(%x) : float32[1,2,4,4] quant(uint8, scale=[0.03125], zero_point=[128])
    %c = Conv(%q, %w, %b) {pads=[1,1,1,1]} "conv" : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=[100])
    %a = Add(%c, %q) "add" : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=[90])
    %s = Sigmoid(%a) : float32[1,2,4,4] quant(uint8, scale=[0.00390625], zero_point=[0])
    %u = Mul(%a, %s) : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=[90])
    %t = Concat(%u, %a) {axis=1} : float32[1,4,4,4] quant(uint8, scale=[0.125], zero_point=[90])
    %d = Pad(%t, %p, %v) : float32[1,4,5,5] quant(uint8, scale=[0.125], zero_point=[90])
    %e = MaxPool(%d) {kernel_shape=[2,2]} : float32[1,4,4,4] quant(uint8, scale=[0.125], zero_point=[90])
    %g = GlobalAveragePool(%e) : float32[1,4,1,1] quant(uint8, scale=[0.125], zero_point=[90])
    %f = Flatten(%g) : float32[1,4] quant(uint8, scale=[0.125], zero_point=[90])
    %y = Gemm(%f, %m, %k) {transB=0} "gemm"
    output %y)");
}

TEST(LiftQoperatorTest, RoundTripToAQuantizedEnd) {
  ExpectRoundTrip(R"(
    input %x : float32[2,4]
    const %m : float32[4,3] quant(int8, axis=1, scale=[0.5, 0.25, 1.0], zero_point=[0, 0, 0]) = [1,-2,3,-4,5,6,-7,8,9,10,-11,12]
    const %n : float32[3,2] quant(int8, scale=[0.5], zero_point=[0]) = [1,-2,3,-4,5,6]
    const %lo : float32[] = [-1.0]
    const %hi : float32[] = [2.0]
    %q = adze.Requantize(%x) : float32[2,4] quant(int8, scale=[0.125], zero_point=[-3])
    %a = MatMul(%q, %m) "first" : float32[2,3] quant(int8, scale=[0.25], zero_point=[7])
    %b = Clip(%a, %lo, %hi) : float32[2,3] quant(int8, scale=[0.25], zero_point=[7])
    %c = Gemm(%b, %n) "second" : float32[2,2] quant(int8, scale=[0.25], zero_point=[7])
    %y = adze.Requantize(%c)
    output %y)");
}

TEST(LiftQoperatorTest, LeavesWhatItCannotSay) {
  // Scales that are not constant; integers of unknown meaning; a Softmax over several axes.
  const char* const bodies[] = {
      ("input %x : uint8[1,2] input %s : float32[] const %t : float32[] = [1] "
       "const %z : uint8[] = [0] %y = com.microsoft.QLinearSigmoid(%x, %s, %z, %t, %z) output %y"),
      "input %x : uint8[1,2] %y = Flatten(%x) output %y",
      ("input %x : uint8[1,2,3] const %s : float32[] = [1] const %z : uint8[] = [0] "
       "%y = com.microsoft.QLinearSoftmax(%x, %s, %z, %s, %z) {axis=1, opset=12} output %y"),
  };
  for (const char* body : bodies) ExpectNo("lift_qoperator", body, "");
}

}  // namespace
}  // namespace adze
