// The passes of "fuse".
#include "passes/pass_test_util.h"

namespace adze {
namespace {

TEST(FuseActivationTest, ReluAndClip) {
  ExpectRewrite("fuse_activation", R"(
    input %x : float32[N,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    const %lo : float32[] = [-1]
    const %hi : float32[] = [6]
    %a = Conv(%x, %w) {pads=[1, 1, 1, 1]} "c1"
    %b = Relu(%a)
    %c = Conv(%b, %w) "c2"
    %y = Clip(%c, %lo, %hi)
    output %y)",
                R"(
    input %x : float32[N,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %b = adze.Conv(%x, %w) {act_min=0.0, pads=[1, 1, 1, 1]} "c1"
    %y = adze.Conv(%b, %w) {act_max=6.0, act_min=-1.0} "c2"
    output %y)");
  ExpectRewrite("fuse_activation", R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    %a = Gemm(%x, %w) {transB=1}
    %b = Relu(%a)
    %c = MatMul(%b, %w)
    %y = Relu(%c)
    output %y)",
                R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    %b = adze.Gemm(%x, %w) {act_min=0.0, transB=1}
    %y = adze.MatMul(%b, %w) {act_min=0.0}
    output %y)");
}

TEST(FuseActivationTest, Refusals) {
  constexpr const char* kHead = "input %x : float32[1,1,3,3] const %w : float32[1,1,1,1] = [2] ";
  const auto no = [&](const char* body, const char* reason,
                      const std::vector<std::string>& preserved = {}) {
    ExpectNo("fuse_activation", std::string(kHead) + body, reason, preserved);
  };
  no("%a = Conv(%x, %w) %y = Relu(%a) output %y output %a", "value 'a' is an output");
  no("%a = Conv(%x, %w) %b = Sigmoid(%a) %y = Relu(%a) output %y output %b",
     "value 'a' has other users");
  no("%a = Conv(%x, %w) %y = Relu(%a) output %y", "value 'a' must stay readable", {"a"});
  no("input %v : float32[1,1,1,1] %a = Conv(%x, %v) %y = Relu(%a) output %y",
     "the weight is not constant");
  no("input %m : float32[] %a = Conv(%x, %w) %y = Clip(%a, %m) output %y",
     "the bounds are not constant");
  no("%a = Sigmoid(%x) %y = Relu(%a) output %y", "");
}

// A graph as quantization makes it; %b is float32 because Relu is meant to be fused.
constexpr const char* kQuantized = R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] quant(int8, axis=0, scale=[0.25], zero_point=[0]) = [5]
    %a = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128])
    %b = Conv(%a, %w)
    %c = Relu(%b) : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[0])
    %y = adze.Requantize(%c)
    output %y)";

TEST(FuseActivationTest, Quantized) {
  ExpectRewrite("fuse_activation", kQuantized, R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] quant(int8, axis=0, scale=[0.25], zero_point=[0]) = [5]
    %a = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128])
    %c = adze.Conv(%a, %w) {act_min=0.0} : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[0])
    %y = adze.Requantize(%c)
    output %y)");
}

TEST(FuseActivationTest, ATapInsideAnIntegerOperatorChangesNothingElse) {
  Graph g = ParseOrFail("graph {" + std::string(kQuantized) + "}");
  const Graph original = g;
  PassOptions options;
  options.preserved = {g.FindValue("b")};
  const PassReport report = RunOrFail(g, "fuse_activation", options);
  EXPECT_EQ(report.total_patches, 1);
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical(R"(graph {
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] quant(int8, axis=0, scale=[0.25], zero_point=[0]) = [5]
    %a = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128])
    %b = Conv(%a, %w)
    %c = adze.Conv(%a, %w) {act_min=0.0} : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[0])
    %y = adze.Requantize(%c)
    output %y
  })"));
  ExpectSameNumbers(original, g);
  EXPECT_EQ(RunOrFail(g, "fuse_activation", options).total_patches, 0);
}

TEST(FuseActivationTest, QuantizedValueBetween) {
  // The same quantizer on both sides: the clamp commutes with the rounding.
  const std::string same = R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %b = Conv(%x, %w) : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[100])
    %y = Relu(%b) : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[100])
    output %y)";
  ExpectRewrite("fuse_activation", same, R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %y = adze.Conv(%x, %w) {act_min=0.0} : float32[1,1,3,3] quant(uint8, scale=[0.0625], zero_point=[100])
    output %y)");
  std::string other = same;
  other.replace(other.find("zero_point=[100]"), 16, "zero_point=[101]");
  ExpectNo("fuse_activation", other, "value 'b' has its own quantization");
}

TEST(FuseResidualAddTest, FloatThenActivation) {
  constexpr const char* kBefore = R"(
    input %x : float32[N,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %a = Conv(%x, %w)
    %b = Add(%x, %a)
    %y = Relu(%b)
    output %y)";
  ExpectRewrite("fuse_residual_add", kBefore, R"(
    input %x : float32[N,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %b = adze.Conv(%x, %w, _, %x)
    %y = Relu(%b)
    output %y)");
  Graph g = ParseOrFail("graph {" + std::string(kBefore) + "}");
  const Graph original = g;
  ASSERT_TRUE(RunPipeline(g, "fuse").ok());
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical(R"(graph {
    input %x : float32[N,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %y = adze.Conv(%x, %w, _, %x) {act_min=0.0}
    output %y
  })"));
  ExpectSameNumbers(original, g);
}

TEST(FuseResidualAddTest, QuantizedKeepsTheRoundingBetween) {
  ExpectRewrite("fuse_residual_add", R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %q = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128])
    %a = Conv(%q, %w) : float32[1,1,3,3] quant(int8, scale=[0.0625], zero_point=[-3])
    %b = Add(%a, %q) : float32[1,1,3,3] quant(uint8, scale=[0.125], zero_point=[100])
    %y = adze.Requantize(%b)
    output %y)",
                R"(
    input %x : float32[1,1,3,3]
    const %w : float32[1,1,1,1] = [2]
    %q = adze.Requantize(%x) : float32[1,1,3,3] quant(uint8, scale=[0.03125], zero_point=[128])
    %b = adze.Conv(%q, %w, _, %q) {inter_scale=0.0625, inter_zero_point=125} : float32[1,1,3,3] quant(uint8, scale=[0.125], zero_point=[100])
    %y = adze.Requantize(%b)
    output %y)",
                {}, 0);
}

TEST(FuseResidualAddTest, Refusals) {
  constexpr const char* kHead = "input %x : float32[1,1,3,3] const %w : float32[1,1,1,1] = [2] ";
  const auto no = [&](const char* body, const char* reason,
                      const std::vector<std::string>& preserved = {}) {
    ExpectNo("fuse_residual_add", std::string(kHead) + body, reason, preserved);
  };
  no("%a = Conv(%x, %w) %y = Add(%a, %a) output %y", "both operands are the Conv's output");
  no("%a = Conv(%x, %w) %y = Add(%a, %x) output %y", "value 'a' must stay readable", {"a"});
  no("const %k : float32[1,1,1,1] = [2] %a = Conv(%x, %w) %y = Add(%a, %k) output %y",
     "the operands differ in shape");
  no("%a = adze.Conv(%x, %w) {act_min=0.0} %y = Add(%a, %x) output %y",
     "the activation comes before the addition");
  no("%a = Conv(%x, %w) %y = Add(%a, %x) : float32[1,1,3,3] quant(uint8, scale=[0.125], "
     "zero_point=[100]) output %y",
     "operands and sum are not all 8-bit integers");
}

TEST(FuseMatMulBiasTest, AnyRank) {
  ExpectRewrite("fuse_matmul_bias", R"(
    input %x : float32[N,2,2]
    const %w : float32[2,3] = [1, 2, 3, 4, 5, 6]
    const %b : float32[3] = [1, 2, 3]
    %a = MatMul(%x, %w)
    %y = Add(%b, %a)
    output %y)",
                R"(
    input %x : float32[N,2,2]
    const %w : float32[2,3] = [1, 2, 3, 4, 5, 6]
    const %b : float32[3] = [1, 2, 3]
    %y = adze.MatMul(%x, %w, %b)
    output %y)");
}

TEST(FuseSiluTest, Rewrites) {
  ExpectRewrite("fuse_silu", R"(
    input %x : float32[N,2]
    %s = Sigmoid(%x)
    %y = Mul(%s, %x)
    output %y)",
                "input %x : float32[N,2] %y = adze.Silu(%x) output %y");
  ExpectNo("fuse_silu", R"(
    input %x : float32[N,2]
    %s = Sigmoid(%x) : float32[N,2] quant(uint8, scale=[0.00390625], zero_point=[0])
    %y = Mul(%s, %x)
    output %y)",
           "value 's' has its own quantization");
}

TEST(FuseSiluTest, ATapKeepsItsProducer) {
  Graph g =
      ParseOrFail("graph {input %x : float32[2] %s = Sigmoid(%x) %y = Mul(%x, %s) output %y}");
  PassOptions options;
  options.preserved = {g.FindValue("s")};
  RunOrFail(g, "fuse_silu", options);
  EXPECT_EQ(
      Canonical(PrintGraph(g)),
      Canonical("graph {input %x : float32[2] %s = Sigmoid(%x) %y = adze.Silu(%x) output %y}"));
}

// A quantized convolution, as quantization makes it, with BODY behind it.
std::string WithConvolution(const std::string& body) {
  return R"(
    input %x : float32[1,2,3,3]
    const %w : float32[2,2,1,1] quant(int8, axis=0, scale=[0.25,0.5], zero_point=[0,0]) = [5, 1, 2, 3]
    %xq = adze.Requantize(%x) : float32[1,2,3,3] quant(uint8, scale=[0.1], zero_point=[7])
    %c = Conv(%xq, %w) "c1"
)" + body +
         " output %r";
}

TEST(FuseNonlinearTest, ActivationsAndChannelFactors) {
  const std::string quant = " : float32[1,2,3,3] quant(uint8, scale=[0.2], zero_point=[9]) ";
  const std::string end = "%r = adze.Requantize(%y)";
  const auto rewrites = [&](const std::string& before, const std::string& after) {
    ExpectRewrite("fuse_nonlinear", WithConvolution(before + quant + end), [&] {
      std::string text = WithConvolution(after + quant + end);
      text.erase(text.find("    %c = Conv"), 27);
      return text;
    }());
  };
  rewrites("%y = adze.Silu(%c)", "%y = adze.Conv(%xq, %w) {activation=\"Silu\"} \"c1\"");
  rewrites("%y = LeakyRelu(%c) {alpha=0.3}",
           "%y = adze.Conv(%xq, %w) {act_alpha=0.3, activation=\"LeakyRelu\"} \"c1\"");
  rewrites(
      "%y = HardSigmoid(%c)",
      "%y = adze.Conv(%xq, %w) {act_alpha=0.2, act_beta=0.5, activation=\"HardSigmoid\"} \"c1\"");
  const std::string f = "const %f : float32[2,1,1] = [2, 3] ";
  rewrites(f + "%s = HardSwish(%c) %y = Mul(%f, %s)",
           f + "%y = adze.Conv(%xq, %w, _, _, %f) {activation=\"HardSwish\"} \"c1\"");
}

TEST(FuseNonlinearTest, Refusals) {
  const std::string quant = " : float32[1,2,3,3] quant(uint8, scale=[0.2], zero_point=[9]) ";
  const auto no = [&](const std::string& body, const char* reason) {
    ExpectNo("fuse_nonlinear", WithConvolution(body), reason);
  };
  no("%y = adze.Silu(%c) %r = Neg(%y)", "");
  no("%y = adze.Silu(%c)" + quant + "%z = adze.Requantize(%y) %r = Add(%c, %z)",
     "value 'c' has other users");
  no("const %f : float32[2,1,1] = [2, inf] %s = adze.Silu(%c) %y = Mul(%s, %f)" + quant +
         "%r = adze.Requantize(%y)",
     "a factor is not finite");
  no("%y = LeakyRelu(%c) {alpha=inf}" + quant + "%r = adze.Requantize(%y)",
     "alpha or beta is not finite");
  ExpectNo("fuse_nonlinear", R"(
    input %x0 : float32[1,2,2]
    const %w : float32[2,2] quant(int8, axis=1, scale=[0.25,0.5], zero_point=[0,0]) = [5, 1, 2, 3]
    const %f : float32[2,1] = [2, 3]
    %x = adze.Requantize(%x0) : float32[1,2,2] quant(uint8, scale=[0.1], zero_point=[7])
    %m = MatMul(%x, %w)
    %s = Sigmoid(%m)
    %y = Mul(%s, %f) : float32[1,2,2] quant(uint8, scale=[0.2], zero_point=[9])
    %r = adze.Requantize(%y)
    output %r)",
           "the factors are not those of its output channels");
  // Factors that are not per channel are a multiplication like any other.
  no("const %g : float32[1,1,3] = [2, 3, 4] %s = adze.Silu(%c) %y = Mul(%s, %g)" + quant +
         "%r = adze.Requantize(%y)",
     "");
  no("%y = Relu(%c)" + quant + "%r = adze.Requantize(%y)", "");
}

TEST(ExpandSiluTest, IsTheInverse) {
  ExpectRewrite("expand_silu", R"(
    input %x : float32[N,2]
    %y = adze.Silu(%x) "a" : float32[N,2] quant(uint8, scale=[0.25], zero_point=[3])
    output %y)",
                R"(
    input %x : float32[N,2]
    %y_sigmoid = Sigmoid(%x) "a_sigmoid"
    %y = Mul(%x, %y_sigmoid) "a" : float32[N,2] quant(uint8, scale=[0.25], zero_point=[3])
    output %y)");
}

TEST(FuseHardSwishTest, AllSpellings) {
  const char* const spellings[] = {
      "%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %m = Mul(%x, %c) %y = Div(%m, %six)",
      "%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %m = Mul(%c, %x) %y = Mul(%m, %sixth)",
      "%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %d = Div(%c, %six) %y = Mul(%d, %x)",
      "%h = HardSigmoid(%x) {alpha=0.16666667, beta=0.5} %y = Mul(%x, %h)",
  };
  for (const char* body : spellings) {
    Graph g = ParseOrFail(std::string(R"(graph {
      input %x : float32[N,2]
      const %three : float32[] = [3]
      const %zero : float32[] = [0]
      const %six : float32[1] = [6]
      const %sixth : float32[] = [0.16666667]
    )") + body + " output %y}");
    const Graph original = g;
    EXPECT_EQ(RunOrFail(g, "fuse_hard_swish").total_patches, 1) << body;
    EXPECT_EQ(Canonical(PrintGraph(g)),
              Canonical("graph {input %x : float32[N,2] %y = HardSwish(%x) output %y}"));
    ExpectSameNumbers(original, g);
  }
}

TEST(FuseHardSwishTest, OtherConstantsAreSomethingElse) {
  ExpectNo("fuse_hard_swish", R"(
    input %x : float32[2]
    %h = HardSigmoid(%x)
    %y = Mul(%x, %h)
    output %y)",
           "");
}

TEST(ExpandComputedConvTest, OneProductOverAllPixels) {
  ExpectRewrite("expand_computed_conv", R"(
    input %x : float32[N,3,6,5]
    input %w : float32[4,3,2,3]
    input %b : float32[4]
    %y = Conv(%x, %w, %b) {pads=[1,0,0,1], strides=[2,1]}
    output %y)",
                R"(
    input %x : float32[N,3,6,5]
    input %w : float32[4,3,2,3]
    input %b : float32[4]
    const %y_product_shape : int64[2] = [4,18]
    const %y_product_shape_1 : int64[4] = [-1,3,4,4]
    %y_product = Transpose(%x) {perm=[0,2,3,1]}
    %y_product_1 = adze.Unfold(%y_product) {kernel_shape=[2,3], pads=[1,0,0,1], strides=[2,1]}
    %y_product_2 = Transpose(%w) {perm=[0,2,3,1]}
    %y_product_3 = Reshape(%y_product_2, %y_product_shape)
    %y_product_4 = Transpose(%y_product_3) {perm=[1,0]}
    %y_product_5 = MatMul(%y_product_1, %y_product_4)
    %y_product_6 = Reshape(%y_product_5, %y_product_shape_1)
    %y_product_7 = Add(%y_product_6, %b)
    %y = Transpose(%y_product_7) {perm=[0,3,1,2]}
    output %y)");
}

TEST(ExpandComputedConvTest, OtherForms) {
  const auto same = [](const std::string& x, const std::string& w, const std::string& attrs) {
    Graph g = ParseOrFail("graph { input %x : float32[" + x + "] input %w : float32[" + w +
                          "] %y = Conv(%x, %w) " + attrs + " output %y }");
    const Graph before = g;
    EXPECT_EQ(RunOrFail(g, "expand_computed_conv").total_patches, 1) << x << " " << w;
    ExpectSameNumbers(before, g);
  };
  same("2,4,5,6", "6,2,3,2", "{group=2, dilations=[1,2]}");
  same("1,4,7,7", "8,1,3,3", "{group=4, auto_pad=\"SAME_UPPER\"}");
  same("N,3,9", "2,3,4", "{strides=[3]}");
  same("1,2,4,5,3", "3,2,2,2,1", "");
}

TEST(ExpandComputedConvTest, Refusals) {
  ExpectNo("expand_computed_conv",
           "input %x : float32[1,4,5,5] input %w : float32[4,1,3,3] %y = Conv(%x, %w) {group=4} "
           "output %y",
           "it is depthwise");
  ExpectNo("expand_computed_conv",
           "input %x : float32[N,4,H,5] input %w : float32[4,4,3,3] %y = Conv(%x, %w) output %y",
           "the result has several symbolic dimensions");
  ExpectNo(
      "expand_computed_conv",
      "input %x : float32[1,1,3,3] const %w : float32[1,1,1,1] = [2] %y = Conv(%x, %w) output %y",
      "");
}

}  // namespace
}  // namespace adze
