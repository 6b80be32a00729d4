#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "formats/onnx/form.h"
#include "formats/onnx/test_messages.h"
#include "ir/text.h"

namespace adze {
namespace {

using namespace onnx_test;  // NOLINT: the messages are the language of these tests
namespace fs = std::filesystem;

Graph Parse(const std::string& text) {
  Result<Graph> g = ParseGraph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  if (!g.ok()) return Graph();
  return std::move(g).value();
}

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class WriteOnnxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("adze_onnx_write_" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string Path() const { return (root_ / "model.onnx").string(); }

  Graph RoundTrip(const Graph& g, const OnnxWriteOptions& options = {}) {
    const Status written = WriteOnnx(g, Path(), options);
    EXPECT_TRUE(written.ok()) << written.message();
    Result<Graph> back = ReadOnnx(Path());
    EXPECT_TRUE(back.ok()) << back.status().message();
    if (!back.ok()) return Graph();
    EXPECT_TRUE(Verify(*back).ok()) << Verify(*back).message();
    return std::move(back).value();
  }
  void ExpectSame(const std::string& text) {
    const Graph g = Parse(text);
    const Graph back = RoundTrip(g);
    EXPECT_EQ(PrintGraph(back), PrintGraph(g));
    EXPECT_EQ(GraphHash(back), GraphHash(g));
  }
  // The opset and the IR version of the file just written.
  std::pair<int64_t, int64_t> Versions(const Graph& back) {
    for (const auto& [domain, version] : back.metadata.opset_imports) {
      if (domain.empty()) return {version, back.metadata.ir_version};
    }
    return {};
  }
  // The opset that a graph of one node over float32 %x [2,4,8,8] needs.
  int64_t OpsetOf(const std::string& node, const std::string& constants = "") {
    const Graph g = Parse("graph \"g\" {\n  input %x : float32[2,4,8,8]\n" + constants +
                          "  %y = " + node + "\n  output %y\n}\n");
    return Versions(RoundTrip(g)).first;
  }
  fs::path root_;
};

TEST_F(WriteOnnxTest, RoundTripsAttributesOptionalInputsAndSymbols) {
  ExpectSame(R"(graph "net" {
  input %x : float32[N,3,H,W]
  input %s : int64
  input %t : bool[]
  const %w : float32[4,3,3,3] = splat(0.5)
  const %b : float32[4] = [1, -0, inf, nan]
  const %e : int64[0] = []
  %c = Conv(%x, %w, %b) {auto_pad="NOTSET", group=1, kernel_shape=[3,3], pads=[1,1,1,1], strides=[1,1]} "conv/1"
  %hi = Clip(%c)
  %m = Mystery(%hi, _, %e) {f=1.5, fs=[1.0, 2.0], none=ints[], s="a\"b", ss=["p", "q"], t=(int8[2] = [1, -2])} : float32[N,7]
  output %m
  output %hi
}
)");
}

TEST_F(WriteOnnxTest, RoundTripsOtherDomains) {
  const Graph g = Parse(R"(graph "g" {
  input %x : float32[N]
  %y = com.microsoft.Odd(%x) : float32[N]
  %z = ai.onnx.ml.Tree(%y) {k=1} : float32[N]
  output %z
}
)");
  const Graph back = RoundTrip(g);
  EXPECT_EQ(GraphHash(back), GraphHash(g));
  const auto& imports = back.metadata.opset_imports;
  EXPECT_EQ(imports.size(), 3u);
}

TEST_F(WriteOnnxTest, KeepsMetadata) {
  Graph g =
      Parse("graph \"g\" {\n  input %x : float32[N]\n  %y = Relu(%x) \"r\"\n  output %y\n}\n");
  g.metadata.producer_name = "maker";
  g.metadata.producer_version = "7";
  g.metadata.domain = "org.example";
  g.metadata.doc = "what it is";
  g.metadata.model_version = 42;
  g.metadata.properties = {{"labels", "cat,dog"}, {"empty", ""}};
  const Graph back = RoundTrip(g);
  EXPECT_EQ(back.metadata.graph_name, "g");
  EXPECT_EQ(back.metadata.producer_name, "maker");
  EXPECT_EQ(back.metadata.producer_version, "7");
  EXPECT_EQ(back.metadata.domain, "org.example");
  EXPECT_EQ(back.metadata.doc, "what it is");
  EXPECT_EQ(back.metadata.model_version, 42);
  EXPECT_EQ(back.metadata.properties, g.metadata.properties);
  EXPECT_EQ(back.node(0).name, "r");
}

TEST_F(WriteOnnxTest, InnerGraphsAndTheirBorders) {
  // The output of the first branch is a constant of the outer graph, which ONNX does not allow
  // directly.
  const std::string inner = Model(
      {.nodes = {MakeNode(
           "If", {"c"}, {"y"},
           {GraphAttr("then_branch", GraphParts{.initializers = {FloatTensor("k", {2}, {1, 2})},
                                                .outputs = {TypedValue("k", kFloat, {2})}}
                                         .Build()),
            GraphAttr("else_branch", GraphParts{.nodes = {MakeNode("Relu", {"x"}, {"t"})},
                                                .outputs = {TypedValue("t", kFloat, {2})}}
                                         .Build())})},
       .inputs = {TypedValue("x", kFloat, {2}), TypedValue("c", kBool, {})},
       .outputs = {TypedValue("y", kFloat, {2})}});
  const Result<Graph> g = Read(inner);
  ASSERT_TRUE(g.ok()) << g.status().message();
  const Graph once = RoundTrip(*g);
  const Node& n = once.node(once.top().nodes[0]);
  ASSERT_EQ(n.regions.size(), 2u);
  const Region& first = once.region(n.regions[0].second);
  ASSERT_EQ(first.nodes.size(), 1u);
  EXPECT_EQ(once.node(first.nodes[0]).op.name(), "Identity");
  EXPECT_EQ(GraphHash(RoundTrip(once)), GraphHash(once));
}

TEST_F(WriteOnnxTest, LowestOpsetThatExpressesEachForm) {
  EXPECT_EQ(OpsetOf("Relu(%x)"), 13);
  EXPECT_EQ(OpsetOf("HardSwish(%x)"), 14);
  EXPECT_EQ(OpsetOf("Trilu(%x)"), 14);
  EXPECT_EQ(OpsetOf("Shape(%x)"), 13);
  EXPECT_EQ(OpsetOf("Shape(%x) {start=1}"), 15);
  EXPECT_EQ(OpsetOf("Shape(%x) {start=0}"), 13);
  EXPECT_EQ(OpsetOf("Cast(%x) {saturate=1, to=7}"), 13);
  EXPECT_EQ(OpsetOf("Gelu(%x)"), 20);
  EXPECT_EQ(OpsetOf("AveragePool(%x) {dilations=[1,1], kernel_shape=[2,2]}"), 13);
  EXPECT_EQ(OpsetOf("AveragePool(%x) {dilations=[2,2], kernel_shape=[2,2]}"), 19);
  const std::string axes = "  const %a : int64[1] = [1]\n";
  EXPECT_EQ(OpsetOf("ReduceMean(%x, %a)", axes), 13);
  EXPECT_EQ(OpsetOf("ReduceMean(%x, %a) {noop_with_empty_axes=1}", axes), 13);
  EXPECT_EQ(OpsetOf("ReduceMean(%x) {noop_with_empty_axes=1}"), 18);
  EXPECT_EQ(OpsetOf("ReduceSum(%x, %a) {noop_with_empty_axes=1}", axes), 13);
  EXPECT_EQ(OpsetOf("LayerNormalization(%x, %s)", "  const %s : float32[8] = splat(1)\n"), 17);
  const std::string shape = "  const %s : int64[2] = [8, -1]\n";
  EXPECT_EQ(OpsetOf("Reshape(%x, %s) {allowzero=0}", shape), 13);
  const std::string pads = "  const %p : int64[2] = [1, 1]\n" + axes;
  EXPECT_EQ(OpsetOf("Pad(%x, %p, _, %a)", pads), 18);
  const std::string scales = "  const %s : float32[4] = [1, 1, 2, 2]\n";
  EXPECT_EQ(
      OpsetOf("Resize(%x, _, %s) {antialias=0, keep_aspect_ratio_policy=\"stretch\"}", scales), 13);
  EXPECT_EQ(OpsetOf("Resize(%x, _, %s) {coordinate_transformation_mode=\"half_pixel_symmetric\"}",
                    scales),
            19);
  const std::string quant = "  const %s : float32[] = [0.5]\n  const %z : uint8[] = [3]\n";
  EXPECT_EQ(OpsetOf("QuantizeLinear(%x, %s, %z) {saturate=1}", quant), 13);
  EXPECT_EQ(OpsetOf("QuantizeLinear(%x, %s) {output_dtype=3}", quant), 21);
  const std::string wide = "  const %s : float32[] = [0.5]\n  const %z : uint16[] = [3]\n";
  EXPECT_EQ(OpsetOf("QuantizeLinear(%x, %s, %z)", wide), 21);
}

TEST(OnnxForms, RowsAreSortedAndInRange) {
  const std::vector<std::pair<std::string, int>> rows = {
#define ADZE_ONNX_FORM(op, first, function) {#op, first},
#include "formats/onnx/form_list.inc"
#undef ADZE_ONNX_FORM
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_GE(rows[i].second, onnx::kOldestWrittenOpset) << rows[i].first;
    EXPECT_LE(rows[i].second, kNewestOnnxOpset) << rows[i].first;
    if (i > 0) {
      EXPECT_LT(rows[i - 1].first, rows[i].first);
    }
  }
}

TEST_F(WriteOnnxTest, EvenSplitsNeedNoNumber) {
  const auto split = [&](int64_t number) {
    return Parse("graph \"g\" {\n  input %x : float32[6]\n  %a, %b = Split(%x) {num_outputs=" +
                 std::to_string(number) + "}\n  output %a\n  output %b\n}\n");
  };
  const Graph back = RoundTrip(split(2));
  EXPECT_EQ(Versions(back).first, 13);
  EXPECT_EQ(back.node(back.top().nodes[0]).attrs.Int("num_outputs"), 2);
  const Graph odd = Parse(
      "graph \"g\" {\n  input %x : float32[7]\n  %a, %b = Split(%x) {num_outputs=2}\n"
      "  output %a\n  output %b\n}\n");
  EXPECT_EQ(Versions(RoundTrip(odd)).first, 18);
}

TEST_F(WriteOnnxTest, OpsetAndIrVersionMatch) {
  const Graph g =
      Parse("graph \"g\" {\n  input %x : float32[N]\n  %y = Relu(%x)\n  output %y\n}\n");
  EXPECT_EQ(Versions(RoundTrip(g)), (std::pair<int64_t, int64_t>{13, 7}));
  EXPECT_EQ(Versions(RoundTrip(g, {.min_opset = 15})), (std::pair<int64_t, int64_t>{15, 8}));
  EXPECT_EQ(Versions(RoundTrip(g, {.min_opset = 21})), (std::pair<int64_t, int64_t>{21, 10}));
  EXPECT_EQ(WriteOnnx(g, Path(), {.min_opset = 22}).code(), StatusCode::kUsage);
}

TEST_F(WriteOnnxTest, ExternalData) {
  Graph g = Parse(R"(graph "g" {
  input %x : float32[N,600]
  const %w : float32[600,600] = splat(0.25)
  const %b : float32[600] = splat(2)
  const %small : float32[] = [3]
  %y = Gemm(%x, %w, %b)
  %z = Mul(%y, %small)
  output %z
}
)");
  const std::string hash = GraphHash(g);
  EXPECT_EQ(GraphHash(RoundTrip(g, {.external_data = true})), hash);
  EXPECT_LT(fs::file_size(Path()), 1000u);
  EXPECT_EQ(fs::file_size(Path() + ".data"), 600 * 600 * 4 / 4096 * 4096 + 4096 + 600 * 4u);
  // Without being asked to, when it would be too large.
  fs::remove(Path() + ".data");
  EXPECT_EQ(GraphHash(RoundTrip(g, {.max_inline_bytes = 1 << 20})), hash);
  EXPECT_TRUE(fs::exists(Path() + ".data"));
  // Over the file that its weights are mapped from.
  const Graph mapped = RoundTrip(g, {.external_data = true});
  EXPECT_EQ(GraphHash(RoundTrip(mapped, {.external_data = true})), hash);
}

TEST_F(WriteOnnxTest, WritingTwiceGivesTheSameBytes) {
  const Graph g = Parse(
      "graph \"g\" {\n  input %x : float32[N]\n  const %b : float32[1] = [2]\n"
      "  const %a : float32[1] = [1]\n  %y = Add(%x, %a)\n  %z = Add(%y, %b)\n  output %z\n}\n");
  ASSERT_TRUE(WriteOnnx(g, Path()).ok());
  const std::string first = Slurp(Path());
  ASSERT_TRUE(WriteOnnx(RoundTrip(g), Path()).ok());
  EXPECT_EQ(Slurp(Path()), first);
}

TEST_F(WriteOnnxTest, Refusals) {
  const auto expect = [&](const Graph& g, const std::string& message) {
    const Status s = WriteOnnx(g, Path());
    EXPECT_EQ(s.code(), StatusCode::kUnsupported);
    EXPECT_EQ(s.message(), message);
    EXPECT_FALSE(fs::exists(Path()));
  };
  expect(Parse("graph \"g\" {\n  input %x : float32[N]\n"
               "  %q = Relu(%x) : float32[N] quant(uint8, scale=[0.5], zero_point=[3])\n"
               "  output %q\n}\n"),
         "value 'q' is quantized: lower it to QuantizeLinear and DequantizeLinear first");
  expect(Parse("graph \"g\" {\n  input %x : float32[N]\n"
               "  %y = adze.Own(%x) \"o\" : float32[N]\n  output %y\n}\n"),
         "node 'o' (adze.Own): ONNX has no such operator");
  // Read at opset 11, an unknown operator might mean something else at 13.
  const Result<Graph> old = Read(Model({.nodes = {MakeNode("Mystery", {"x"}, {"y"}, {}, "m")},
                                        .inputs = {TypedValue("x", kFloat, {1})},
                                        .outputs = {TypedValue("y", kFloat, {1})}},
                                       11));
  ASSERT_TRUE(old.ok());
  expect(
      *old,
      "node 'm' (Mystery): adze does not know this operator, so the model must stay at opset 11, "
      "but writing it needs at least 13");
}

TEST_F(WriteOnnxTest, UnknownOperatorsPinTheOpset) {
  const Result<Graph> g = Read(Model({.nodes = {MakeNode("Mystery", {"x"}, {"y"})},
                                      .inputs = {TypedValue("x", kFloat, {1})},
                                      .outputs = {TypedValue("y", kFloat, {1})}},
                                     22));
  ASSERT_TRUE(g.ok());
  EXPECT_EQ(Versions(RoundTrip(*g)), (std::pair<int64_t, int64_t>{22, 10}));
}

TEST_F(WriteOnnxTest, FailuresLeaveNothingBehind) {
  const Graph g =
      Parse("graph \"g\" {\n  input %x : float32[N]\n  %y = Relu(%x)\n  output %y\n}\n");
  const Status s = WriteOnnx(g, (root_ / "none" / "m.onnx").string());
  EXPECT_EQ(s.code(), StatusCode::kInvalidInput);
  fs::create_directory(root_ / "taken.onnx");
  EXPECT_FALSE(WriteOnnx(g, (root_ / "taken.onnx").string(), {.external_data = true}).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace adze
