// Every row of adapt_list.inc: a node of an old (or newer) opset and the canonical nodes it
// becomes.
#include "formats/onnx/adapt.h"

#include <gtest/gtest.h>

#include <map>

#include "formats/onnx/test_messages.h"
#include "ir/text.h"

namespace adze {
namespace {

using namespace onnx_test;  // NOLINT: the messages are the language of these tests

Message Untyped(const char* name) { return Message().Bytes(1, name); }

// The printed constants and nodes of a model with one node over x, float32[2,3,4] unless given.
Result<std::string> Adapted(int opset, const Message& node, std::vector<Message> initializers = {},
                            const std::vector<D>& x = {2, 3, 4}) {
  const Result<Graph> g = Read(Model({.nodes = {node},
                                      .initializers = std::move(initializers),
                                      .inputs = {TypedValue("x", kFloat, x)},
                                      .outputs = {Untyped("y")}},
                                     opset));
  if (!g.ok()) return g.status();
  EXPECT_TRUE(Verify(*g).ok()) << Verify(*g).message();
  std::string text = PrintGraph(*g);
  // Between the input and the output lines.
  const size_t begin = text.find('\n', text.find("  input ")) + 1;
  return text.substr(begin, text.find("  output ") - begin);
}

void ExpectAdapted(int opset, const Message& node, const std::string& text,
                   std::vector<Message> initializers = {}, const std::vector<D>& x = {2, 3, 4}) {
  const Result<std::string> got = Adapted(opset, node, std::move(initializers), x);
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(*got, text);
}
void ExpectRefused(int opset, const Message& node, StatusCode code, const std::string& message,
                   std::vector<Message> initializers = {}) {
  const Result<std::string> got = Adapted(opset, node, std::move(initializers));
  ASSERT_FALSE(got.ok()) << *got;
  EXPECT_EQ(got.status().message(), message);
  EXPECT_EQ(got.status().code(), code);
}

TEST(Adapt, RowsAreSortedDisjointAndOfKnownOperators) {
  struct Row {
    std::string op;
    int first;
    int last;
  };
  const std::vector<Row> rows = {
#define ADZE_ONNX_ADAPT(op, first, last, function) {#op, first, last},
#include "formats/onnx/adapt_list.inc"
#undef ADZE_ONNX_ADAPT
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_LE(rows[i].first, rows[i].last) << rows[i].op;
    EXPECT_GE(rows[i].first, kOldestOnnxOpset) << rows[i].op;
    EXPECT_LE(rows[i].last, kNewestOnnxOpset) << rows[i].op;
    if (i > 0) {
      const bool same = rows[i].op == rows[i - 1].op;
      EXPECT_TRUE(same ? rows[i].first > rows[i - 1].last : rows[i].op > rows[i - 1].op);
    }
    const bool renamed = rows[i].op == "Upsample" || rows[i].op == "Scatter";
    EXPECT_TRUE(renamed || FindOp(OpType::Intern("", rows[i].op)) != nullptr) << rows[i].op;
  }
}

TEST(Adapt, AxesBecomeAnInput) {
  ExpectAdapted(11, MakeNode("ReduceMean", {"x"}, {"y"}, {IntsAttr("axes", {-1})}),
                "  const %y_axes : int64[1] = [-1]\n"
                "  %y = ReduceMean(%x, %y_axes) : float32[2,3,1]\n");
  ExpectAdapted(12, MakeNode("ReduceSum", {"x"}, {"y"}), "  %y = ReduceSum(%x) : float32[1,1,1]\n");
  ExpectAdapted(7, MakeNode("Unsqueeze", {"x"}, {"y"}, {IntsAttr("axes", {0})}),
                "  const %y_axes : int64[1] = [0]\n"
                "  %y = Unsqueeze(%x, %y_axes) : float32[1,2,3,4]\n");
  ExpectRefused(11, MakeNode("ReduceMean", {"x", "x"}, {"y"}), StatusCode::kInvalidInput,
                "node 'y' (ReduceMean): has 2 inputs, must have 1 at opset 11");
  ExpectRefused(11, MakeNode("Squeeze", {"x"}, {"y"}, {IntAttr("axes", 1)}),
                StatusCode::kInvalidInput,
                "node 'y' (Squeeze): attribute 'axes' is of kind int, must be int list");
}

TEST(Adapt, Clip) {
  ExpectAdapted(7, MakeNode("Clip", {"x"}, {"y"}, {FloatAttr("min", 0), FloatAttr("max", 6)}),
                "  const %y_min : float32[] = [0]\n"
                "  const %y_max : float32[] = [6]\n"
                "  %y = Clip(%x, %y_min, %y_max) : float32[2,3,4]\n");
  ExpectAdapted(10, MakeNode("Clip", {"x"}, {"y"}, {FloatAttr("max", 6)}),
                "  const %y_max : float32[] = [6]\n"
                "  %y = Clip(%x, _, %y_max) : float32[2,3,4]\n");
}

TEST(Adapt, Dropout) {
  ExpectAdapted(7, MakeNode("Dropout", {"x"}, {"y", "mask"}, {FloatAttr("ratio", 0.5f)}),
                "  const %y_ratio : float32[] = [0.5]\n"
                "  %y = Dropout(%x, %y_ratio) : float32[2,3,4]\n");
}

TEST(Adapt, PadSliceSplitTopK) {
  ExpectAdapted(
      2 + 8,
      MakeNode("Pad", {"x"}, {"y"}, {IntsAttr("pads", {0, 0, 1, 0, 0, 1}), FloatAttr("value", 2)}),
      "  const %y_pads : int64[6] = [0, 0, 1, 0, 0, 1]\n"
      "  const %y_value : float32[] = [2]\n"
      "  %y = Pad(%x, %y_pads, %y_value) : float32[2,3,6]\n");
  ExpectAdapted(9,
                MakeNode("Slice", {"x"}, {"y"},
                         {IntsAttr("starts", {1}), IntsAttr("ends", {3}), IntsAttr("axes", {2})}),
                "  const %y_starts : int64[1] = [1]\n"
                "  const %y_ends : int64[1] = [3]\n"
                "  const %y_axes : int64[1] = [2]\n"
                "  %y = Slice(%x, %y_starts, %y_ends, %y_axes) : float32[2,3,2]\n");
  ExpectAdapted(
      11, MakeNode("Split", {"x"}, {"y", "z"}, {IntAttr("axis", 1), IntsAttr("split", {1, 2})}),
      "  const %y_split : int64[2] = [1, 2]\n"
      "  %y, %z = Split(%x, %y_split) {axis=1} : float32[2,1,4], float32[2,2,4]\n");
  ExpectAdapted(13, MakeNode("Split", {"x"}, {"y", "z"}, {IntAttr("axis", 2)}),
                "  %y, %z = Split(%x) {axis=2, num_outputs=2} : float32[2,3,2], float32[2,3,2]\n");
  ExpectAdapted(9, MakeNode("TopK", {"x"}, {"y", "i"}, {IntAttr("k", 2)}),
                "  const %y_k : int64[1] = [2]\n"
                "  %y, %i = TopK(%x, %y_k) : float32[2,3,2], int64[2,3,2]\n");
  ExpectRefused(9, MakeNode("Slice", {"x"}, {"y"}), StatusCode::kInvalidInput,
                "node 'y' (Slice): attribute 'starts' or 'ends' is missing");
  ExpectRefused(9, MakeNode("Pad", {"x"}, {"y"}), StatusCode::kInvalidInput,
                "node 'y' (Pad): attribute 'pads' is missing");
  ExpectRefused(9, MakeNode("TopK", {"x"}, {"y", "i"}), StatusCode::kInvalidInput,
                "node 'y' (TopK): attribute 'k' is missing");
}

TEST(Adapt, SoftmaxAlongTheLastRealDimensionIsTheSame) {
  ExpectAdapted(12, MakeNode("Softmax", {"x"}, {"y"}, {IntAttr("axis", -1)}),
                "  %y = Softmax(%x) {axis=2} : float32[2,3,4]\n");
  ExpectAdapted(7, MakeNode("LogSoftmax", {"x"}, {"y"}),
                "  %y = LogSoftmax(%x) {axis=1} : float32[N,3,1,1]\n", {}, {"N", 3, 1, 1});
}

TEST(Adapt, SoftmaxOverSeveralDimensionsIsSpelledOut) {
  ExpectAdapted(12, MakeNode("Softmax", {"x"}, {"y"}, {}, "s"),
                "  const %y_shape : int64[3] = [2, 3, 4]\n"
                "  %y_rows = Flatten(%x) {axis=1} : float32[2,12]\n"
                "  %y_result = Softmax(%y_rows) {axis=1} : float32[2,12]\n"
                "  %y = Reshape(%y_result, %y_shape) \"s\" : float32[2,3,4]\n");
  ExpectAdapted(12, MakeNode("Hardmax", {"x"}, {"y"}),
                "  %y_shape = Shape(%x) : int64[3]\n"
                "  %y_rows = Flatten(%x) {axis=1} : float32[N,12]\n"
                "  %y_result = Hardmax(%y_rows) {axis=1} : float32[N,12]\n"
                "  %y = Reshape(%y_result, %y_shape) : float32[N,3,4]\n",
                {}, {"N", 3, 4});
  ExpectRefused(12, MakeNode("Softmax", {"x"}, {"y"}, {IntAttr("axis", 5)}),
                StatusCode::kInvalidInput,
                "node 'y' (Softmax): axis = 5 is out of range for rank 3");
}

TEST(Adapt, BatchNormalization) {
  const std::vector<Message> stats = {FloatTensor("c", {3}, {1, 2, 3})};
  ExpectAdapted(8,
                MakeNode("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y", "", "m"},
                         {IntAttr("spatial", 1)}),
                "  const %c : float32[3] = [1, 2, 3]\n"
                "  %y = BatchNormalization(%x, %c, %c, %c, %c) : float32[2,3,4]\n",
                stats);
  ExpectRefused(
      7, MakeNode("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y"}, {IntAttr("spatial", 0)}),
      StatusCode::kUnsupported, "node 'y' (BatchNormalization): spatial = 0 is not supported",
      stats);
}

TEST(Adapt, GroupNormalizationParametersPerChannel) {
  ExpectAdapted(
      18, MakeNode("GroupNormalization", {"x", "s", "b"}, {"y"}, {IntAttr("num_groups", 2)}),
      "  const %s : float32[2] = [1, 2]\n"
      "  const %b : float32[2] = [3, 4]\n"
      "  const %y_scale : float32[4] = [1, 1, 2, 2]\n"
      "  const %y_bias : float32[4] = [3, 3, 4, 4]\n"
      "  %y = GroupNormalization(%x, %y_scale, %y_bias) {num_groups=2} : float32[1,4,2]\n",
      {FloatTensor("s", {2}, {1, 2}), FloatTensor("b", {2}, {3, 4})}, {1, 4, 2});
}

TEST(Adapt, UpsampleAndResize) {
  const std::string attrs =
      "{coordinate_transformation_mode=\"asymmetric\", mode=\"nearest\", nearest_mode=\"floor\"}";
  ExpectAdapted(7, MakeNode("Upsample", {"x"}, {"y"}, {FloatsAttr("scales", {1, 1, 2})}),
                "  const %y_scales : float32[3] = [1, 1, 2]\n"
                "  %y = Resize(%x, _, %y_scales) " +
                    attrs + " : float32[2,3,8]\n");
  const std::vector<Message> scales = {FloatTensor("s", {3}, {1, 1, 2})};
  ExpectAdapted(9, MakeNode("Upsample", {"x", "s"}, {"y"}, {StringAttr("mode", "nearest")}),
                "  const %s : float32[3] = [1, 1, 2]\n"
                "  %y = Resize(%x, _, %s) " +
                    attrs + " : float32[2,3,8]\n",
                scales);
  ExpectAdapted(10, MakeNode("Resize", {"x", "s"}, {"y"}, {StringAttr("mode", "linear")}),
                "  const %s : float32[3] = [1, 1, 2]\n"
                "  %y = Resize(%x, _, %s) {coordinate_transformation_mode=\"asymmetric\", "
                "mode=\"linear\"} : float32[2,3,8]\n",
                scales);
  // Empty roi and scales, as opset 11 demanded.
  ExpectAdapted(11, MakeNode("Resize", {"x", "e", "e", "n"}, {"y"}),
                "  const %e : float32[0] = []\n"
                "  const %n : int64[3] = [2, 3, 8]\n"
                "  %y = Resize(%x, _, _, %n) : float32[2,3,8]\n",
                {FloatTensor("e", {0}, {}), IntTensor("n", {2, 3, 8})});
  ExpectRefused(10, MakeNode("Resize", {"x", "s"}, {"y"}), StatusCode::kUnsupported,
                "node 'y' (Resize): grows one axis and shrinks another, which opset 10 leaves "
                "undefined",
                {FloatTensor("s", {3}, {1, 0.5f, 2})});
  ExpectRefused(11,
                MakeNode("Resize", {"x", "", "s"}, {"y"},
                         {StringAttr("coordinate_transformation_mode", "tf_half_pixel_for_nn")}),
                StatusCode::kUnsupported,
                "node 'y' (Resize): coordinate_transformation_mode 'tf_half_pixel_for_nn' is not "
                "supported",
                scales);
}

TEST(Adapt, ScatterIsRenamed) {
  ExpectAdapted(9, MakeNode("Scatter", {"x", "i", "x"}, {"y"}, {IntAttr("axis", 0)}),
                "  const %i : int64[1] = [0]\n"
                "  %y = ScatterElements(%x, %i, %x) {axis=0} : float32[1]\n",
                {IntTensor("i", {0})}, {1});
}

TEST(Adapt, NewerAttributesMayOnlyRepeatTheCanonicalMeaning) {
  const std::vector<Message> scale = {FloatTensor("s", {}, {0.5f}),
                                      TensorHead("q", kUInt8, {1}).Int(5, 3)};
  ExpectAdapted(23, MakeNode("QuantizeLinear", {"x", "s"}, {"y"}, {IntAttr("precision", 1)}),
                "  const %s : float32[] = [0.5]\n"
                "  const %q : uint8[1] = [3]\n"
                "  %y = QuantizeLinear(%x, %s) : uint8[2,3,4]\n",
                scale);
  ExpectAdapted(25, MakeNode("DequantizeLinear", {"q", "s"}, {"y"}, {IntAttr("output_dtype", 0)}),
                "  const %s : float32[] = [0.5]\n"
                "  const %q : uint8[1] = [3]\n"
                "  %y = DequantizeLinear(%q, %s) : float32[1]\n",
                scale);
  ExpectRefused(23, MakeNode("DequantizeLinear", {"q", "s"}, {"y"}, {IntAttr("output_dtype", 10)}),
                StatusCode::kUnsupported,
                "node 'y' (DequantizeLinear): attribute 'output_dtype' asks for float16, only the "
                "type of the scale is supported",
                scale);
  ExpectAdapted(24,
                MakeNode("Cast", {"x"}, {"y"}, {IntAttr("to", 6), StringAttr("round_mode", "up")}),
                "  %y = Cast(%x) {to=6} : int32[2,3,4]\n");
}

TEST(Adapt, NamesDoNotCollide) {
  ExpectAdapted(11, MakeNode("ReduceMean", {"y_axes"}, {"y"}, {IntsAttr("axes", {0})}),
                "  const %y_axes : float32[1] = [1]\n"
                "  const %y_axes_1 : int64[1] = [0]\n"
                "  %y = ReduceMean(%y_axes, %y_axes_1) : float32[1]\n",
                {FloatTensor("y_axes", {1}, {1})});
}

}  // namespace
}  // namespace adze
