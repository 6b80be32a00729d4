// The differentiate pass as text: what it builds, what it refuses; and the rules of quantizers,
// whose gradients are no derivatives.
#include "passes/gradient_test_util.h"

namespace adze {
namespace {

std::vector<ValueId> Find(const Graph& g, const std::vector<std::string>& names) {
  std::vector<ValueId> ids;
  for (const std::string& name : names) ids.push_back(g.FindValue(name));
  return ids;
}

Result<Graph> Gradient(const Graph& g, const std::vector<std::string>& wrt,
                       DifferentiateOptions options = {}) {
  if (options.of.empty()) options.of = g.top().outputs;
  options.with_respect_to = Find(g, wrt);
  return Differentiate(g, options);
}

void ExpectGraph(std::string_view body, const std::vector<std::string>& wrt,
                 std::string_view expected, const DifferentiateOptions& options = {}) {
  const Graph g = ParseOrFail("graph {" + std::string(body) + "}");
  Result<Graph> made = Gradient(g, wrt, options);
  ASSERT_TRUE(made.ok()) << made.status().message();
  ASSERT_TRUE(Verify(*made).ok());
  EXPECT_EQ(Canonical(PrintGraph(*made)), Canonical("graph {" + std::string(expected) + "}"));
}

// Only what the gradient needs of the forward part stays: not the bias, not the second output.
TEST(DifferentiateTest, KeepsWhatIsNeeded) {
  ExpectGraph(R"(
    input %x : float32[N,2]
    const %w : float32[2,3] = [1,2,3,4,5,6]
    const %b : float32[3] = [1,2,3]
    %h = MatMul(%x, %w)
    %a = Add(%h, %b)
    %y = Tanh(%a)
    output %y)",
              {"x"}, R"(
    input %x : float32[N,2]
    input %seed/y : float32[N,3]
    const %w : float32[2,3] = [1,2,3,4,5,6]
    const %b : float32[3] = [1,2,3]
    %h = MatMul(%x, %w)
    %a = Add(%h, %b)
    %y = Tanh(%a)
    %grad/y/0 = Mul(%y, %y)
    %grad/y/1 = Mul(%seed/y, %grad/y/0)
    %grad/y/2 = Sub(%seed/y, %grad/y/1)
    %grad/h/0 = Transpose(%w) {perm=[1,0]}
    %grad/h/1 = MatMul(%grad/y/2, %grad/h/0)
    %grad/x = Identity(%grad/h/1)
    output %grad/x)");
  ExpectGraph(R"(
    input %x : float32[N,2]
    const %w : float32[2] = [1,2]
    %h = Mul(%x, %w)
    %y = Neg(%h)
    output %y)",
              {"x"}, R"(
    input %x : float32[N,2]
    input %seed/y : float32[N,2]
    const %w : float32[2] = [1,2]
    %grad/y/0 = Neg(%seed/y)
    %grad/h/0 = Mul(%grad/y/0, %w)
    %grad/x = Identity(%grad/h/0)
    output %grad/x)");
}

TEST(DifferentiateTest, SumsOverUsersAndSeedsOne) {
  DifferentiateOptions options;
  options.unit_seed = true;
  ExpectGraph(R"(
    input %x : float32[3]
    %s = Mul(%x, %x)
    %t = Add(%s, %x)
    %y = ReduceSum(%t) {keepdims=0}
    output %y)",
              {"x"}, R"(
    input %x : float32[3]
    const %seed/y : float32[] = [1]
    const %grad/y/0 : int64[1] = [0]
    const %grad/y/2 : int64[1] = [3]
    %grad/y/1 = Unsqueeze(%seed/y, %grad/y/0)
    %grad/y/3 = Expand(%grad/y/1, %grad/y/2)
    %grad/s/0 = Mul(%grad/y/3, %x)
    %grad/s/1 = Mul(%grad/y/3, %x)
    %grad/x/sum = Add(%grad/y/3, %grad/s/0)
    %grad/x/sum_1 = Add(%grad/x/sum, %grad/s/1)
    %grad/x = Identity(%grad/x/sum_1)
    output %grad/x)",
              options);
}

TEST(DifferentiateTest, ConstantsBecomeInputs) {
  const std::string_view text = R"(
    input %x : float32[N,2]
    const %w : float32[2] = [1,2]
    %y = Mul(%x, %w)
    output %y)";
  const Graph g = ParseOrFail("graph {" + std::string(text) + "}");
  DifferentiateOptions options;
  options.constants_as_inputs = true;
  options.outputs = g.top().outputs;
  ExpectGraph(text, {"w"}, R"(
    input %x : float32[N,2]
    input %w : float32[2]
    input %seed/y : float32[N,2]
    const %grad/y/1 : int64[1] = [0]
    %y = Mul(%x, %w)
    %grad/y/0 = Mul(%seed/y, %x)
    %grad/y/2 = ReduceSum(%grad/y/0, %grad/y/1) {keepdims=0}
    %grad/w = Identity(%grad/y/2)
    output %y
    output %grad/w)",
              options);
}

// With a constant weight the gradient of a convolution's image is one convolution.
TEST(DifferentiateTest, SimplifiesToAConvolution) {
  const Graph g = ParseOrFail(R"(graph {
    input %x : float32[N,1,3,3]
    const %w : float32[2,1,2,2] = [1,2,3,4,5,6,7,8]
    %y = Conv(%x, %w) {pads=[1,0,0,1]}
    output %y
  })");
  Result<Graph> made = Gradient(g, {"x"});
  ASSERT_TRUE(made.ok()) << made.status().message();
  const Graph before = *made;
  const Result<PassReport> report = RunPipeline(*made, "simplify");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(Canonical(PrintGraph(*made)), Canonical(R"(graph {
    input %x : float32[N,1,3,3]
    input %seed/y : float32[N,2,3,3]
    const %grad/y/9 : float32[1,2,2,2] = [4,3,2,1,8,7,6,5]
    %grad/x = Conv(%seed/y, %grad/y/9) {dilations=[1,1], group=1, kernel_shape=[2,2], pads=[0,1,1,0]} : float32[N,1,3,3] origins("grad/y/10")
    output %grad/x
  })"));
  ExpectSameNumbers(before, *made, 1e-4f);
}

std::string Refused(std::string_view body, const std::vector<std::string>& wrt,
                    DifferentiateOptions options = {}) {
  const Graph g = ParseOrFail("graph {" + std::string(body) + "}");
  const Result<Graph> made = Gradient(g, wrt, std::move(options));
  return made.ok() ? "accepted" : made.status().message();
}

TEST(DifferentiateTest, Refusals) {
  EXPECT_EQ(Refused("input %x : float32[2] %y = Floor(%x) \"f\" output %y", {"x"}),
            "node 'f' (Floor): adze has no gradient rule for Floor");
  EXPECT_EQ(
      Refused("input %x : float32[2] input %z : float32[2] %y = Neg(%x) output %y", {"x", "z"}),
      "nothing that is differentiated depends on value 'z' through floats");
  // Integers end the way.
  EXPECT_EQ(
      Refused("input %x : float32[2] %i = Cast(%x) {to=7} %y = Cast(%i) {to=1} output %y", {"x"}),
      "nothing that is differentiated depends on value 'x' through floats");
  EXPECT_EQ(Refused("input %x : int64[2] %y = Cast(%x) {to=1} output %y", {"x"}),
            "value 'x' is int64; only float32 and float64 have gradients");
  EXPECT_EQ(
      Refused(
          "input %x : float32[2] quant(int8, scale=[0.5], zero_point=[0]) %y = Neg(%x) output %y",
          {"x"}),
      "value 'x' is quantized; only float32 and float64 have gradients");
  EXPECT_EQ(
      Refused("input %x : float32[N] input %z : float32[3] %y = Add(%x, %z) output %y", {"x"}),
      "node 'y' (Add), its gradient: dimension N of 'x' may be repeated to 3 or not, so its "
      "gradient cannot be planned");
  EXPECT_EQ(Refused(R"(
      input %x : float32[2] input %c : bool[]
      %y = If(%c) {then_branch = region () { %t = Neg(%x) output %t },
                   else_branch = region () { %e = Relu(%x) output %e }}
      output %y)",
                    {"x"}),
            "node 'y' (If): control flow cannot be differentiated");
  DifferentiateOptions unit;
  unit.unit_seed = true;
  EXPECT_EQ(Refused("input %x : float32[2] %y = Neg(%x) output %y", {"x"}, unit),
            "value 'y' has shape [2], a unit seed needs one element");
  EXPECT_EQ(Refused("input %x : float32[2] %y = Neg(%x) output %y", {"x", "x"}),
            "value 'x' is given twice");
  EXPECT_EQ(Refused("input %x : float32[2] %y = Neg(%x) output %y", {}),
            "nothing to differentiate, or nothing to differentiate with respect to");
}

// Forms of operators whose rule does not cover them.
TEST(DifferentiateTest, RefusedForms) {
  const auto reason = [](std::string_view body, const std::vector<std::string>& wrt) {
    const std::string message = Refused(body, wrt);
    const size_t at = message.find("its gradient: ");
    return at == std::string::npos ? message : message.substr(at + 14);
  };
  EXPECT_EQ(reason("input %x : float32[2] input %p : float32[2] %y = Pow(%x, %p) output %y", {"x"}),
            "only a constant exponent of one element has a gradient rule");
  EXPECT_EQ(reason("input %x : float32[2] input %l : float32[] %y = Clip(%x, %l) output %y", {"l"}),
            "the bounds have no gradient rule");
  EXPECT_EQ(reason("input %x : float32[4] const %p : int64[2] = [1,1] %y = Pad(%x, %p) "
                   "{mode=\"reflect\"} output %y",
                   {"x"}),
            "only constant pads with a constant value have a gradient rule");
  EXPECT_EQ(
      reason("input %x : float32[N] const %s : int64[1] = [1] const %e : int64[1] = [100000000000] "
             "%y = Slice(%x, %s, %e) output %y",
             {"x"}),
      "a symbolic dimension that is cut has no gradient rule");
  EXPECT_EQ(
      reason("input %a : float32[N] input %b : float32[2] %y = Concat(%a, %b) {axis=0} output %y",
             {"b"}),
      "the sizes along the axis must be constant");
  EXPECT_EQ(
      reason(
          "input %x : float32[1,4,2,2] %y = DepthToSpace(%x) {blocksize=2, mode=\"CRD\"} output %y",
          {"x"}),
      "mode 'CRD' has no gradient rule");
  EXPECT_EQ(reason("input %x : float32[1,1,2,2] const %s : float32[4] = [1,1,2,2] "
                   "%y = Resize(%x, _, %s) {mode=\"linear\"} output %y",
                   {"x"}),
            "only nearest upsampling of an image by whole factors has a gradient rule");
  EXPECT_EQ(reason("input %x : float32[1,1,2,2] input %w : float32[1,1,2,2] "
                   "%y = ConvTranspose(%x, %w) {auto_pad=\"SAME_UPPER\", strides=[2,2]} output %y",
                   {"x"}),
            "output_shape, auto_pad and output_padding beyond the stride have no gradient rule");
  EXPECT_EQ(
      reason(
          "input %x : float32[4,2] const %s : float32[2,2] = [1,1,1,1] %q = QuantizeLinear(%x, %s) "
          "{axis=0, block_size=2} %y = DequantizeLinear(%q, %s) {axis=0, block_size=2} output %y",
          {"x"}),
      "blocked parameters have no gradient rule");
}

}  // namespace
}  // namespace adze
