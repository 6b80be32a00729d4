// Every gradient rule against central differences in double.
#include "passes/gradient_test_util.h"

namespace adze {
namespace {

TEST(GradientRulesTest, Conv) {
  ExpectGradients(R"(
    input %x : float64[2,3,5,6] input %w : float64[4,3,3,2] input %b : float64[4]
    %y = Conv(%x, %w, %b) {pads=[1,0,2,1], strides=[2,1]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[1,2,7,5] input %w : float64[2,2,3,2]
    %y = Conv(%x, %w) {dilations=[2,3], pads=[0,1,1,2]}
    output %y)");
  // Rows and columns that no window reaches.
  ExpectGradients(R"(
    input %x : float64[2,2,6,8] input %w : float64[3,2,2,2]
    %y = Conv(%x, %w) {strides=[3,3]}
    output %y)");
}

TEST(GradientRulesTest, ConvGroups) {
  ExpectGradients(R"(
    input %x : float64[2,4,4,4] input %w : float64[6,2,3,3] input %b : float64[6]
    %y = Conv(%x, %w, %b) {group=2, pads=[1,1,1,1]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[2,3,5,5] input %w : float64[3,1,3,3]
    %y = Conv(%x, %w) {group=3, pads=[1,1,1,1], strides=[2,2]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[1,2,4,4] input %w : float64[4,1,2,2]
    %y = Conv(%x, %w) {group=2, auto_pad="SAME_UPPER"}
    output %y)");
}

TEST(GradientRulesTest, ConvOtherRanksAndSymbols) {
  ExpectGradients(R"(
    input %x : float64[2,2,9] input %w : float64[3,2,3]
    %y = Conv(%x, %w) {pads=[2,1], strides=[2]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[1,2,3,4,3] input %w : float64[2,2,2,2,2]
    %y = Conv(%x, %w) {pads=[1,0,0,0,1,0]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[N,2,4,4] input %w : float64[4,1,3,3]
    %y = Conv(%x, %w) {group=2, pads=[1,1,1,1]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[N,2,H,H] input %w : float64[2,2,3,3]
    %y = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]}
    output %y)",
                  {.symbol = 5});
}

TEST(GradientRulesTest, FoldAndUnfold) {
  ExpectGradients(R"(
    input %x : float64[2,2,5,4]
    %u = adze.Unfold(%x) {kernel_shape=[3,2], pads=[1,0,1,1], strides=[2,1]}
    %y = Mul(%u, %u)
    output %y)");
  ExpectGradients(R"(
    input %u : float64[2,8,6] const %s : int64[4] = [2,2,3,4]
    %x = adze.Fold(%u, %s) {kernel_shape=[2,2]}
    %y = Mul(%x, %x)
    output %y)");
}

TEST(GradientRulesTest, Gemm) {
  for (const char* const attrs : {"", "{alpha=0.5, beta=2.0}"}) {
    ExpectGradients(
        std::string("input %a : float64[3,4] input %b : float64[4,2] input %c : float64[2] "
                    "%y = Gemm(%a, %b, %c) ") +
        attrs + " output %y");
  }
  ExpectGradients(R"(
    input %a : float64[4,3] input %b : float64[2,4] input %c : float64[3,1]
    %y = Gemm(%a, %b, %c) {transA=1, transB=1, alpha=1.5}
    output %y)");
  ExpectGradients(R"(
    input %a : float64[4,3] input %b : float64[4,2]
    %y = Gemm(%a, %b) {transA=1}
    output %y)");
  ExpectGradients(R"(
    input %a : float64[N,3] input %b : float64[4,3] input %c : float64[1]
    %y = Gemm(%a, %b, %c) {transB=1}
    output %y)");
}

TEST(GradientRulesTest, MatMul) {
  for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{{"3,4", "4,2"},
                                                                             {"2,3,4", "4,5"},
                                                                             {"2,1,3,4", "3,4,2"},
                                                                             {"4", "4,2"},
                                                                             {"3,4", "4"},
                                                                             {"4", "4"},
                                                                             {"2,3,4", "4"},
                                                                             {"4", "2,4,3"},
                                                                             {"N,3,4", "4,2"},
                                                                             {"N,3,4", "N,4,2"},
                                                                             {"3,4", "2,4,5"}}) {
    ExpectGradients(std::string("input %a : float64[") + a + "] input %b : float64[" + b +
                    "] %y = MatMul(%a, %b) output %y");
  }
}

TEST(GradientRulesTest, Arithmetic) {
  for (const char* const op : {"Add", "Sub", "Mul", "Div"}) {
    for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{{"2,3", "2,3"},
                                                                               {"2,3", "3"},
                                                                               {"2,3", "2,1"},
                                                                               {"1,3", "2,1"},
                                                                               {"", "2,2"},
                                                                               {"N,3", "3"},
                                                                               {"2,3,1", "1,4"}}) {
      ExpectGradients(std::string("input %a : float64[") + a + "] input %b : float64[" + b +
                          "] %y = " + op + "(%a, %b) output %y",
                      {.lowest = 0.5, .highest = 2});
    }
  }
  ExpectGradients("input %a : float64[2,3] %y = Mul(%a, %a) output %y");
  ExpectGradients(
      "input %a : float64[3] input %b : float64[2,1] input %c : float64[2,3] "
      "%y = Sum(%a, %b, %c) output %y");
  ExpectGradients("input %a : float64[3] input %b : float64[2,1] %y = Mean(%a, %b) output %y");
  ExpectGradients("input %a : float64[4] const %p : float64[] = [3] %y = Pow(%a, %p) output %y");
  ExpectGradients("input %a : float64[4] const %p : float64[] = [-0.5] %y = Pow(%a, %p) output %y",
                  {.lowest = 0.5});
}

TEST(GradientRulesTest, Unary) {
  for (const char* const op :
       {"Relu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "adze.Silu", "Gelu", "Erf", "Exp",
        "Neg", "Identity", "Softplus", "Abs", "Sin", "Cos", "Dropout"}) {
    ExpectGradients(std::string("input %x : float64[3,16] %y = ") + op + "(%x) output %y",
                    {.lowest = -4, .highest = 4});
  }
  for (const char* const op : {"Log", "Sqrt", "Reciprocal"}) {
    ExpectGradients(std::string("input %x : float64[3,16] %y = ") + op + "(%x) output %y",
                    {.lowest = 0.25, .highest = 3});
  }
  ExpectGradients("input %x : float64[32] %y = Gelu(%x) {approximate=\"tanh\"} output %y",
                  {.lowest = -4, .highest = 4});
  ExpectGradients("input %x : float64[32] %y = HardSigmoid(%x) {alpha=-0.5, beta=0.25} output %y");
}

TEST(GradientRulesTest, Clip) {
  ExpectGradients(
      "input %x : float64[32] const %l : float64[] = [-1] const %h : float64[] = [0.5] "
      "%y = Clip(%x, %l, %h) output %y");
  ExpectGradients(
      "input %x : float64[32] const %h : float64[] = [0.5] %y = Clip(%x, _, %h) output %y");
  // A computed bound.
  ExpectGradients(
      "input %x : float64[32] const %l : float64[] = [0.1] %t = Exp(%l) %y = Clip(%x, %t) output "
      "%y");
}

TEST(GradientRulesTest, Pooling) {
  for (const char* const attrs :
       {"kernel_shape=[2,2]", "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]",
        "kernel_shape=[3,2], strides=[2,3], ceil_mode=1",
        "kernel_shape=[3,3], strides=[2,2], pads=[1,0,0,2]",
        "kernel_shape=[2,2], dilations=[2,2], pads=[1,1,1,1]",
        "kernel_shape=[2,2], strides=[2,2], auto_pad=\"SAME_LOWER\""}) {
    for (const char* const form :
         {"MaxPool(%x) {", "AveragePool(%x) {", "AveragePool(%x) {count_include_pad=1, "}) {
      ExpectGradients(std::string("input %x : float64[2,2,7,6] %y = ") + form + attrs +
                      "} output %y");
    }
  }
  ExpectGradients(
      "input %x : float64[2,2,7] %y = AveragePool(%x) {kernel_shape=[3], strides=[2]} output %y");
  ExpectGradients(
      "input %x : float64[N,2,4,4] %y = AveragePool(%x) {kernel_shape=[2,2]} output %y");
  ExpectGradients("input %x : float64[2,3,4,5] %y = GlobalAveragePool(%x) output %y");
  ExpectGradients("input %x : float64[2,3,4,5] %y = GlobalMaxPool(%x) output %y");
  ExpectGradients("input %x : float64[N,3,H,W] %y = GlobalAveragePool(%x) output %y");
}

}  // namespace
}  // namespace adze
