// lower_qoperator. All scales are powers of two, so the float arithmetic that quantized types stand
// for is exact and every code of the integer operators must equal it. Every quantized value is an
// output of the graph: all of them are compared.
#include "passes/pass_test_util.h"

namespace adze {
namespace {

std::string Ops(const Graph& g) {
  std::string ops;
  for (NodeId id : g.top().nodes) {
    ops += (ops.empty() ? "" : " ") + std::string(g.node(id).op.name());
  }
  return ops;
}

// Lowers `body`; its operators become `ops`.
void ExpectOps(std::string_view body, std::string_view ops) {
  Graph g = ParseOrFail("graph {" + std::string(body) + "}");
  const Graph original = g;
  RunOrFail(g, "lower_qoperator");
  EXPECT_EQ(Ops(g), ops);
  for (ValueId id = 0; id < g.num_values(); ++id) {
    EXPECT_TRUE(g.value(id).dead || !g.value(id).type.quant) << g.value(id).name;
  }
  ExpectSameNumbers(original, g, 0);
  EXPECT_EQ(RunOrFail(g, "lower_qoperator").total_patches, 0);
}

constexpr const char* kConv = R"(
    input %x : float32[1,2,4,4]
    const %w : float32[2,2,3,3] quant(int8, axis=0, scale=[0.25, 0.0625], zero_point=[0, 0]) =
      [1,-2,3,4,-5,6,7,-8,9, -1,2,-3,4,-5,6,-7,8,-9, 9,8,7,-6,5,4,3,2,-1, 100,-100,50,-127,3,2,1,0,7]
    const %b : float32[2] quant(int32, axis=0, scale=[0.0078125, 0.001953125], zero_point=[0, 0]) = [-300, 500]
    %q = adze.Requantize(%x) : float32[1,2,4,4] quant(uint8, scale=[0.03125], zero_point=[128])
)";

TEST(LowerQoperatorTest, WritesQLinearConv) {
  const std::string before = std::string(kConv) + R"(
    %c = Conv(%q, %w, %b) {pads=[1,1,1,1]} "conv" : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=[100])
    %y = adze.Requantize(%c)
    output %y)";
  ExpectRewrite("lower_qoperator", before, R"(
    input %x : float32[1,2,4,4]
    const %w : int8[2,2,3,3] =
      [1,-2,3,4,-5,6,7,-8,9, -1,2,-3,4,-5,6,-7,8,-9, 9,8,7,-6,5,4,3,2,-1, 100,-100,50,-127,3,2,1,0,7]
    const %b : int32[2] = [-300, 500]
    const %q_scale : float32[] = [0.03125]
    const %q_zero_point : uint8[] = [128]
    const %w_scale : float32[2] = [0.25, 0.0625]
    const %w_zero_point : int8[2] = [0, 0]
    const %c_scale : float32[] = [0.125]
    const %c_zero_point : uint8[] = [100]
    %q = QuantizeLinear(%x, %q_scale, %q_zero_point)
    %c = QLinearConv(%q, %q_scale, %q_zero_point, %w, %w_scale, %w_zero_point, %c_scale, %c_zero_point, %b) {pads=[1,1,1,1]} "conv"
    %y = DequantizeLinear(%c, %c_scale, %c_zero_point)
    output %y)",
                {}, 0);
}

TEST(LowerQoperatorTest, ActivationBehindConv) {
  const auto conv = [](const std::string& rest) {
    return std::string(kConv) + "%c = Conv(%q, %w, %b) {pads=[1,1,1,1]}" + rest +
           " output %q output %y";
  };
  const std::string type = " : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=";
  // The range of the storage type begins at 0.
  ExpectOps(conv("%y = Relu(%c)" + type + "[0])"),
            "QuantizeLinear DequantizeLinear QLinearConv DequantizeLinear");
  ExpectOps(conv("%y = Relu(%c)" + type + "[7])"),
            "QuantizeLinear DequantizeLinear QLinearConv Clip DequantizeLinear");
  const std::string six = "const %lo : float32[] = [0] const %hi : float32[] = [6]";
  ExpectOps(conv(six + "%y = Clip(%c, %lo, %hi)" + type + "[0])"),
            "QuantizeLinear DequantizeLinear QLinearConv Clip DequantizeLinear");
  ExpectOps(conv(six + "%y = Clip(%c, %lo, %hi) : float32[1,2,4,4] quant(uint8, scale=[0.015625], "
                       "zero_point=[0])"),
            "QuantizeLinear DequantizeLinear QLinearConv DequantizeLinear");
  ExpectOps(conv("const %hi : float32[] = [6] %y = Clip(%c, _, %hi)" + type + "[200])"),
            "QuantizeLinear DequantizeLinear QLinearConv Clip DequantizeLinear");
}

TEST(LowerQoperatorTest, FloatAroundConv) {
  // A float result; another storage type behind; an activation that others read past.
  ExpectOps(std::string(kConv) + "%y = Conv(%q, %w, %b) output %y",
            "DequantizeLinear DequantizeLinear QuantizeLinear DequantizeLinear Conv");
  ExpectOps(
      std::string(kConv) +
          "%y = Conv(%q, %w) : float32[1,2,2,2] quant(int8, scale=[0.5], zero_point=[0]) output %y",
      "DequantizeLinear QuantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear");
  ExpectOps(std::string(kConv) +
                "%c = Conv(%q, %w) %y = Relu(%c) : float32[1,2,2,2] quant(uint8, scale=[0.5], "
                "zero_point=[0]) output %y output %c",
            "DequantizeLinear QuantizeLinear DequantizeLinear Conv Relu QuantizeLinear "
            "DequantizeLinear");
  // A float bias is rounded to the accumulator's grid, on which it lies already here.
  ExpectOps(std::string(kConv) +
                "const %f : float32[2] = [1.5, -2.0] %y = Conv(%q, %w, %f) : float32[1,2,2,2] "
                "quant(uint8, scale=[0.5], zero_point=[9]) output %y",
            "QuantizeLinear QLinearConv DequantizeLinear");
}

TEST(LowerQoperatorTest, NoIntegersWhereTheyCouldOverflow) {
  ExpectOps(R"(
    input %x : float32[1,1,1,1]
    const %w : float32[1,1,1,1] quant(int8, scale=[1.0], zero_point=[0]) = [2]
    const %b : float32[1] quant(int32, scale=[1.0], zero_point=[0]) = [2147483600]
    %q = adze.Requantize(%x) : float32[1,1,1,1] quant(uint8, scale=[1.0], zero_point=[0])
    %y = Conv(%q, %w, %b) : float32[1,1,1,1] quant(uint8, scale=[1.0], zero_point=[0])
    output %y)",
            "DequantizeLinear DequantizeLinear QuantizeLinear DequantizeLinear Conv QuantizeLinear "
            "DequantizeLinear");
}

constexpr const char* kMatrix = R"(
    input %x : float32[3,2]
    const %w : float32[2,4] quant(int8, axis=1, scale=[0.5, 0.25, 0.125, 1.0], zero_point=[0, 0, 0, 0]) = [1,-2,3,-4,5,6,-7,8]
    const %t : float32[4,2] quant(int8, axis=0, scale=[0.5, 0.25, 0.125, 1.0], zero_point=[0, 0, 0, 0]) = [1,-2,3,-4,5,6,-7,8]
    const %f : float32[4] = [1.5, -2.0, 0.75, 4.0]
    %q = adze.Requantize(%x) : float32[3,2] quant(int8, scale=[0.03125], zero_point=[-3])
)";

TEST(LowerQoperatorTest, Matrices) {
  const std::string type = " : float32[3,4] quant(int8, scale=[0.125], zero_point=[-128])";
  ExpectOps(std::string(kMatrix) + "%y = MatMul(%q, %w)" + type + " output %y",
            "QuantizeLinear QLinearMatMul DequantizeLinear");
  ExpectOps(std::string(kMatrix) + "%y = MatMul(%q, %w) output %y",
            "DequantizeLinear QuantizeLinear DequantizeLinear MatMul");
  ExpectOps(std::string(kMatrix) + "%y = Gemm(%q, %t, %f) {transB=1}" + type + " output %y",
            "QuantizeLinear QGemm DequantizeLinear");
  ExpectOps(std::string(kMatrix) + "%g = Gemm(%q, %w, %f) %y = Relu(%g)" + type + " output %y",
            "QuantizeLinear QGemm DequantizeLinear");
  ExpectOps(std::string(kMatrix) + "%y = Gemm(%q, %w, %f) {alpha=2.0} output %y",
            "QuantizeLinear QGemm");
  ExpectOps(std::string(kMatrix) + "%y = Gemm(%q, %w) output %y", "QuantizeLinear QGemm");
  ExpectOps(std::string(kMatrix) + "%y = Gemm(%q, %w, %f) {beta=2.0} output %y",
            "DequantizeLinear QuantizeLinear DequantizeLinear Gemm");
}

constexpr const char* kImages = R"(
    input %x : float32[1,2,4,4]
    input %z : float32[1,2,4,4]
    %a = adze.Requantize(%x) : float32[1,2,4,4] quant(uint8, scale=[0.03125], zero_point=[128])
    %b = adze.Requantize(%z) : float32[1,2,4,4] quant(uint8, scale=[0.0625], zero_point=[3])
)";

TEST(LowerQoperatorTest, OperatorsOfMicrosoft) {
  const struct {
    const char* body;
    const char* ops;
  } cases[] = {
      {"%y = Add(%a, %b) : float32[1,2,4,4] quant(uint8, scale=[0.0625], zero_point=[100])",
       "QLinearAdd"},
      {"%s = Add(%a, %b) %y = Relu(%s) : float32[1,2,4,4] quant(uint8, scale=[0.0625], "
       "zero_point=[0])",
       "QLinearAdd"},
      {"%s = Add(%a, %b) %y = Relu(%s) : float32[1,2,4,4] quant(uint8, scale=[0.0625], "
       "zero_point=[3])",
       "QLinearAdd Clip"},
      {"%y = Mul(%a, %b) : float32[1,2,4,4] quant(uint8, scale=[0.125], zero_point=[100])",
       "QLinearMul"},
      {"%y = Concat(%a, %b) {axis=1} : float32[1,4,4,4] quant(uint8, scale=[0.0625], "
       "zero_point=[100])",
       "QLinearConcat"},
      {"%y = AveragePool(%a) {kernel_shape=[2,2], strides=[2,2]} : float32[1,2,2,2] quant(uint8, "
       "scale=[0.0625], zero_point=[100])",
       "QLinearAveragePool"},
      {"%y = GlobalAveragePool(%a) : float32[1,2,1,1] quant(uint8, scale=[0.015625], "
       "zero_point=[100])",
       "QLinearGlobalAveragePool"},
      {"%y = Sigmoid(%a) : float32[1,2,4,4] quant(uint8, scale=[0.00390625], zero_point=[0])",
       "QLinearSigmoid"},
      {"%y = LeakyRelu(%a) {alpha=0.125} : float32[1,2,4,4] quant(uint8, scale=[0.0625], "
       "zero_point=[9])",
       "QLinearLeakyRelu"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.body);
    const bool two = std::string_view(c.body).find("%b") != std::string_view::npos;
    const std::string b = two ? "" : " output %b";
    ExpectOps(kImages + std::string(c.body) + " output %y" + b,
              "QuantizeLinear QuantizeLinear " + std::string(two ? "" : "DequantizeLinear ") +
                  c.ops + " DequantizeLinear");
  }
}

TEST(LowerQoperatorTest, MovesStayOnIntegers) {
  const std::string type = " quant(uint8, scale=[0.03125], zero_point=[128]) output %y";
  const struct {
    const char* body;
    const char* ops;
  } cases[] = {
      {"%y = MaxPool(%a) {kernel_shape=[2,2], pads=[1,1,1,1]} : float32[1,2,5,5]", "MaxPool"},
      {"const %s : int64[2] = [2, -1] %y = Reshape(%a, %s) : float32[2,16]", "Reshape"},
      {"%y = Flatten(%a) : float32[1,32]", "Flatten"},
      {"%y = Transpose(%a) {perm=[0,2,3,1]} : float32[1,4,4,2]", "Transpose"},
      {"const %p : int64[8] = [0,0,1,1,0,0,1,1] %y = Pad(%a, %p) : float32[1,2,6,6]", "Pad"},
      {"const %p : int64[8] = [0,0,1,1,0,0,1,1] const %v : float32[] = [-1.5] %y = Pad(%a, %p, %v) "
       ": "
       "float32[1,2,6,6]",
       "Pad"},
      {"const %n : float32[4] = [1.0, 1.0, 2.0, 2.0] %y = Resize(%a, _, %n) {mode=\"nearest\"} : "
       "float32[1,2,8,8]",
       "Resize"},
      {"%y = Relu(%a) : float32[1,2,4,4]", "Clip"},
      {"%c = Identity(%a) : float32[1,2,4,4] quant(uint8, scale=[0.03125], zero_point=[128]) "
       "%y = Concat(%a, %c) {axis=1} : float32[1,4,4,4]",
       "Identity Concat"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.body);
    ExpectOps(kImages + std::string(c.body) + type,
              "QuantizeLinear QuantizeLinear " + std::string(c.ops) + " DequantizeLinear");
  }
  // Another format behind: not on integers.
  ExpectOps(
      kImages + std::string("%y = MaxPool(%a) {kernel_shape=[2,2]} : float32[1,2,3,3] "
                            "quant(uint8, scale=[0.0625], zero_point=[128]) output %y"),
      "QuantizeLinear DequantizeLinear QuantizeLinear MaxPool QuantizeLinear DequantizeLinear");
}

TEST(LowerQoperatorTest, FloatOperatorsReadAndWriteFloats) {
  ExpectOps(kImages + std::string(R"(
    %s = Sub(%a, %b) : float32[1,2,4,4] quant(int8, scale=[0.0625], zero_point=[1])
    %t = Tanh(%s)
    %u = adze.Requantize(%s) : float32[1,2,4,4] quant(uint8, scale=[0.25], zero_point=[77])
    output %s
    output %t
    output %u)"),
            "QuantizeLinear DequantizeLinear QuantizeLinear DequantizeLinear Sub QuantizeLinear "
            "DequantizeLinear DequantizeLinear Tanh QuantizeLinear DequantizeLinear");
}

TEST(LowerQoperatorTest, SplitAndQuantizedInput) {
  ExpectOps(R"(
    input %x : float32[1,4] quant(uint8, scale=[0.03125], zero_point=[128])
    const %s : int64[2] = [1, 3]
    %a, %b = Split(%x, %s) {axis=1} : float32[1,1] quant(uint8, scale=[0.03125], zero_point=[128]), float32[1,3] quant(uint8, scale=[0.03125], zero_point=[128])
    output %a
    output %b)",
            "QuantizeLinear Split DequantizeLinear DequantizeLinear");
}

TEST(LowerQoperatorTest, RefusesActivationsPerChannel) {
  Graph g = ParseOrFail(R"(graph {
    input %x : float32[1,2]
    %y = Relu(%x) : float32[1,2] quant(uint8, axis=1, scale=[0.5, 0.25], zero_point=[0, 0])
    output %y
  })");
  const Result<PassReport> report = RunPipeline(g, "lower_qoperator");
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.status().message().find("quantized per channel"), std::string::npos);
}

}  // namespace
}  // namespace adze
