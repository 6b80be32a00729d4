#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "formats/onnx/test_messages.h"
#include "ir/text.h"

namespace adze {
namespace {

using namespace onnx_test;  // NOLINT: the messages are the language of these tests
namespace fs = std::filesystem;

// x -> Relu -> y on float32[N, 4].
GraphParts ReluGraph() {
  return {.nodes = {MakeNode("Relu", {"x"}, {"y"}, {}, "relu")},
          .inputs = {TypedValue("x", kFloat, {"N", 4})},
          .outputs = {TypedValue("y", kFloat, {"N", 4})}};
}

// Reads, expecting success and a graph that verifies.
Graph MustRead(const std::string& bytes) {
  Result<Graph> g = Read(bytes);
  EXPECT_TRUE(g.ok()) << g.status().message();
  if (!g.ok()) return Graph();
  const Status verified = Verify(*g);
  EXPECT_TRUE(verified.ok()) << verified.message();
  return std::move(g).value();
}

void ExpectRefused(const std::string& bytes, StatusCode code, const std::string& message) {
  const Result<Graph> g = Read(bytes);
  ASSERT_FALSE(g.ok()) << message;
  EXPECT_EQ(g.status().message(), message);
  EXPECT_EQ(g.status().code(), code) << message;
}
void ExpectInvalid(const GraphParts& g, const std::string& message) {
  ExpectRefused(Model(g), StatusCode::kInvalidInput, message);
}
void ExpectUnsupported(const GraphParts& g, const std::string& message) {
  ExpectRefused(Model(g), StatusCode::kUnsupported, message);
}

// A graph of one Relu over an initializer.
GraphParts WithInitializer(const Message& tensor) {
  return {.nodes = {MakeNode("Relu", {"w"}, {"y"})},
          .initializers = {tensor},
          .outputs = {Message().Bytes(1, "y")}};
}

TEST(ReadOnnx, NamesTypesAndMetadata) {
  std::string bytes = Model(ReluGraph(), 17);
  bytes += Message().Bytes(2, "maker").Bytes(3, "1.2").Bytes(6, "about").bytes;
  bytes += Message().Sub(14, Message().Bytes(1, "key").Bytes(2, "value")).bytes;
  const Graph g = MustRead(bytes);
  EXPECT_EQ(PrintGraph(g),
            "graph \"g\" {\n"
            "  input %x : float32[N,4]\n"
            "  %y = Relu(%x) \"relu\" : float32[N,4]\n"
            "  output %y\n"
            "}\n");
  EXPECT_EQ(g.metadata.producer_name, "maker");
  EXPECT_EQ(g.metadata.producer_version, "1.2");
  EXPECT_EQ(g.metadata.doc, "about");
  ASSERT_EQ(g.metadata.properties.size(), 1u);
  EXPECT_EQ(g.metadata.properties[0].second, "value");
  EXPECT_EQ(g.metadata.ir_version, 8);
}

TEST(ReadOnnx, DimensionNamesAndUnknowns) {
  GraphParts g = ReluGraph();
  g.inputs = {TypedValue("x", kFloat, {"batch size", "3d", "", "?", "None", -1})};
  g.outputs = {Message().Bytes(1, "y")};
  const Graph graph = MustRead(Model(g));
  const Shape shape = *graph.value(graph.top().inputs[0]).type.shape;
  EXPECT_EQ(ShapeToString(shape), "[batch_size,_3d,x_dim2,x_dim3,x_dim4,x_dim5]");
  for (const Dim& d : shape) EXPECT_EQ(Dim::Parse(d.ToString()), d);
  EXPECT_EQ(*graph.value(graph.top().outputs[0]).type.shape, shape);
}

TEST(ReadOnnx, DimensionNamesThatCleanToTheSameStayApart) {
  GraphParts g = ReluGraph();
  g.inputs = {TypedValue("x", kFloat, {"a b", "a_b", "a b"})};
  g.outputs = {Message().Bytes(1, "y")};
  const Graph graph = MustRead(Model(g));
  EXPECT_EQ(ShapeToString(*graph.value(graph.top().inputs[0]).type.shape), "[a_b,a_b_1,a_b]");
}

TEST(ReadOnnx, DeclaredShapesThatFollowFromMinusOneAreNotBelieved) {
  // x is declared as [-1,1,-1,8]; whoever inferred the shape of c took -1 for a number.
  Message shape;
  for (int64_t d : {-1, 1, -1, 8}) shape.Sub(1, Message().Int(1, d));
  const Message x =
      Message().Bytes(1, "x").Sub(2, Message().Sub(1, Message().Int(1, kFloat).Sub(2, shape)));
  const GraphParts g = {
      .nodes = {MakeNode("Conv", {"x", "w"}, {"c"}), MakeNode("Relu", {"c"}, {"y"})},
      .initializers = {FloatTensor("w", {1, 1, 1, 3}, {1, 2, 3})},
      .inputs = {x},
      .outputs = {Message().Bytes(1, "y")},
      .value_infos = {TypedValue("c", kFloat, {int64_t{0}, 1, int64_t{0}, 6})}};
  const Graph graph = MustRead(Model(g));
  EXPECT_EQ(ShapeToString(*graph.value(graph.FindValue("y")).type.shape), "[x_dim0,1,x_dim2,6]");
}

TEST(ReadOnnx, TensorsOfEveryStorage) {
  const auto constant = [](const Message& m) {
    const Graph g = MustRead(Model({.nodes = {MakeNode("Mystery", {"w"}, {"y"})},
                                    .initializers = {m},
                                    .outputs = {Message().Bytes(1, "y")}}));
    const ValueId id = g.FindValue("w");
    return id == kNoId ? Tensor() : g.value(id).constant;
  };
  Message float_data = TensorHead("w", kFloat, {2});
  float_data.Bytes(4, Raw<float>({1.5f, -2.0f}));
  EXPECT_TRUE(BitEqual(constant(float_data), Tensor::FromValues<float>({2}, {1.5f, -2.0f})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kFloat, {2}).Float(4, 1.5f).Float(4, -2.0f)),
                       Tensor::FromValues<float>({2}, {1.5f, -2.0f})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kInt8, {2}).Int(5, -128).Int(5, 127)),
                       Tensor::FromValues<int8_t>({2}, {-128, 127})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kUInt8, {2}).Int(5, 255).Int(5, 0)),
                       Tensor::FromValues<uint8_t>({2}, {255, 0})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kBool, {2}).Int(5, 1).Int(5, 0)),
                       Tensor::FromValues<bool>({2}, {true, false})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kInt64, {1}).Int(7, INT64_MIN)),
                       Tensor::FromValues<int64_t>({1}, {INT64_MIN})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kUInt32, {1}).Int(11, 0xffffffff)),
                       Tensor::FromValues<uint32_t>({1}, {0xffffffffu})));
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kDouble, {1}).Bytes(10, Raw<double>({0.1}))),
                       Tensor::FromValues<double>({1}, {0.1})));
  const Tensor half = constant(TensorHead("w", kFloat16, {1}).Int(5, 0x3c00));
  ASSERT_EQ(half.dtype(), DType::kFloat16);
  EXPECT_EQ(*static_cast<const uint16_t*>(half.raw()), 0x3c00);
  // A byte other than 0 and 1 means true; as a C++ bool it would be undefined behaviour.
  EXPECT_TRUE(BitEqual(constant(TensorHead("w", kBool, {2}).Bytes(9, std::string("\x02\x00", 2))),
                       Tensor::FromValues<bool>({2}, {true, false})));
  EXPECT_EQ(constant(TensorHead("w", kFloat, {0, 3}).Bytes(9, "")).size(), 0);
  EXPECT_EQ(constant(TensorHead("w", kFloat, {0})).size(), 0);
}

TEST(ReadOnnx, AlignedWeightsAreViewsIntoTheFile) {
  // Shifts the tensor by one byte at a time: one of four positions is aligned and must not be
  // copied.
  int views = 0;
  for (int shift = 0; shift < 4; ++shift) {
    GraphParts g = WithInitializer(FloatTensor("w", {2}, {1, 2}));
    g.nodes[0] =
        MakeNode("Relu", {"w"}, {"y"}, {}, std::string(static_cast<size_t>(shift) + 1, 'n'));
    const std::string bytes = Model(g);
    const Result<Graph> read = ReadOnnxFromMemory(std::as_bytes(std::span(bytes)), nullptr, "");
    ASSERT_TRUE(read.ok()) << read.status().message();
    const Graph& graph = *read;
    const Tensor& w = graph.value(graph.FindValue("w")).constant;
    EXPECT_EQ(w.data<float>()[1], 2.0f);
    const auto* const p = static_cast<const char*>(w.raw());
    views += p >= bytes.data() && p < bytes.data() + bytes.size();
  }
  EXPECT_EQ(views, 1);
}

TEST(ReadOnnx, InitializerListedAsInputIsNoInput) {
  GraphParts g = WithInitializer(FloatTensor("w", {2}, {1, 2}));
  g.inputs = {TypedValue("w", kFloat, {2})};
  EXPECT_TRUE(MustRead(Model(g, 8, 3)).top().inputs.empty());
  g.inputs = {TypedValue("w", kFloat, {3})};
  ExpectInvalid(g, "input 'w': is declared as float32[3] but is float32[2]");
}

TEST(ReadOnnx, ConstantNodesBecomeConstants) {
  const GraphParts g = {
      .nodes = {MakeNode("Constant", {}, {"a"}, {TensorAttr("value", FloatTensor("", {1}, {1}))}),
                MakeNode("Constant", {}, {"b"}, {FloatAttr("value_float", 2)}),
                MakeNode("Constant", {}, {"c"}, {IntsAttr("value_ints", {3, 4})}),
                MakeNode("Constant", {}, {"d"}, {IntAttr("value_int", 5)}),
                MakeNode("Constant", {}, {"e"}, {FloatsAttr("value_floats", {6})}),
                MakeNode("Mystery", {"a", "b", "c", "d", "e"}, {"y"})},
      .outputs = {Message().Bytes(1, "y")}};
  const Graph graph = MustRead(Model(g));
  EXPECT_EQ(graph.top().nodes.size(), 1u);
  EXPECT_TRUE(BitEqual(graph.value(graph.FindValue("c")).constant,
                       Tensor::FromValues<int64_t>({2}, {3, 4})));
  EXPECT_TRUE(BitEqual(graph.value(graph.FindValue("d")).constant, Tensor::Scalar<int64_t>(5)));
  EXPECT_TRUE(BitEqual(graph.value(graph.FindValue("b")).constant, Tensor::Scalar<float>(2)));
}

TEST(ReadOnnx, NodesAreSorted) {
  GraphParts g = ReluGraph();
  g.nodes = {MakeNode("Relu", {"b"}, {"y"}, {}, "third"),
             MakeNode("Relu", {"x"}, {"a"}, {}, "first"),
             MakeNode("Relu", {"a"}, {"b"}, {}, "second")};
  const Graph graph = MustRead(Model(g));
  ASSERT_EQ(graph.top().nodes.size(), 3u);
  EXPECT_EQ(graph.node(graph.top().nodes[0]).name, "first");
  EXPECT_EQ(graph.node(graph.top().nodes[2]).name, "third");
}

TEST(ReadOnnx, UnknownOperatorsAreKeptWithTheirDeclaredTypes) {
  GraphParts g = ReluGraph();
  g.nodes = {MakeNode("Mystery", {"x", "", "x"}, {"", "m"}, {StringAttr("how", "so")}),
             MakeNode("Relu", {"m"}, {"y"})};
  g.value_infos = {TypedValue("m", kFloat, {"N", 7})};
  g.outputs = {Message().Bytes(1, "y")};
  const Graph graph = MustRead(Model(g));
  const Node& n = graph.node(graph.top().nodes[0]);
  EXPECT_EQ(n.op.name(), "Mystery");
  EXPECT_EQ(n.inputs[1], kNoId);
  EXPECT_EQ(n.outputs[0], kNoId);
  EXPECT_EQ(n.attrs.String("how"), "so");
  EXPECT_EQ(ShapeToString(*graph.value(graph.FindValue("y")).type.shape), "[N,7]");
}

TEST(ReadOnnx, InnerGraphsCaptureAndMayReuseNames) {
  const auto branch = [](const char* op) {
    return GraphParts{.nodes = {MakeNode(op, {"later"}, {"t"})},
                      .outputs = {TypedValue("t", kFloat, {"N", 4})}}
        .Build();
  };
  // The If stands before the node whose result its branches capture.
  const GraphParts g = {.nodes = {MakeNode("If", {"c"}, {"y"},
                                           {GraphAttr("then_branch", branch("Relu")),
                                            GraphAttr("else_branch", branch("Mystery"))}),
                                  MakeNode("Relu", {"x"}, {"later"})},
                        .inputs = {TypedValue("x", kFloat, {"N", 4}), TypedValue("c", kBool, {})},
                        .outputs = {TypedValue("y", kFloat, {"N", 4})}};
  const Graph graph = MustRead(Model(g));
  const Node& n = graph.node(graph.top().nodes[1]);
  ASSERT_EQ(n.regions.size(), 2u);
  EXPECT_EQ(n.regions[0].first, "then_branch");
  const Region& then_region = graph.region(n.regions[0].second);
  const Region& else_region = graph.region(n.regions[1].second);
  EXPECT_EQ(graph.value(graph.node(then_region.nodes[0]).inputs[0]).name, "later");
  EXPECT_EQ(graph.value(then_region.outputs[0]).name, "t");
  EXPECT_EQ(graph.value(else_region.outputs[0]).name, "t_1");
}

TEST(ReadOnnx, ContradictingDeclarationsAreRefused) {
  GraphParts g = ReluGraph();
  g.outputs = {TypedValue("y", kInt32, {"N", 4})};
  ExpectInvalid(g, "node 'relu' (Relu): output 'y' is float32 but int32 is declared");
  g.outputs = {TypedValue("y", kFloat, {"N", 5})};
  ExpectInvalid(g, "node 'relu' (Relu): computes shape [N,4] but [N,5] is declared");
  g.outputs = {TypedValue("x", kInt32, {"N", 4})};
  ExpectInvalid(g, "output 'x': is declared as int32[N,4] but is float32[N,4]");
}

TEST(ReadOnnx, RefusesBrokenGraphs) {
  GraphParts g = ReluGraph();
  g.nodes = {MakeNode("Relu", {"b"}, {"a"}, {}, "n1"), MakeNode("Relu", {"a"}, {"b"}, {}, "n2"),
             MakeNode("Relu", {"a"}, {"y"}, {}, "n3")};
  ExpectInvalid(g, "node 'n1' (Relu) waits for its own output: the nodes form a cycle");
  g.nodes = {MakeNode("Relu", {"x"}, {"y"}, {}, "n1"), MakeNode("Relu", {"x"}, {"y"}, {}, "n2")};
  ExpectInvalid(g, "'y' is the output of both node 'n1' (Relu) and node 'n2' (Relu)");
  g.nodes = {MakeNode("Relu", {"z"}, {"y"}, {}, "n1")};
  ExpectInvalid(g, "node 'n1' (Relu): input 'z' is not defined anywhere");
  g.nodes = {MakeNode("Relu", {"x"}, {"x"}, {}, "n1")};
  ExpectInvalid(g, "node 'n1' (Relu) waits for its own output: the nodes form a cycle");
  g.nodes = {MakeNode("Relu", {"x"}, {"w"}, {}, "n1")};
  ExpectInvalid(g, "output 'y': 'y' is not defined anywhere");
  g.initializers = {FloatTensor("w", {1}, {1})};
  ExpectInvalid(g, "node 'n1' (Relu): 'w' is defined twice");
  g.initializers.push_back(FloatTensor("w", {1}, {1}));
  ExpectInvalid(g, "'w' is defined twice");
  g = ReluGraph();
  g.inputs.push_back(g.inputs[0]);
  ExpectInvalid(g, "input 'x' is listed twice");
  g = ReluGraph();
  g.outputs.push_back(g.outputs[0]);
  ExpectInvalid(g, "output 'y' is listed twice");
  g = ReluGraph();
  g.outputs.clear();
  ExpectInvalid(g, "the graph has no outputs");
  g = ReluGraph();
  g.nodes = {MakeNode("", {"x"}, {"y"}, {}, "n1")};
  ExpectInvalid(g, "node 'n1' (): has no operator");
  g.nodes = {MakeNode("Relu", {"x"}, {"y"}, {IntAttr("a", 1), IntAttr("a", 2)}, "n1")};
  ExpectInvalid(g, "node 'n1' (Relu): attribute 'a' is given twice");
  g.nodes = {MakeNode("Relu", {"x"}, {"y"}, {IntAttr("a", 1)}, "n1")};
  ExpectInvalid(g, "node 'n1' (Relu): unknown attribute 'a'");
  g.nodes = {MakeNode("Relu", {"x"}, {"y"}, {}, "n1").Bytes(7, "elsewhere")};
  ExpectInvalid(g, "node 'n1' (elsewhere.Relu): the model imports no opset of domain 'elsewhere'");
  g = ReluGraph();
  g.inputs = {TypedValue("x", 0, {1})};
  ExpectInvalid(g, "input 'x': has no element type");
  g.inputs = {TypedValue("x", kFloat, {int64_t{1} << 39, 1 << 20})};
  ExpectInvalid(g, "input 'x': dimensions [549755813888,1048576] are too large");
  g.inputs = {TypedValue("x\xff", kFloat, {1})};
  ExpectInvalid(g, "a name or text of the model is not UTF-8");
}

TEST(ReadOnnx, RefusesBrokenTensors) {
  const auto invalid = [](const Message& m, const std::string& message) {
    ExpectInvalid(WithInitializer(m), "tensor 'w': " + message);
  };
  invalid(TensorHead("w", kFloat, {2}).Bytes(9, "1234567"), "raw data has 7 bytes, must have 8");
  invalid(TensorHead("w", kFloat, {2}).Float(4, 1), "has 1 elements, must have 2");
  invalid(TensorHead("w", kFloat, {2}), "has 0 elements, must have 2");
  invalid(TensorHead("w", kFloat, {-2}), "dimensions are negative or too large");
  invalid(TensorHead("w", kFloat, {int64_t{1} << 62, 8}), "dimensions are negative or too large");
  invalid(TensorHead("w", kInt8, {1}).Int(5, 128), "element 128 does not fit its type int8");
  invalid(TensorHead("w", kInt8, {1}).Int(7, 1),
          "elements of type int8 are in the data field of another type");
  invalid(TensorHead("w", kFloat, {1}).Float(4, 1).Bytes(9, "1234"),
          "has elements in two data fields");
  ExpectInvalid(WithInitializer(TensorHead("", kFloat, {0})), "an initializer has no name");
}

// Two or four elements in a byte, the first in the lowest bits, raw or one byte per int32.
TEST(ReadOnnx, UnpacksNarrowIntegers) {
  const auto codes = [](const Message& tensor) {
    GraphParts parts = WithInitializer(tensor);
    parts.nodes = {MakeNode("Identity", {"w"}, {"y"}, {}, "n")};
    const Graph g = MustRead(Model(parts));
    return ToInt64s(g.value(g.FindValue("w")).constant.view());
  };
  EXPECT_EQ(codes(TensorHead("w", kInt4, {3}).Bytes(9, "\x8f\x07")),
            (std::vector<int64_t>{-1, -8, 7}));
  EXPECT_EQ(codes(TensorHead("w", kUInt4, {3}).Int(5, 0x8f).Int(5, 7)),
            (std::vector<int64_t>{15, 8, 7}));
  EXPECT_EQ(codes(TensorHead("w", kInt2, {5}).Bytes(9, std::string("\xe4\x01", 2))),
            (std::vector<int64_t>{0, 1, -2, -1, 1}));
  ExpectInvalid(WithInitializer(TensorHead("w", kInt4, {3}).Bytes(9, "1")),
                "tensor 'w': raw data has 1 bytes, must have 2");
}

TEST(ReadOnnx, RefusesWhatItCannotRepresent) {
  ExpectUnsupported(WithInitializer(TensorHead("w", kFloat8E4M3, {1}).Bytes(9, "1")),
                    "node 'y' (Relu): tensor 'w': element type float8e4m3fn is not supported");
  ExpectUnsupported(WithInitializer(TensorHead("w", 99, {2})),
                    "node 'y' (Relu): tensor 'w': element type unknown (99) is not supported");
  ExpectUnsupported(WithInitializer(TensorHead("w", kString, {1}).Bytes(6, "text")),
                    "node 'y' (Relu): tensor 'w': element type string is not supported");
  ExpectUnsupported(WithInitializer(TensorHead("w", kFloat, {1, 1, 1, 1, 1, 1, 1, 1, 1})),
                    "node 'y' (Relu): tensor 'w': rank 9, at most 8 is supported");
  GraphParts g = ReluGraph();
  g.inputs = {TypedValue("x", kString, {1})};
  ExpectUnsupported(g, "input 'x': element type string is not supported");
  g.inputs = {Message().Bytes(1, "x").Sub(2, Message().Sub(4, Message()))};
  ExpectUnsupported(
      g, "input 'x': is a sequence, map, optional or sparse tensor, only tensors are supported");
  g = ReluGraph();
  g.nodes = {MakeNode("Relu", {"x"}, {"y"}, {Message().Bytes(1, "a").Int(20, 13)}, "n1")};
  ExpectUnsupported(g,
                    "node 'n1' (Relu): attribute 'a': is of kind 13 (lists of tensors or graphs, "
                    "sparse tensors, types), which is not supported");
  // Unused, the same string tensor does no harm.
  g = ReluGraph();
  g.initializers = {TensorHead("w", kString, {1}).Bytes(6, "text")};
  MustRead(Model(g));
}

TEST(ReadOnnx, RefusesModelsItCannotRead) {
  const auto refused = [](const std::string& bytes, StatusCode code, const std::string& message) {
    ExpectRefused(bytes, code, message);
  };
  refused("", StatusCode::kInvalidInput, "not an ONNX model: it has no IR version or no graph");
  refused("hello", StatusCode::kInvalidInput, "truncated or not a protobuf message");
  refused(Model(ReluGraph(), 6), StatusCode::kUnsupported,
          "opset 6 is not supported, only 7 to 25");
  refused(Model(ReluGraph(), 26), StatusCode::kUnsupported,
          "opset 26 is not supported, only 7 to 25");
  refused(Model(ReluGraph(), 21, 2), StatusCode::kUnsupported,
          "IR version 2 is not supported, only 3 to 14");
  refused(Model(ReluGraph()) + Message().Sub(25, Message().Bytes(1, "Fn")).bytes,
          StatusCode::kUnsupported,
          "model-local function 'Fn' is not supported; inline functions first");
  refused(Model(ReluGraph()) + Message().Sub(8, OpsetImport("", 12)).bytes,
          StatusCode::kInvalidInput, "imports two opsets of domain ''");
  refused(Model(ReluGraph()) + Message().Sub(7, ReluGraph().Build()).bytes,
          StatusCode::kInvalidInput, "the model holds two graphs");
  Message sparse = ReluGraph().Build().Sub(15, Message());
  refused(Message().Int(1, 8).Sub(8, OpsetImport("", 13)).Sub(7, sparse).bytes,
          StatusCode::kUnsupported, "sparse initializers are not supported");
}

TEST(ReadOnnx, NestingIsBounded) {
  Message graph = ReluGraph().Build();
  for (int i = 0; i < 100; ++i) {
    graph = GraphParts{.nodes = {MakeNode("Mystery", {}, {"y"}, {GraphAttr("body", graph)})},
                       .outputs = {Message().Bytes(1, "y")}}
                .Build();
  }
  ExpectRefused(Message().Int(1, 8).Sub(8, OpsetImport("", 13)).Sub(7, graph).bytes,
                StatusCode::kUnsupported, "graphs are nested deeper than 16 levels");
}

// Every prefix and every single flipped byte of a model that uses most of the format gives a Status
// or a graph that verifies, never a crash (the sanitizer builds run this too).
TEST(ReadOnnx, TruncatedAndCorruptModelsNeverCrash) {
  const Message branch = GraphParts{.nodes = {MakeNode("Relu", {"x"}, {"t"})},
                                    .outputs = {TypedValue("t", kFloat, {"N"})}}
                             .Build();
  const std::string bytes = Model(
      {.nodes = {MakeNode("Constant", {}, {"k"}, {TensorAttr("value", IntTensor("", {1, 2}))}),
                 MakeNode("If", {"c"}, {"y"},
                          {GraphAttr("then_branch", branch), GraphAttr("else_branch", branch)},
                          "if"),
                 MakeNode("Clip", {"y"}, {"z"}, {FloatAttr("min", 0), FloatAttr("max", 6)})},
       .initializers = {FloatTensor("w", {2}, {1, 2}), TensorHead("b", kBool, {1}).Int(5, 1)},
       .inputs = {TypedValue("x", kFloat, {"N"}), TypedValue("c", kBool, {})},
       .outputs = {TypedValue("z", kFloat, {"N"})}},
      10);
  ASSERT_TRUE(Read(bytes).ok()) << Read(bytes).status().message();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const std::string cut = bytes.substr(0, n);
    EXPECT_FALSE(Read(cut).ok()) << n;
  }
  int readable = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int mask : {0x01, 0x08, 0x80, 0xff}) {
      std::string bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ mask);
      const Result<Graph> g = Read(bad);
      if (!g.ok()) continue;
      ++readable;
      EXPECT_TRUE(Verify(*g).ok()) << i << " ^ " << mask << ": " << Verify(*g).message();
    }
  }
  EXPECT_GT(readable, 0);
}

class ExternalDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("adze_onnx_external_" + std::to_string(::getpid()));
    fs::create_directories(root_ / "model" / "sub");
    WriteFile("model/w.bin", Raw<float>({0, 1, 2, 3}));
    WriteFile("model/sub/w.bin", Raw<float>({4, 5}));
    WriteFile("secret.bin", Raw<float>({6, 7}));
    fs::create_symlink("../secret.bin", root_ / "model" / "link.bin");
  }
  void TearDown() override { fs::remove_all(root_); }
  void WriteFile(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }

  // Reads a model whose float32[2] weight lies outside.
  Result<Graph> ReadWith(const std::vector<std::pair<std::string, std::string>>& entries) {
    Message t = TensorHead("w", kFloat, {2}).Int(14, 1);
    for (const auto& [key, value] : entries) t.Sub(13, Message().Bytes(1, key).Bytes(2, value));
    return Read(Model(WithInitializer(t)), (root_ / "model").string());
  }
  void ExpectFails(const std::vector<std::pair<std::string, std::string>>& entries,
                   const std::string& message) {
    const Result<Graph> g = ReadWith(entries);
    ASSERT_FALSE(g.ok()) << message;
    EXPECT_EQ(g.status().code(), StatusCode::kInvalidInput);
    EXPECT_NE(g.status().message().find(message), std::string::npos) << g.status().message();
  }
  fs::path root_;
};

TEST_F(ExternalDataTest, ReadsAtOffset) {
  Result<Graph> g = ReadWith({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}});
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_TRUE(
      BitEqual(g->value(g->FindValue("w")).constant, Tensor::FromValues<float>({2}, {2, 3})));
  g = ReadWith({{"location", "sub/w.bin"}});
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(g->value(g->FindValue("w")).constant.data<float>()[1], 5);
}

TEST_F(ExternalDataTest, Refusals) {
  ExpectFails({{"location", "none.bin"}}, "none.bin: cannot open");
  ExpectFails({{"location", "../secret.bin"}}, "lies outside the model's folder");
  ExpectFails({{"location", "sub/../../secret.bin"}}, "lies outside the model's folder");
  ExpectFails({{"location", (root_ / "secret.bin").string()}}, "lies outside the model's folder");
  ExpectFails({{"location", "link.bin"}}, "lies outside the model's folder");
  ExpectFails({{"location", "sub"}}, "not a regular file");
  ExpectFails({}, "external data has no location");
  ExpectFails({{"location", "w.bin"}, {"offset", "12"}}, "external data ends at byte 12 + 8");
  ExpectFails({{"location", "w.bin"}, {"offset", "18446744073709551615"}},
              "external data ends at byte 18446744073709551615 + 8");
  ExpectFails({{"location", "w.bin"}, {"offset", "-1"}}, "must be a number of bytes");
  ExpectFails({{"location", "w.bin"}, {"length", "4"}}, "external data has 4 bytes, must have 8");
}

TEST_F(ExternalDataTest, NeedsAFolder) {
  Message t = TensorHead("w", kFloat, {2}).Int(14, 1);
  t.Sub(13, Message().Bytes(1, "location").Bytes(2, "w.bin"));
  ExpectInvalid(WithInitializer(t), "tensor 'w': external data in a model that has no folder");
}

TEST(ReadOnnx, FileErrorsNameTheFile) {
  const Result<Graph> g = ReadOnnx("/nonexistent/model.onnx");
  ASSERT_FALSE(g.ok());
  EXPECT_EQ(g.status().code(), StatusCode::kInvalidInput);
  EXPECT_TRUE(g.status().message().starts_with("/nonexistent/model.onnx: cannot open"));
}

}  // namespace
}  // namespace adze
