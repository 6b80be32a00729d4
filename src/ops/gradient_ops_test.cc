// The operators of domain adze that gradients are made of: results, shapes, refusals. That they are
// the right gradients is tested by finite differences in passes/gradient_rules_test.cc.
#include "ops/op_test_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::ExpectNear;
using op_test::F;
using op_test::Info;
using op_test::Op;
using op_test::RunOp;

const OpDef& Adze(std::string_view name) { return Op(name, kAdzeDomain); }
Tensor Dims(std::vector<int64_t> dims) {
  return Tensor::FromValues<int64_t>({static_cast<int64_t>(dims.size())},
                                     std::span<const int64_t>(dims));
}

TEST(GradientOpsTest, UnfoldAndFold) {
  const AttrMap attrs = {{"kernel_shape", std::vector<int64_t>{2}},
                         {"pads", std::vector<int64_t>{1, 0}}};
  // Three pixels of two channels; the first window starts in the padding.
  const Tensor rows = RunOp(Adze("Unfold"), attrs, {F({1, 3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_EQ(rows.dims(), (std::vector<int64_t>{3, 4}));
  ExpectNear(rows, {0, 0, 1, 2, 1, 2, 3, 4, 3, 4, 5, 6});
  const Tensor image = RunOp(Adze("Fold"), attrs,
                             {F({3, 4}, {9, 9, 1, 2, 1, 2, 3, 4, 3, 4, 5, 6}), Dims({1, 3, 2})});
  ExpectNear(image, {2, 4, 6, 8, 5, 6});
  EXPECT_EQ(op_test::InferredShape(Adze("Unfold"), {{"kernel_shape", std::vector<int64_t>{3, 3}}},
                                   {Info({Dim::Symbol("N"), 5, 6, 4})}),
            "[12*N,36]");
}

// Without a dilation a row of the window is copied at once; with one, pixel by pixel.
TEST(GradientOpsTest, UnfoldDilated) {
  const Tensor rows =
      RunOp(Adze("Unfold"),
            {{"dilations", std::vector<int64_t>{2}}, {"kernel_shape", std::vector<int64_t>{2}}},
            {F({1, 4, 1}, {1, 2, 3, 4})});
  ExpectNear(rows, {1, 3, 2, 4});
}

TEST(GradientOpsTest, Gate) {
  const Tensor g = F({5}, {1, 2, 3, 4, 5});
  const Tensor x = F({5}, {-1, 0, 0.5f, 1, NAN});
  ExpectNear(RunOp(Adze("Gate"), {{"lo", 0.0f}, {"hi", 1.0f}}, {g, x}), {0, 0, 3, 0, 0});
  ExpectNear(RunOp(Adze("Gate"), {{"closed", int64_t{1}}, {"lo", 0.0f}, {"hi", 1.0f}}, {g, x}),
             {0, 2, 3, 4, 0});
}

TEST(GradientOpsTest, MaxPoolGradientTakesTheFirstMaximum) {
  const AttrMap attrs = {{"kernel_shape", std::vector<int64_t>{2}}};
  ExpectNear(RunOp(Adze("MaxPoolGradient"), attrs,
                   {F({1, 1, 3}, {1, 10, 100}), F({1, 1, 4}, {5, 5, 7, 6})}),
             {1, 0, 110, 0});
}

TEST(GradientOpsTest, LearnedQuant) {
  const AttrMap attrs = {{"qmin", int64_t{-2}}, {"qmax", int64_t{1}}};
  ExpectNear(RunOp(Adze("LearnedQuant"), attrs,
                   {F({4}, {0.26f, -9, 9, 0.25f}), Tensor::Scalar(0.5f), Tensor::Scalar(0.6f)}),
             {0, -1.5f, 0, 0});
}

TEST(GradientOpsTest, ShapeRefusals) {
  const AttrMap window = {{"kernel_shape", std::vector<int64_t>{3}}};
  ValueInfo shape = Info(DType::kInt64, {3});
  shape.elements = std::vector<Dim>{1, 4, 2};
  op_test::ExpectRefused({
      {&Adze("Unfold"),
       window,
       {Info({2, 2})},
       StatusCode::kInvalidInput,
       "an image needs a spatial dimension, has rank 2"},
      {&Adze("Unfold"),
       window,
       {Info(DType::kInt8, {1, 4, 2})},
       StatusCode::kUnsupported,
       "input 'x' has element type int8, supported: float32, float64"},
      {&Adze("Fold"),
       window,
       {Info({2, 6, 1}), shape},
       StatusCode::kInvalidInput,
       "rows have shape [2,6,1], must have rank 2"},
      {&Adze("Gate"),
       {{"lo", 0.0f}, {"hi", 1.0f}},
       {Info({2, 3}), Info({3})},
       StatusCode::kInvalidInput,
       "g is [2,3], x is [3]"},
      {&Adze("DepthwiseGradient"),
       window,
       {Info({2, 3}), Info({2, 3})},
       StatusCode::kInvalidInput,
       "x needs a spatial dimension"},
      {&Adze("LearnedQuant"),
       {{"qmin", int64_t{3}}, {"qmax", int64_t{1}}},
       {Info({2}), Info(Shape{}), Info(Shape{})},
       StatusCode::kInvalidInput,
       "qmin = 3, qmax = 1 must be in this order and within +-2^16"},
      {&Adze("LearnedQuant"),
       {{"qmin", int64_t{0}}, {"qmax", int64_t{1}}},
       {Info({2, 2}), Info({2, 2}), Info({2, 2})},
       StatusCode::kInvalidInput,
       "scale has shape [2,2], must be a scalar or a vector"},
      {&Adze("LearnedQuant"),
       {{"qmin", int64_t{0}}, {"qmax", int64_t{1}}},
       {Info({2, 2}), Info({2}), Info(Shape{})},
       StatusCode::kInvalidInput,
       "scale is [2], zero_point is []"},
  });
}

// What a hostile plan could pair: evaluations check before they read or write.
TEST(GradientOpsTest, EvaluationsCheckSizes) {
  const AttrMap window = {{"kernel_shape", std::vector<int64_t>{2}}};
  const auto refusal = [](const char* op, const AttrMap& attrs, std::vector<Tensor> inputs,
                          std::vector<int64_t> out) {
    Tensor y = Tensor::Allocate(DType::kFloat32, std::move(out));
    std::vector<ConstTensorView> views;
    for (const Tensor& t : inputs) views.push_back(t.view());
    const std::vector<TensorView> outputs = {y.mutable_view()};
    return Adze(op).eval(EvalContext{attrs, views, outputs}).message();
  };
  const Tensor four = F({1, 4, 1}, {1, 2, 3, 4});
  EXPECT_EQ(refusal("Unfold", window, {four}, {4, 2}),
            "rows [4,2] do not belong to an image [1,4,1]");
  EXPECT_EQ(refusal("Fold", window, {F({2, 2}, {1, 2, 3, 4})}, {1, 4, 1}),
            "rows [2,2] do not belong to an image [1,4,1]");
  EXPECT_NE(refusal("Gate", {{"lo", 0.0f}, {"hi", 1.0f}}, {four, F({1}, {1})}, {1, 4, 1}), "");
  EXPECT_NE(refusal("DepthwiseGradient", window, {four, four}, {2, 1}), "");
  EXPECT_NE(refusal("DepthwiseGradient", window, {four, F({1, 3, 1}, {1, 2, 3})}, {3, 1}), "");
  const Tensor image = F({1, 1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(refusal("MaxPoolGradient", window, {image, image}, {1, 1, 4}),
            "the gradient [1,1,4] is not that of a pooling of [1,1,4]");
  EXPECT_NE(refusal("MaxPoolGradient", window, {F({1, 1, 3}, {1, 2, 3}), image}, {1, 1, 3}), "");
  EXPECT_EQ(refusal("AveragePoolGradient", window, {image}, {1, 1, 4}),
            "the gradient [1,1,4] is not that of a pooling of [1,1,4]");
  EXPECT_NE(refusal("LearnedQuant", {{"qmin", int64_t{0}}, {"qmax", int64_t{1}}},
                    {four, F({2}, {1, 1}), F({2}, {1, 1})}, {1, 4, 1}),
            "");
}

}  // namespace
}  // namespace adze
