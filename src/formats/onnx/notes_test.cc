#include "formats/onnx/notes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "formats/onnx/test_messages.h"
#include "ir/patch.h"
#include "ir/text.h"

namespace adze {
namespace {

using namespace onnx_test;  // NOLINT: the messages are the language of these tests
namespace fs = std::filesystem;

constexpr uint32_t kStrange = 4711;  // a field number that no message of ONNX has

Message Pair(std::string_view key, std::string_view value) {
  return Message().Bytes(1, key).Bytes(2, value);
}
// What a message may hold that adze does not read: its doc string and metadata by field number,
// and strange fields of every wire type.
Message Notes(uint32_t doc, uint32_t metadata, const std::string& who) {
  Message m;
  m.Bytes(kStrange, "of " + who).Int(kStrange + 1, -5).Float(kStrange + 2, 0.5f);
  m.Varint((kStrange + 3) << 3 | 1);
  m.bytes += "8 bytes.";
  if (metadata != 0) m.Sub(metadata, Pair("k1", who)).Sub(metadata, Pair("k2", ""));
  if (doc != 0) m.Bytes(doc, "doc of " + who);
  return m;
}
Message With(Message m, const Message& more) {
  m.bytes += more.bytes;
  return m;
}

// Every message that can carry notes carries some.
std::string Annotated() {
  const Message dim =
      Message().Bytes(2, "N").Bytes(3, "DATA_BATCH").Bytes(kStrange, "of dimension");
  const Message type = Message().Int(1, kFloat).Sub(2, Message().Sub(1, dim));
  const Message x = Message()
                        .Bytes(1, "x")
                        .Sub(2, With(Message().Sub(1, type).Bytes(6, "IMAGE"), Notes(0, 0, "type")))
                        .Bytes(3, "doc of x")
                        .Sub(4, Pair("k", "x"));
  const Message tensor = With(FloatTensor("t in an attribute", {1}, {3}), Notes(12, 16, "t"));
  const Message attribute = With(TensorAttr("value", tensor), Notes(13, 0, "attribute"));
  const Message inner = With(GraphParts{.nodes = {MakeNode("Relu", {"x"}, {"i"}, {}, "in")},
                                        .outputs = {Message().Bytes(1, "i")}}
                                 .Build("inner name"),
                             Notes(10, 16, "inner"));
  const Message mystery = With(MakeNode("Mystery", {"r"}, {"m"}, {attribute}, "odd"),
                               With(Notes(6, 9, "odd"), Message().Bytes(8, "overload")));
  const Message constant = With(MakeNode("Constant", {}, {"c"}, {TensorAttr("value", tensor)}),
                                Message().Bytes(6, "doc of c").Sub(9, Pair("k", "c")));
  const GraphParts parts = {
      .nodes = {With(MakeNode("Relu", {"x"}, {"r"}), Notes(6, 9, "nameless")), mystery, constant,
                MakeNode("If", {"flag"}, {"y"},
                         {With(GraphAttr("then_branch", inner), Notes(13, 0, "graph attribute")),
                          GraphAttr("else_branch", inner)},
                         "if")},
      .initializers = {With(FloatTensor("w", {1}, {2}), Notes(12, 16, "w")),
                       FloatTensor("w_scale", {}, {1})},
      .inputs = {x, TypedValue("flag", kBool, {})},
      .outputs = {With(TypedValue("y", kFloat, {"N"}), Notes(3, 4, "y")),
                  With(TypedValue("m", kFloat, {"N"}), Notes(3, 4, "m")), Message().Bytes(1, "s")},
      .value_infos = {With(TypedValue("r", kFloat, {"N"}), Notes(3, 4, "r"))}};
  GraphParts whole = parts;
  whole.nodes.push_back(MakeNode("Sum", {"w", "c"}, {"s"}, {}, "sum"));
  const Message annotation = Message().Bytes(1, "w").Sub(2, Pair("SCALE_TENSOR", "w_scale"));
  const Message graph =
      With(whole.Build(), With(Notes(10, 16, "g"), Message().Sub(14, annotation)));
  return Message()
      .Int(1, 8)
      .Sub(8, OpsetImport("", 17))
      .Sub(7, graph)
      .Sub(14, Pair("model key", "model value"))
      .Sub(20, Message().Bytes(9, "training"))
      .Bytes(kStrange, "of the model")
      .bytes;
}

class OnnxNotesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("adze_onnx_notes_" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  static Graph MustRead(const std::string& bytes) {
    Result<Graph> g = Read(bytes);
    EXPECT_TRUE(g.ok()) << g.status().message();
    return g.ok() ? std::move(g).value() : Graph();
  }
  std::string Written(const Graph& g, const OnnxWriteOptions& options = {}) {
    const std::string path = (root_ / "model.onnx").string();
    const Status s = WriteOnnx(g, path, options);
    EXPECT_TRUE(s.ok()) << s.message();
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // The IR version of what is written for a model of one Relu with these additions.
  int64_t IrVersion(const Message& node, const Message& graph = {}, const Message& model = {},
                    int64_t read_version = 8) {
    const GraphParts parts = {.nodes = {With(MakeNode("Relu", {"x"}, {"y"}, {}, "n"), node)},
                              .inputs = {TypedValue("x", kFloat, {2})},
                              .outputs = {TypedValue("y", kFloat, {2})}};
    const Message m = Message()
                          .Int(1, read_version)
                          .Sub(8, OpsetImport("", 13))
                          .Sub(7, With(parts.Build(), graph));
    return onnx::ParseModel(Written(MustRead(m.bytes + model.bytes)))->ir_version;
  }
  fs::path root_;
};

template <typename List>
auto& Named(List& list, std::string_view name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  EXPECT_NE(it, list.end()) << name;
  return *it;
}

TEST_F(OnnxNotesTest, EveryMessageKeepsItsOwn) {
  const std::string before_bytes = Annotated();
  const std::string after_bytes = Written(MustRead(before_bytes));
  const auto before = onnx::ParseModel(before_bytes);
  const auto after = onnx::ParseModel(after_bytes);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(after->ir_version, 10);  // opset 13, but metadata of nodes
  EXPECT_FALSE(after->notes.empty());
  EXPECT_EQ(after->notes, before->notes);
  EXPECT_EQ(after->metadata_props, before->metadata_props);
  const onnx::GraphProto& a = after->graph;
  const onnx::GraphProto& b = before->graph;
  EXPECT_FALSE(a.notes.empty());
  EXPECT_EQ(a.notes, b.notes);
  for (const char* name : {"", "odd"}) {  // the first node has no name
    EXPECT_FALSE(Named(a.nodes, name).notes.empty());
    EXPECT_EQ(Named(a.nodes, name).notes, Named(b.nodes, name).notes);
  }
  const onnx::AttributeProto& value = Named(a.nodes, "odd").attributes[0];
  EXPECT_EQ(value.notes, Named(b.nodes, "odd").attributes[0].notes);
  EXPECT_EQ(value.t->name, "t in an attribute");
  EXPECT_EQ(value.t->notes, Named(b.nodes, "odd").attributes[0].t->notes);
  for (int i = 0; i < 2; ++i) {
    const onnx::AttributeProto& branch = Named(a.nodes, "if").attributes[static_cast<size_t>(i)];
    EXPECT_EQ(branch.notes, Named(b.nodes, "if").attributes[static_cast<size_t>(i)].notes);
    EXPECT_EQ(branch.g->name, "inner name");
    EXPECT_FALSE(branch.g->notes.empty());
    EXPECT_EQ(branch.g->notes, Named(b.nodes, "if").attributes[0].g->notes);
  }
  EXPECT_EQ(Named(a.inputs, "x").notes, Named(b.inputs, "x").notes);
  EXPECT_EQ(Named(a.inputs, "x").type_notes, Named(b.inputs, "x").type_notes);
  EXPECT_EQ(Named(a.inputs, "x").dims[0].notes, Named(b.inputs, "x").dims[0].notes);
  EXPECT_EQ(Named(a.outputs, "y").notes, Named(b.outputs, "y").notes);
  EXPECT_EQ(Named(a.outputs, "m").notes, Named(b.outputs, "m").notes);
  EXPECT_EQ(Named(a.value_infos, "r").notes, Named(b.value_infos, "r").notes);
  EXPECT_EQ(Named(a.initializers, "w").notes, Named(b.initializers, "w").notes);
  EXPECT_EQ(Named(a.initializers, "w_scale").dims.size(), 0u);  // only the annotation names it
  // A Constant node's go with its tensor, whose own doc string wins.
  const std::string& c = Named(a.initializers, "c").notes;
  EXPECT_NE(c.find("doc of t"), std::string::npos);
  EXPECT_EQ(c.find("doc of c"), std::string::npos);
  EXPECT_NE(c.find(Pair("k", "c").bytes), std::string::npos);
  // Written again and again, nothing grows and nothing is lost.
  const std::string again = Written(MustRead(after_bytes));
  EXPECT_EQ(again.size(), after_bytes.size());
  EXPECT_EQ(Written(MustRead(again)), again);
}

TEST_F(OnnxNotesTest, DimensionsAreCalledAsInTheFile) {
  const GraphParts parts = {
      .nodes = {MakeNode("Relu", {"x"}, {"y"})},
      .inputs = {TypedValue("x", kFloat, {"batch size", "batch_size", "a"})},
      .outputs = {TypedValue("y", kFloat, {"batch size", "batch_size", "a"})}};
  const Graph g = MustRead(Model(parts));
  EXPECT_EQ(ShapeToString(*g.value(g.FindValue("y")).type.shape), "[batch_size,batch_size_1,a]");
  const std::string bytes = Written(g);
  const auto model = onnx::ParseModel(bytes);
  for (const onnx::ValueInfoProto* v : {&model->graph.inputs[0], &model->graph.outputs[0]}) {
    EXPECT_EQ(v->dims[0].param, "batch size");
    EXPECT_EQ(v->dims[1].param, "batch_size");
    EXPECT_EQ(v->dims[2].param, "a");
  }
}

TEST_F(OnnxNotesTest, CountForNothing) {
  const Graph with = MustRead(Annotated());
  Graph without = with;
  without.metadata.notes = nullptr;
  EXPECT_EQ(GraphHash(with), GraphHash(without));
  EXPECT_EQ(PrintGraph(with), PrintGraph(without));
  EXPECT_EQ(Graph(with).metadata.notes, with.metadata.notes);
  EXPECT_EQ(MustRead(Model({.nodes = {MakeNode("Relu", {"x"}, {"y"}, {}, "n")},
                            .inputs = {TypedValue("x", kFloat, {2})},
                            .outputs = {TypedValue("y", kFloat, {2})}}))
                .metadata.notes,
            nullptr);
}

TEST_F(OnnxNotesTest, FollowNames) {
  const GraphParts parts = {
      .nodes = {With(MakeNode("Relu", {"x"}, {"a"}, {}, "first"), Message().Bytes(6, "FIRST")),
                With(MakeNode("Abs", {"a"}, {"b"}), Message().Bytes(6, "NAMELESS")),
                With(MakeNode("Neg", {"b"}, {"c"}, {}, "last"), Message().Bytes(6, "LAST"))},
      .inputs = {TypedValue("x", kFloat, {2})},
      .outputs = {With(TypedValue("c", kFloat, {2}), Message().Bytes(3, "OUT"))},
      .value_infos = {With(TypedValue("b", kFloat, {2}), Message().Bytes(3, "B"))}};
  Graph g = MustRead(Model(parts));
  // A pass puts another operator in the place of the two last nodes, under the name of the last.
  const NodeId last = g.top().nodes[2];
  Patch patch(g, last);
  patch.Replace(g.node(last).outputs[0],
                patch.AddNode(OpType::Intern("", "Exp"), "last", {g.FindValue("a")}, {}, "c_new"));
  ASSERT_TRUE(patch.Apply(g).ok());
  g.EraseNode(last);
  g.EraseNode(g.top().nodes[1]);
  const std::string bytes = Written(g);
  const auto model = onnx::ParseModel(bytes);
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(model->graph.nodes.size(), 2u);
  EXPECT_EQ(model->graph.nodes[0].notes, Message().Bytes(6, "FIRST").bytes);
  EXPECT_EQ(model->graph.nodes[1].notes, Message().Bytes(6, "LAST").bytes);
  EXPECT_EQ(model->graph.outputs[0].notes, Message().Bytes(3, "OUT").bytes);
  EXPECT_EQ(bytes.find("NAMELESS"), std::string::npos);
}

TEST_F(OnnxNotesTest, AnotherOperatorDoesNotTakeThoseOfANamelessNode) {
  const GraphParts parts = {.nodes = {With(MakeNode("Relu", {"x"}, {"y"}), Notes(6, 9, "relu"))},
                            .inputs = {TypedValue("x", kFloat, {2})},
                            .outputs = {TypedValue("y", kFloat, {2})}};
  Graph g = MustRead(Model(parts));
  const NodeId relu = g.top().nodes[0];
  Patch patch(g, relu);
  patch.Replace(g.FindValue("y"),
                patch.AddNode(OpType::Intern("", "Abs"), "", {g.FindValue("x")}, {}, "y_new"));
  ASSERT_TRUE(patch.Apply(g).ok());
  g.EraseNode(relu);
  EXPECT_EQ(Written(g).find("of relu"), std::string::npos);
}

TEST_F(OnnxNotesTest, NodesOfOneNameKeepTheirOwn) {
  const GraphParts parts = {
      .nodes = {MakeNode("Relu", {"x"}, {"a"}, {}, "n"),
                With(MakeNode("Relu", {"a"}, {"y"}, {}, "n"), Message().Bytes(6, "second"))},
      .inputs = {TypedValue("x", kFloat, {2})},
      .outputs = {TypedValue("y", kFloat, {2})}};
  const std::string bytes = Written(MustRead(Model(parts)));
  const auto model = onnx::ParseModel(bytes);
  EXPECT_EQ(model->graph.nodes[0].notes, "");
  EXPECT_EQ(model->graph.nodes[1].notes, Message().Bytes(6, "second").bytes);
}

TEST_F(OnnxNotesTest, AnnotationsOfLostTensorsAreLeftOut) {
  const Message annotation = Message().Bytes(1, "x").Sub(2, Pair("SCALE_TENSOR", "scale of x"));
  const GraphParts parts = {.nodes = {MakeNode("Relu", {"x"}, {"y"})},
                            .initializers = {FloatTensor("scale of x", {}, {1})},
                            .inputs = {TypedValue("x", kFloat, {2})},
                            .outputs = {TypedValue("y", kFloat, {2})}};
  const Message graph = With(parts.Build(), Message().Sub(14, annotation));
  const Message m = Message().Int(1, 8).Sub(8, OpsetImport("", 13)).Sub(7, graph);
  Graph g = MustRead(m.bytes);
  EXPECT_NE(Written(g).find(annotation.bytes), std::string::npos);
  g.EraseUnusedConstants();
  EXPECT_EQ(Written(g).find("SCALE_TENSOR"), std::string::npos);
}

TEST_F(OnnxNotesTest, TheIrVersionIsTheLowestThatHasThem) {
  EXPECT_EQ(IrVersion({}), 7);
  EXPECT_EQ(IrVersion(Message().Bytes(6, "doc")), 7);
  EXPECT_EQ(IrVersion(Message().Sub(9, Pair("k", "v"))), 10);
  EXPECT_EQ(IrVersion(Message().Bytes(8, "overload")), 10);
  EXPECT_EQ(IrVersion(Message().Bytes(10, "devices")), 11);
  EXPECT_EQ(IrVersion({}, Message().Sub(16, Pair("k", "v"))), 10);
  EXPECT_EQ(IrVersion({}, {}, Message().Bytes(26, "devices")), 11);
  // Nobody knows what introduced a strange field: the file's own version had it.
  EXPECT_EQ(IrVersion(Message().Int(kStrange, 1)), 8);
  EXPECT_EQ(IrVersion(Message().Int(kStrange, 1), {}, {}, 14), 14);
}

TEST_F(OnnxNotesTest, NothingIsWrittenTwice) {
  // A text given twice counts once; a known number of the wrong wire type is no note.
  const GraphParts parts = {
      .nodes = {With(MakeNode("Relu", {"x"}, {"y"}, {}, "n"),
                     Message().Bytes(6, "once").Bytes(6, "again").Int(3, 7).Int(9, 7))},
      .inputs = {TypedValue("x", kFloat, {2})},
      .outputs = {TypedValue("y", kFloat, {2})}};
  const std::string bytes = Written(MustRead(Model(parts)));
  const auto model = onnx::ParseModel(bytes);
  EXPECT_EQ(model->graph.nodes[0].notes, Message().Bytes(6, "again").bytes);
  EXPECT_EQ(model->graph.nodes[0].name, "n");
}

// Whatever a flipped byte does to a model full of notes: it is refused, or what is written for it
// can be read.
TEST_F(OnnxNotesTest, CorruptModelsAreRefusedOrReadable) {
  const std::string bytes = Annotated();
  const std::string path = (root_ / "corrupt.onnx").string();
  int written = 0;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ (i % 2 == 0 ? 0x08 : 0x81));
    const Result<Graph> g = Read(bad);
    if (!g.ok() || !WriteOnnx(*g, path).ok()) continue;
    ++written;
    const Result<Graph> back = ReadOnnx(path);
    EXPECT_TRUE(back.ok()) << i << ": " << back.status().message();
  }
  EXPECT_GT(written, 100);
}

TEST_F(OnnxNotesTest, BrokenOnesAreRefused) {
  const auto refused = [](const Message& in_node, const Message& in_graph) {
    const GraphParts parts = {.nodes = {With(MakeNode("Relu", {"x"}, {"y"}), in_node)},
                              .inputs = {TypedValue("x", kFloat, {2})},
                              .outputs = {TypedValue("y", kFloat, {2})}};
    const Result<Graph> g = Read(Message()
                                     .Int(1, 8)
                                     .Sub(8, OpsetImport("", 13))
                                     .Sub(7, With(parts.Build(), in_graph))
                                     .bytes);
    EXPECT_FALSE(g.ok());
    EXPECT_EQ(g.status().code(), StatusCode::kInvalidInput);
    return g.ok() ? "" : g.status().message();
  };
  Message group;
  group.Varint(kStrange << 3 | 3);
  Message cut;
  cut.Varint(kStrange << 3 | 2);
  cut.Varint(100);
  Message reserved;
  reserved.Varint(19500 << 3);
  for (const Message& m : {group, cut, reserved, Message().Bytes(9, "not a pair")}) {
    EXPECT_EQ(refused(m, {}), "truncated or not a protobuf message");
  }
  const char* const kText = "a name or text of the model is not UTF-8";
  EXPECT_EQ(refused(Message().Bytes(6, "\xff"), {}), kText);
  EXPECT_EQ(refused(Message().Bytes(8, "\xff"), {}), kText);
  EXPECT_EQ(refused(Message().Sub(9, Pair("\xff", "")), {}), kText);
  EXPECT_EQ(refused({}, Message().Bytes(10, "\xff")), kText);
  EXPECT_EQ(refused({}, Message().Sub(14, Message().Bytes(1, "\xff"))), kText);
  EXPECT_EQ(refused({}, Message().Sub(14, Message().Sub(2, Pair("", "\xff")))), kText);
}

}  // namespace
}  // namespace adze
