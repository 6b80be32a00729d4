#include "ir/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace adze {
namespace {

Graph Parse(std::string_view text) {
  Result<Graph> g = ParseGraph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  return g.ok() ? std::move(g).value() : Graph();
}

std::string Error(std::string_view text) {
  const Result<Graph> g = ParseGraph(text);
  EXPECT_FALSE(g.ok());
  EXPECT_EQ(g.status().code(), StatusCode::kInvalidInput);
  return g.status().message();
}

constexpr const char* kCanonical = R"(graph "all of it" {
  input %x : float32[N,3,floor((H + 1)/2),8]
  input %"a b" : int64[] origins("q\"1", "b\\")
  const %w : float32[2,2] = [0.1, -1, inf, nan]
  const %wq : float32[2,3] quant(int8, axis=0, scale=[0.5, 0.25], zero_point=[0, 0]) = [1, 2, 3, -128, 127, 0]
  const %z : float16[4,4] = splat(0.5)
  const %flags : bool[2] = [1, 0]
  const %none : int32[0] = []
  %y = Relu(%x) : float32[N,3,floor((H + 1)/2),8] quant(uint8, scale=[0.0235], zero_point=[128])
  %b, _, %c = some.domain.Op(%y, _, %wq) {f=1.0, fs=[1.0, 2.5], i=-3, is=[1, 2], no_f=floats[], no_i=ints[], s="x\"y", ss=["a", "b"], t=(int64[2] = [1, 2])} "node 1"
  %r = If(%flags) {then_branch = region () {
    %t = Relu(%w) : float32[2,2]
    output %t
  }, else_branch = region (%i : int64[]) {
    output %w
  }} "cond" : float32[2,2]
  output %r
  output %c
}
)";

TEST(TextTest, PrintsWhatItParsed) {
  const Graph g = Parse(kCanonical);
  EXPECT_EQ(PrintGraph(g), kCanonical);
}

TEST(TextTest, ParsesTheContents) {
  const Graph g = Parse(kCanonical);
  EXPECT_EQ(g.metadata.graph_name, "all of it");
  ASSERT_EQ(g.top().inputs.size(), 2u);
  const Value& w = g.value(g.FindValue("w"));
  EXPECT_EQ(w.constant.data<float>()[0], 0.1f);
  EXPECT_TRUE(std::isnan(w.constant.data<float>()[3]));
  const Value& wq = g.value(g.FindValue("wq"));
  EXPECT_EQ(wq.type.dtype, DType::kFloat32);
  EXPECT_EQ(wq.constant.data<int8_t>()[3], -128);
  EXPECT_EQ(wq.type.quant->axis, 0);
  EXPECT_EQ(g.FindValue("q\"1"), g.top().inputs[1]);
  const Node& op = g.node(g.value(g.FindValue("b")).producer);
  EXPECT_TRUE(op.op.Is("some.domain", "Op"));
  EXPECT_EQ(op.name, "node 1");
  EXPECT_EQ(op.inputs[1], kNoId);
  EXPECT_EQ(op.outputs[1], kNoId);
  EXPECT_EQ(op.attrs.Float("f"), 1.0f);
  EXPECT_EQ(op.attrs.Int("i"), -3);
  EXPECT_EQ(op.attrs.Floats("fs").size(), 2u);
  EXPECT_EQ(KindOf(*op.attrs.Find("no_f")), AttrKind::kFloats);
  EXPECT_EQ(ToInt64s(op.attrs.TensorOrNull("t")->view()), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(g.node(g.value(g.FindValue("r")).producer).regions.size(), 2u);
}

TEST(TextTest, InfersOmittedTypesAndAcceptsFreeLayout) {
  const Graph g =
      Parse("graph {input %x: float32[2,N] // a comment\n %y=Relu(%x) %z = Relu(%y) output %z}");
  EXPECT_EQ(PrintGraph(g),
            "graph \"\" {\n  input %x : float32[2,N]\n  %y = Relu(%x) : float32[2,N]\n"
            "  %z = Relu(%y) : float32[2,N]\n  output %z\n}\n");
}

TEST(TextTest, FloatsSurvive) {
  Graph g;
  const float values[] = {1.0f / 3, 1e-45f, 3.4028235e38f, -0.0f, 16777216.0f};
  g.AddOutput(g.AddConstant("c", Tensor::FromValues<float>({5}, values)));
  const Graph back = Parse(PrintGraph(g));
  EXPECT_TRUE(BitEqual(back.value(back.FindValue("c")).constant, g.value(0).constant));
}

TEST(TextTest, StrangeDimensionNamesSurvive) {
  Graph g;
  g.AddInput("x", {DType::kFloat32, Shape{Dim::Symbol("batch size, or so")}, nullptr});
  const std::string text = PrintGraph(g);
  const Graph back = Parse(text);
  EXPECT_EQ(back.value(0).type.shape, g.value(0).type.shape) << text;
  EXPECT_EQ(PrintGraph(back), text);
}

TEST(TextTest, LongConstantsCanBeLeftOut) {
  Graph g;
  g.AddConstant("c", Tensor::FromValues<int32_t>({3}, {1, 2, 3}));
  EXPECT_NE(PrintGraph(g, {.max_elements = 2}).find("= ...\n"), std::string::npos);
}

TEST(TextTest, ErrorsNameLineAndColumn) {
  EXPECT_EQ(Error("graph {\n  %y = Relu(%x)\n}"),
            "line 2, column 13: no value 'x' before this line");
  EXPECT_EQ(Error("grap"), "line 1, column 1: 'graph' is expected");
  EXPECT_EQ(Error("graph {"),
            "line 1, column 8: 'input', 'const', 'output', '}' or a %name is expected");
}

TEST(TextTest, Refusals) {
  struct Case {
    const char* body;
    const char* message;
  };
  const Case cases[] = {
      {"input %x : float32[2] input %x : float32[2]", "a second value called 'x'"},
      {"input %x : float31[2]", "'float31' is no element type"},
      {"input %x : float32[-1]", "'-1' is no dimension"},
      {"input %x : float32[1,1,1,1,1,1,1,1,1]", "more than 8 dimensions"},
      {"input %x : float32[1000000,1000000,1000000]", "the tensor is too large"},
      {"const %c : float32[2] = [1]", "1 elements for 2"},
      {"const %c : float32[1] = [1, 2]", "too many elements"},
      {"const %c : int8[1] = [300]", "a value of type int8 is expected"},
      {"const %c : int8[1] = [1.5]", "a value of type int8 is expected"},
      {"const %c : bool[1] = [2]", "a value of type bool is expected"},
      {"const %c : float32[N] = [1]", "a constant needs a fixed shape"},
      {"const %c : float32[100000000] = splat(0)", "splat constants are too large"},
      {"const %c : int8[2] quant(int8, scale=[1.0], zero_point=[0]) = [1, 2]",
       "only float32 values can be quantized"},
      {"const %c : float32[2] quant(int8, axis=0, scale=[1.0], zero_point=[0]) = [1, 2]",
       "1 scales for 2 channels"},
      {"const %c : float32[2] quant(int8, scale=[0.0], zero_point=[0]) = [1, 2]",
       "not a positive finite number"},
      {"input %x : float32[2] %y = Relu(%x) : float32[3]", "is declared"},
      {"input %x : float32[2] %y = Relu(%x) : int8[2]", "is declared"},
      {"input %x : float32[2] %y = Relu(%x) {alpha=1}", "unknown attribute 'alpha'"},
      {"input %x : float32[2] %y = Foo(%x) {a=[]}", "an empty list needs its kind"},
      {"input %x : float32[2] %y = Foo(%x) {a=[1, \"x\"]}", "the list mixes kinds"},
      {"input %x : float32[2] %y = Foo(%x) {a=99999999999999999999}", "an integer is expected"},
      {"input %x : float32[2] %y = Foo(%x \"", "the string has no end"},
      {"input %x : float32[2] output %x } x", "text after the graph's end"},
      {"%a = Bar() {b = region () { %i = Foo() }} %c = Relu(%i)", "no value 'i' before this line"},
      {"@", "unexpected character"},
  };
  for (const Case& c : cases) {
    const std::string message = Error(std::string("graph {") + c.body + "}");
    EXPECT_NE(message.find(c.message), std::string::npos) << c.body << " -> " << message;
  }
}

TEST(TextTest, DeepNestingIsRefused) {
  std::string text = "graph {";
  for (int i = 0; i < 5000; ++i) text += "%v" + std::to_string(i) + " = If() {b = region () {";
  EXPECT_NE(Error(text).find("nested too deeply"), std::string::npos);
}

}  // namespace
}  // namespace adze
