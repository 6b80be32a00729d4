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

// A constant weight: the gradient of the image is a convolution.
TEST(GradientRulesTest, ConvOfConstantWeight) {
  const std::string weight =
      "const %w : float64[2,2,2,3] = [1,-2,3,4,5,-6, 7,8,9,-1,2,3, 4,5,6,-7,8,9, 1,2,3,4,5,6] ";
  for (const char* const attrs :
       {"", "pads=[1,1,1,2]", "dilations=[2,1], pads=[0,2,1,0]", "strides=[2,1], pads=[1,0,1,0]",
        "pads=[2,0,2,0]", "auto_pad=\"SAME_LOWER\""}) {
    for (const char* const batch : {"2", "N"}) {
      ExpectGradients("input %x : float64[" + std::string(batch) + ",2,6,7] " + weight +
                      "%y = Conv(%x, %w) {" + attrs + "} output %y");
    }
  }
  const std::string grouped =
      "const %w : float64[4,1,2,2] = [1,-2,3,4,5,-6,7,8,9,-1,2,3,4,5,6,-7] ";
  for (const char* const attrs : {"group=2", "group=4", "group=4, strides=[2,2], pads=[1,1,0,0]",
                                  "group=4, strides=[2,3], dilations=[1,2]"}) {
    const char* const channels = std::string_view(attrs).starts_with("group=2") ? "2" : "4";
    for (const char* const batch : {"1", "N"}) {
      ExpectGradients("input %x : float64[" + std::string(batch) + "," + channels + ",6,7] " +
                      grouped + "%y = Conv(%x, %w) {" + attrs + "} output %y");
    }
  }
  ExpectGradients("input %x : float64[N,4,H,H] " + grouped +
                      "%y = Conv(%x, %w) {group=4, strides=[2,2]} output %y",
                  {.symbol = 4});
  ExpectGradients(
      "input %x : float64[2,1,7] const %w : float64[2,1,3] = [1,2,-3,4,5,6] %y = Conv(%x, %w) "
      "{pads=[2,0]} output %y");
}

TEST(GradientRulesTest, PointwiseConv) {
  for (const char* const attrs : {"", "strides=[2,2]", "pads=[1,0,0,1]"}) {
    for (const char* const weight :
         {"input %w : float64[2,3,1,1] ", "const %w : float64[2,3,1,1] = [1,-2,3,4,5,6] "}) {
      ExpectGradients("input %x : float64[N,3,4,3] " + std::string(weight) + "%y = Conv(%x, %w) {" +
                      attrs + "} output %y");
    }
  }
}

TEST(GradientRulesTest, FoldAndUnfold) {
  ExpectGradients(R"(
    input %x : float64[2,5,4,3]
    %u = adze.Unfold(%x) {kernel_shape=[3,2], pads=[1,0,1,1], strides=[2,1]}
    %y = Mul(%u, %u)
    output %y)");
  ExpectGradients(R"(
    input %u : float64[12,8] const %s : int64[4] = [2,3,4,2]
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

TEST(GradientRulesTest, ConvTranspose) {
  ExpectGradients(R"(
    input %x : float64[2,3,4,3] input %w : float64[3,2,3,2] input %b : float64[2]
    %y = ConvTranspose(%x, %w, %b) {strides=[2,1], pads=[1,0,0,1], output_padding=[1,0]}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[1,4,3,3] input %w : float64[4,1,3,3]
    %y = ConvTranspose(%x, %w) {group=2, dilations=[2,1]}
    output %y)");
}

TEST(GradientRulesTest, SoftmaxAndNormalization) {
  for (const char* const axis : {"-1", "1", "0"}) {
    for (const char* const op : {"Softmax", "LogSoftmax"}) {
      ExpectGradients(std::string("input %x : float64[2,3,4] %y = ") + op + "(%x) {axis=" + axis +
                      "} output %y");
    }
  }
  ExpectGradients(R"(
    input %x : float64[2,3,4] input %s : float64[4] input %b : float64[4]
    %y = LayerNormalization(%x, %s, %b)
    output %y)");
  ExpectGradients(R"(
    input %x : float64[N,3,4] input %s : float64[3,1] input %b : float64[4]
    %y = LayerNormalization(%x, %s, %b) {axis=-2, epsilon=0.01}
    output %y)");
  ExpectGradients(R"(
    input %x : float64[2,3,2,2] input %s : float64[3] input %b : float64[3] input %m : float64[3]
    input %v : float64[3]
    %y = BatchNormalization(%x, %s, %b, %m, %v) {epsilon=0.1}
    output %y)",
                  {.lowest = 0.5});
  ExpectGradients(R"(
    input %x : float64[N,3] input %s : float64[3] const %b : float64[3] = [1,2,3]
    const %m : float64[3] = [1,2,3] const %v : float64[3] = [1,2,3]
    %y = BatchNormalization(%x, %s, %b, %m, %v)
    output %y)");
}

TEST(GradientRulesTest, Moves) {
  ExpectGradients("input %x : float64[2,3,4] %y = Transpose(%x) {perm=[1,2,0]} output %y");
  ExpectGradients("input %x : float64[2,3,4] %y = Transpose(%x) output %y");
  ExpectGradients("input %x : float64[2,3,4] %y = Flatten(%x) {axis=-1} output %y");
  ExpectGradients(
      "input %x : float64[N,3,4] const %s : int64[2] = [0,-1] %y = Reshape(%x, %s) output %y");
  ExpectGradients(
      "input %x : float64[N,M,4] const %s : int64[1] = [-1] %y = Reshape(%x, %s) output %y");
  ExpectGradients(
      "input %x : float64[2,1,4] const %a : int64[1] = [1] %y = Squeeze(%x, %a) output %y");
  ExpectGradients(
      "input %x : float64[2,4] const %a : int64[2] = [0,-1] %y = Unsqueeze(%x, %a) output %y");
  ExpectGradients(
      "input %x : float64[2,1] const %s : int64[3] = [3,2,4] %y = Expand(%x, %s) output %y");
  ExpectGradients(
      "input %a : float64[2,1,3] input %b : float64[2,4,3] %y = Concat(%a, %b, %a) {axis=-2} "
      "output %y");
  ExpectGradients(
      "input %a : float64[N,1] input %b : float64[N,4] %y = Concat(%a, %b) {axis=1} output %y");
  ExpectGradients(
      "input %x : float64[2,5] const %s : int64[2] = [2,3] %y, %z = Split(%x, %s) {axis=1} output "
      "%y output %z");
  ExpectGradients(
      "input %x : float64[2,5] const %s : int64[2] = [2,3] %y, %z = Split(%x, %s) {axis=-1} output "
      "%z");
  ExpectGradients("input %x : float64[1,8,2,3] %y = DepthToSpace(%x) {blocksize=2} output %y");
  ExpectGradients("input %x : float64[1,2,4,6] %y = SpaceToDepth(%x) {blocksize=2} output %y");
  ExpectGradients("input %x : float64[2,3] %y = Cast(%x) {to=11} output %y");
}

TEST(GradientRulesTest, PadAndSlice) {
  ExpectGradients(
      "input %x : float64[2,3] const %p : int64[4] = [1,0,2,3] %y = Pad(%x, %p) output %y");
  ExpectGradients(
      "input %x : float64[4,3] const %p : int64[4] = [-1,0,2,-1] const %v : float64[] = [2] "
      "%y = Pad(%x, %p, %v) output %y");
  ExpectGradients(
      "input %x : float64[4,3] const %p : int64[2] = [1,-1] const %a : int64[1] = [-1] "
      "%y = Pad(%x, %p, _, %a) output %y");
  const auto slice = [](const std::string& x, const std::string& bounds) {
    ExpectGradients("input %x : float64[" + x + "] " + bounds + " output %y");
  };
  slice("5,6", "const %s : int64[2] = [1,-4] const %e : int64[2] = [4,100] %y = Slice(%x, %s, %e)");
  slice("N,6,2",
        "const %s : int64[1] = [1] const %e : int64[1] = [-1] const %a : int64[1] = [1] "
        "%y = Slice(%x, %s, %e, %a)");
  // Every second, every third beginning in the middle, reversed, reversed with gaps.
  const std::string three = "const %a : int64[1] = [-2] const %t : int64[1] = ";
  slice("2,7,3", "const %s : int64[1] = [0] const %e : int64[1] = [7] " + three +
                     "[2] %y = Slice(%x, %s, %e, %a, %t)");
  slice("N,7,M", "const %s : int64[1] = [2] const %e : int64[1] = [6] " + three +
                     "[3] %y = Slice(%x, %s, %e, %a, %t)");
  slice("2,7,3", "const %s : int64[1] = [-1] const %e : int64[1] = [-100] " + three +
                     "[-1] %y = Slice(%x, %s, %e, %a, %t)");
  slice("2,7,3", "const %s : int64[1] = [5] const %e : int64[1] = [0] " + three +
                     "[-2] %y = Slice(%x, %s, %e, %a, %t)");
}

TEST(GradientRulesTest, Reductions) {
  for (const char* const op : {"ReduceSum", "ReduceMean"}) {
    for (const char* const keep : {"0", "1"}) {
      const auto reduce = [&](const std::string& dims, const std::string& axes) {
        ExpectGradients("input %x : float64[" + dims + "] " + axes + "%y = " + op +
                        (axes.empty() ? "(%x)" : "(%x, %a)") + " {keepdims=" + keep +
                        "} output %y");
      };
      reduce("2,3,4", "");
      reduce("2,3,4", "const %a : int64[2] = [-1,0] ");
      reduce("N,3,4", "const %a : int64[1] = [1] ");
      reduce("N,3,4", "const %a : int64[1] = [0] ");
      reduce("N,3,M", "");
    }
  }
  ExpectGradients(
      "input %x : float64[2,3] %y = ReduceSum(%x) {noop_with_empty_axes=1, keepdims=0} output %y");
}

TEST(GradientRulesTest, Others) {
  ExpectGradients(
      "input %a : float64[2,3] input %b : float64[3] const %c : bool[2,1] = [1,0] "
      "%y = Where(%c, %a, %b) output %y");
  for (const char* const op : {"LeakyRelu(%x) {alpha=0.3}", "Elu(%x) {alpha=1.5}",
                               "adze.Gate(%x, %x) {lo=-1.0, hi=0.5}"}) {
    ExpectGradients(std::string("input %x : float64[32] %y = ") + op + " output %y");
  }
  ExpectGradients("input %x : float64[2,3,4] input %s : float64[3,1] %y = PRelu(%x, %s) output %y");
  ExpectGradients(
      "input %x : float64[2,2,3,4] const %s : float32[4] = [1,1,2,3] %y = Resize(%x, _, %s) output "
      "%y");
  ExpectGradients(
      "input %x : float64[N,2,H,W] const %s : float32[4] = [1,1,2,2] %y = Resize(%x, _, %s) "
      "{coordinate_transformation_mode=\"asymmetric\", nearest_mode=\"floor\"} output %y");
}

// With respect to values between, and through values with several users.
TEST(GradientRulesTest, Networks) {
  ExpectGradients(R"(
    input %x : float64[N,3,8,8] input %w : float64[4,3,3,3] input %b : float64[4]
    input %d : float64[4,1,3,3] input %p : float64[4,4,1,1] input %f : float64[4,5] input %fb : float64[5]
    const %lo : float64[] = [0] const %hi : float64[] = [6]
    %c1 = Conv(%x, %w, %b) {pads=[1,1,1,1], strides=[2,2]}
    %r1 = Clip(%c1, %lo, %hi)
    %c2 = Conv(%r1, %d) {group=4, pads=[1,1,1,1]}
    %r2 = HardSwish(%c2)
    %c3 = Conv(%r2, %p)
    %s = Add(%c3, %r1)
    %m = MaxPool(%s) {kernel_shape=[2,2], strides=[2,2]}
    %g = GlobalAveragePool(%m)
    %h = Flatten(%g)
    %z = Gemm(%h, %f, %fb)
    %y = LogSoftmax(%z)
    output %y)",
                  {.symbol = 2, .tolerance = 1e-6});
  ExpectGradients(R"(
    input %x : float64[2,4,6] input %q : float64[6,6] input %k : float64[6,6] input %v : float64[6,6]
    input %s : float64[6] input %b : float64[6] const %scale : float64[] = [0.4]
    %n = LayerNormalization(%x, %s, %b)
    %xq = MatMul(%n, %q) %xk = MatMul(%n, %k) %xv = MatMul(%n, %v)
    %kt = Transpose(%xk) {perm=[0,2,1]}
    %a = MatMul(%xq, %kt) %as = Mul(%a, %scale)
    %p = Softmax(%as)
    %o = MatMul(%p, %xv)
    %g = Gelu(%o)
    %y = Add(%x, %g)
    output %y)",
                  {.tolerance = 1e-6});
}

}  // namespace
}  // namespace adze
