// Convolution, matrix product, pooling and normalization: values computed by hand, independent
// brute force on random shapes, shape rules on symbolic dims, and every refusal with its sentence.
#include <cmath>
#include <limits>

#include "ops/op_test_util.h"
#include "ops/op_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::ExpectNear;
using op_test::ExpectRefused;
using op_test::F;
using op_test::Infer;
using op_test::InferredShape;
using op_test::Info;
using op_test::Op;
using op_test::RandomTensor;
using op_test::RunOp;
using op_test::ValuesOf;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

constexpr StatusCode kInvalid = StatusCode::kInvalidInput;
constexpr StatusCode kNotSupported = StatusCode::kUnsupported;

Tensor Iota(Ints dims) {
  Tensor t = Tensor::Allocate(DType::kFloat32, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = static_cast<float>(i);
  return t;
}
// Element of a dense tensor by its index list; 0 outside (zero padding).
float At(const Tensor& t, const Ints& index) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= t.dims()[i]) return 0;
    offset = offset * t.dims()[i] + index[i];
  }
  return t.data<float>()[offset];
}

TEST(Conv, ByHand) {
  // 3x3 ones over 0..8 with padding 1: sums of neighbourhoods.
  const Tensor y = RunOp(Op("Conv"), {{"pads", Ints{1, 1, 1, 1}}},
                         {Iota({1, 1, 3, 3}), F({1, 1, 3, 3}, Floats(9, 1.0f)), F({1}, {0.5f})});
  EXPECT_EQ(y.dims(), (Ints{1, 1, 3, 3}));
  ExpectNear(y, {8.5f, 15.5f, 12.5f, 21.5f, 36.5f, 27.5f, 20.5f, 33.5f, 24.5f});
}

TEST(Conv, SamePaddingPutsTheOddColumnWhereAsked) {
  const std::vector<Tensor> in = {F({1, 1, 3}, {1, 2, 4}), F({1, 1, 2}, {1, 10})};
  ExpectNear(RunOp(Op("Conv"), {{"auto_pad", "SAME_UPPER"}}, in), {21, 42, 4});
  ExpectNear(RunOp(Op("Conv"), {{"auto_pad", "SAME_LOWER"}}, in), {10, 21, 42});
  ExpectNear(RunOp(Op("Conv"), {{"auto_pad", "VALID"}}, in), {21, 42});
}

TEST(Conv, BruteForce) {
  std::mt19937 rng(1);
  const auto pick = [&](int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(rng); };
  for (int trial = 0; trial < 50; ++trial) {
    const int64_t group = pick(1, 3), group_in = pick(1, 2), group_out = pick(1, 2);
    const int64_t kh = pick(1, 3), kw = pick(1, 3), sh = pick(1, 2), sw = pick(1, 3);
    const int64_t dh = pick(1, 2), dw = pick(1, 2), top = pick(0, 2), left = pick(0, 2);
    const Tensor x = RandomTensor<float>(rng, {2, group * group_in, pick(5, 8), pick(5, 8)});
    const Tensor w = RandomTensor<float>(rng, {group * group_out, group_in, kh, kw});
    const Tensor b = RandomTensor<float>(rng, {group * group_out});
    const Tensor y = RunOp(Op("Conv"),
                           {{"group", group},
                            {"strides", Ints{sh, sw}},
                            {"dilations", Ints{dh, dw}},
                            {"pads", Ints{top, left, 1, 0}}},
                           {x, w, b});
    ASSERT_TRUE(y.defined());
    EXPECT_EQ(y.dims()[2], (x.dims()[2] + top + 1 - (kh - 1) * dh - 1) / sh + 1);
    EXPECT_EQ(y.dims()[3], (x.dims()[3] + left - (kw - 1) * dw - 1) / sw + 1);
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t m = 0; m < w.dims()[0]; ++m) {
        for (int64_t i = 0; i < y.dims()[2]; ++i) {
          for (int64_t j = 0; j < y.dims()[3]; ++j) {
            double sum = b.data<float>()[m];
            for (int64_t c = 0; c < group_in; ++c) {
              for (int64_t p = 0; p < kh; ++p) {
                for (int64_t q = 0; q < kw; ++q) {
                  sum +=
                      static_cast<double>(At(x, {n, m / group_out * group_in + c,
                                                 i * sh - top + p * dh, j * sw - left + q * dw})) *
                      At(w, {m, c, p, q});
                }
              }
            }
            EXPECT_NEAR(At(y, {n, m, i, j}), sum, 1e-4);
          }
        }
      }
    }
  }
}

TEST(Conv, ThreeDimensionsAndHalfPrecision) {
  // A 1x1x1 kernel of 2 in float16 doubles.
  Tensor x = Tensor::Allocate(DType::kFloat16, {1, 1, 2, 1, 2});
  Tensor w = Tensor::Allocate(DType::kFloat16, {1, 1, 1, 1, 1});
  for (int i = 0; i < 4; ++i) {
    static_cast<uint16_t*>(x.mutable_raw())[i] = EncodeFloat16(static_cast<float>(i) + 0.5f);
  }
  static_cast<uint16_t*>(w.mutable_raw())[0] = EncodeFloat16(2.0f);
  const Tensor y = RunOp(Op("Conv"), {}, {x, w});
  EXPECT_EQ(y.dims(), (Ints{1, 1, 2, 1, 2}));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(FloatAt(y.view(), i), 2.0f * static_cast<float>(i) + 1.0f);
}

TEST(Conv, SymbolicShapes) {
  const Dim n = Dim::Symbol("N");
  const Dim h = Dim::Symbol("H");
  const ValueInfo w = Info({8, 3, 3, 3});
  EXPECT_EQ(InferredShape(Op("Conv"), {{"pads", Ints{1, 1, 1, 1}}}, {Info({n, 3, h, 16}), w}),
            "[N,8,H,16]");
  EXPECT_EQ(InferredShape(Op("Conv"), {{"strides", Ints{2, 2}}}, {Info({n, 3, h, 17}), w}),
            "[N,8,floor((H + 1)/2) + -1,8]");
  EXPECT_EQ(InferredShape(Op("Conv"), {{"auto_pad", "SAME_UPPER"}}, {Info({n, 3, h, h}), w}),
            "[N,8,H,H]");
  EXPECT_EQ(InferredShape(Op("Conv"), {}, {ValueInfo{DType::kFloat32, std::nullopt}, w}),
            "unknown");
}

TEST(Conv, Refusals) {
  const OpDef* const op = &Op("Conv");
  const ValueInfo x = Info({1, 4, 5, 5});
  const ValueInfo w = Info({6, 4, 3, 3});
  ExpectRefused({
      {op, {{"group", int64_t{0}}}, {x, w}, kInvalid, "group = 0, must be >= 1"},
      {op, {}, {x, {}}, kInvalid, "input 'W' is missing"},
      {op,
       {},
       {Info(DType::kInt32, {1, 4, 5, 5}), w},
       kNotSupported,
       "input 'X' has element type int32, supported: float32, float16, bfloat16, float64"},
      {op,
       {},
       {x, Info(DType::kFloat16, {6, 4, 3, 3})},
       kInvalid,
       "input 'W' has element type float16, must be float32"},
      {op,
       {},
       {Info({1, 4, 5}), w},
       kInvalid,
       "weight [6,4,3,3] and input [1,4,5] have different ranks"},
      {op,
       {},
       {Info({1, 3, 5, 5}), w},
       kInvalid,
       "input has 3 channels, weight [6,4,3,3] with group 1 needs 4"},
      {op,
       {{"group", int64_t{4}}},
       {x, Info({6, 1, 3, 3})},
       kInvalid,
       "output channels 6 are not divisible by group 4"},
      {op,
       {},
       {Info({1, 4, 2, 5}), w},
       kInvalid,
       "the window spans 3, more than the padded input 2"},
      {op,
       {{"kernel_shape", Ints{3, 2}}},
       {x, w},
       kInvalid,
       "kernel_shape has 2 where the weight is [6,4,3,3]"},
      {op,
       {{"strides", Ints{0, 1}}},
       {x, w},
       kInvalid,
       "strides = 0 must be >= 1 and at most 2^24"},
      {op,
       {{"pads", Ints{-1, 0, 0, 0}}},
       {x, w},
       kInvalid,
       "pads = -1 must be >= 0 and at most 2^24"},
      {op, {{"dilations", Ints{1}}}, {x, w}, kInvalid, "dilations has 1 values, must have 2"},
      {op, {{"auto_pad", "SAME"}}, {x, w}, kInvalid, "auto_pad = 'SAME' is unknown"},
      {op, {}, {x, w, Info({5})}, kInvalid, "input 'B' has shape [5], must be [6]"},
      {op,
       {},
       {x, Info({6, 4, Dim::Symbol("K"), 3})},
       kNotSupported,
       "the kernel size is not known"},
      {op,
       {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}},
       {Info({1, 4, Dim::Symbol("H"), 5}), w},
       kNotSupported,
       "auto_pad = SAME_UPPER with stride > 1 on a symbolic dimension"},
      {op,
       {},
       {Info({1, 4, 5, 5, 5, 5}), Info({6, 4, 1, 1, 1, 1})},
       kNotSupported,
       "needs an input with 1 to 3 spatial dimensions (rank 3 to 5)"},
      {op,
       {},
       {Info({1, 4, int64_t{1} << 40, 5}), w},
       kInvalid,
       "spatial dimension of size 1099511627776 is too large"},
  });
}

TEST(ConvTranspose, ByHandWithStrideAndOutputPadding) {
  const std::vector<Tensor> in = {F({1, 1, 2}, {1, 2}), F({1, 1, 3}, {1, 10, 100})};
  // Each input writes kernel * value at 2 * position.
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}}, in), {1, 10, 102, 20, 200});
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}, {"output_padding", Ints{1}}}, in),
             {1, 10, 102, 20, 200, 0});
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}, {"pads", Ints{1, 1}}}, in),
             {10, 102, 20});
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}, {"auto_pad", "SAME_UPPER"}}, in),
             {1, 10, 102, 20});
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}, {"auto_pad", "SAME_LOWER"}}, in),
             {10, 102, 20, 200});
  ExpectNear(RunOp(Op("ConvTranspose"), {{"strides", Ints{2}}, {"output_shape", Ints{4}}}, in),
             {10, 102, 20, 200});
}

// <ConvTranspose(y, w), x> = <y, Conv(x, w)>: they are adjoint, with the same weight read as [M,
// C/g, k] by one and as [C, M/g, k] by the other.
TEST(ConvTranspose, IsTheAdjointOfConv) {
  std::mt19937 rng(2);
  for (int64_t group : {1, 2}) {
    const AttrMap attrs = {{"group", group},
                           {"strides", Ints{2, 1}},
                           {"dilations", Ints{1, 2}},
                           {"pads", Ints{1, 0, 0, 1}}};
    // Height 7: (7 + 1 - 3) / 2 leaves a remainder of 1, which output_padding restores.
    const Tensor x = RandomTensor<float>(rng, {1, 4, 7, 6});
    const Tensor w = RandomTensor<float>(rng, {6, 4 / group, 3, 2});
    const Tensor conv = RunOp(Op("Conv"), attrs, {x, w});
    const Tensor y = RandomTensor<float>(rng, conv.dims());
    AttrMap transposed = attrs;
    transposed.Set("output_padding", Ints{1, 0});
    const Tensor back = RunOp(Op("ConvTranspose"), transposed, {y, w});
    ASSERT_EQ(back.dims(), x.dims());
    double left = 0, right = 0;
    for (int64_t i = 0; i < x.size(); ++i) left += back.data<float>()[i] * x.data<float>()[i];
    for (int64_t i = 0; i < y.size(); ++i) right += y.data<float>()[i] * conv.data<float>()[i];
    EXPECT_NEAR(left, right, 1e-3);
  }
}

TEST(ConvTranspose, ShapesAndRefusals) {
  const OpDef* const op = &Op("ConvTranspose");
  const ValueInfo x = Info({1, 4, 5});
  const ValueInfo w = Info({4, 2, 3});
  EXPECT_EQ(InferredShape(*op, {{"strides", Ints{2}}, {"group", int64_t{2}}},
                          {Info({1, 4, Dim::Symbol("L")}), w}),
            "[1,4,2*L + 1]");
  ExpectRefused({
      {op,
       {{"group", int64_t{3}}},
       {x, w},
       kInvalid,
       "input channels 4 are not divisible by group 3"},
      {op, {}, {x, Info({3, 2, 3})}, kInvalid, "input channels and weight: 4 and 3 must be equal"},
      {op, {}, {x, w, Info({3})}, kInvalid, "input 'B' has shape [3], must be [2]"},
      {op,
       {{"output_padding", Ints{1}}},
       {x, w},
       kInvalid,
       "output_padding = 1 must be >= 0 and smaller than stride or dilation"},
      {op,
       {{"output_shape", Ints{1, 2}}},
       {x, w},
       kInvalid,
       "output_shape has 2 values, must have 1"},
      {op,
       {{"pads", Ints{4, 4}}},
       {x, w},
       kInvalid,
       "output size -1 of a spatial dimension is < 1"},
      {op, {}, {x, Info({4, 2})}, kInvalid, "weight [4,2] does not suit input [1,4,5]"},
      {op,
       {{"output_shape", Ints{9}}},
       {Info({1, 4, Dim::Symbol("L")}), w},
       kNotSupported,
       "output_shape on the symbolic dimension L"},
  });
}

TEST(MatMul, VectorsAndBroadcast) {
  const Tensor row = F({2}, {1, 2});
  const Tensor m = F({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor dot = RunOp(Op("MatMul"), {}, {row, F({2}, {3, 4})});
  EXPECT_EQ(dot.dims(), Ints{});
  ExpectNear(dot, {11});
  ExpectNear(RunOp(Op("MatMul"), {}, {row, m}), {9, 12, 15});
  ExpectNear(RunOp(Op("MatMul"), {}, {m, F({3}, {1, 0, 1})}), {4, 10});
  // [2,1,1,2] x [3,2,1] -> [2,3,1,1]
  const Tensor y =
      RunOp(Op("MatMul"), {}, {F({2, 1, 1, 2}, {1, 2, 3, 4}), F({3, 2, 1}, {1, 0, 0, 1, 1, 1})});
  EXPECT_EQ(y.dims(), (Ints{2, 3, 1, 1}));
  ExpectNear(y, {1, 2, 3, 3, 4, 7});
}

TEST(MatMul, ShapesAndRefusals) {
  const OpDef* const op = &Op("MatMul");
  const Dim n = Dim::Symbol("N");
  EXPECT_EQ(InferredShape(*op, {}, {Info({n, 4, 5}), Info({5, 6})}), "[N,4,6]");
  EXPECT_EQ(InferredShape(*op, {}, {Info({5}), Info({n, 5, 6})}), "[N,6]");
  ExpectRefused({
      {op,
       {},
       {Info({2, 3}), Info({2, 3})},
       kInvalid,
       "shapes [2,3] and [2,3] cannot be multiplied"},
      {op,
       {},
       {Info(Shape{}), Info({2, 3})},
       kInvalid,
       "an operand is a scalar, must have at least 1 dimension"},
      {op,
       {},
       {Info({2, 2, 3}), Info({3, 3, 2})},
       kInvalid,
       "shapes [2] and [3] cannot be broadcast together"},
      {op,
       {},
       {Info(DType::kInt64, {2, 3}), Info(DType::kInt64, {3, 2})},
       kNotSupported,
       "input 'A' has element type int64, supported: float32, float16, bfloat16, float64"},
  });
}

TEST(Gemm, TransposesAndBiasForms) {
  const Tensor a = F({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = F({3, 2}, {1, 0, 0, 1, 1, 1});
  const Tensor at = F({3, 2}, {1, 4, 2, 5, 3, 6});
  const Tensor bt = F({2, 3}, {1, 0, 1, 0, 1, 1});
  for (const Tensor& y :
       {RunOp(Op("Gemm"), {}, {a, b}), RunOp(Op("Gemm"), {{"transA", int64_t{1}}}, {at, b}),
        RunOp(Op("Gemm"), {{"transB", int64_t{1}}}, {a, bt}),
        RunOp(Op("Gemm"), {{"transA", int64_t{1}}, {"transB", int64_t{1}}}, {at, bt})}) {
    ExpectNear(y, {4, 5, 10, 11});
  }
  const AttrMap attrs = {{"alpha", 0.5f}, {"beta", 2.0f}};
  ExpectNear(RunOp(Op("Gemm"), attrs, {a, b, F({2}, {1, 2})}), {4, 6.5f, 7, 9.5f});
  ExpectNear(RunOp(Op("Gemm"), attrs, {a, b, F({2, 1}, {1, 2})}), {4, 4.5f, 9, 9.5f});
  ExpectNear(RunOp(Op("Gemm"), attrs, {a, b, F({}, {1})}), {4, 4.5f, 7, 7.5f});
  ExpectNear(RunOp(Op("Gemm"), attrs, {a, b, F({2, 2}, {1, 2, 3, 4})}), {4, 6.5f, 11, 13.5f});
}

TEST(Gemm, Refusals) {
  const OpDef* const op = &Op("Gemm");
  ExpectRefused({
      {op,
       {},
       {Info({2, 3}), Info({2, 3})},
       kInvalid,
       "the inner dimensions of A and B: 3 and 2 must be equal"},
      {op,
       {},
       {Info({2, 3, 1}), Info({3, 2})},
       kInvalid,
       "A and B must be matrices, one is [2,3,1]"},
      {op,
       {},
       {Info({2, 3}), Info({3, 4}), Info({3})},
       kInvalid,
       "C has shape [3], which does not broadcast to [2,4]"},
      {op,
       {},
       {Info({2, 3}), Info({3, 4}), Info({1, 2, 4})},
       kInvalid,
       "C has shape [1,2,4], which does not broadcast to [2,4]"},
  });
}

TEST(Macs, OfProductsAndConvolutions) {
  const auto view = [](const Ints& dims) {
    return ConstTensorView{DType::kFloat32, dims, nullptr};
  };
  const Ints x = {2, 8, 10, 10}, w = {16, 4, 3, 3}, y = {2, 16, 8, 8};
  const std::vector<ConstTensorView> in = {view(x), view(w)};
  const std::vector<ConstTensorView> out = {view(y)};
  EXPECT_EQ(Op("Conv").macs({}, in, out), 2 * 16 * 8 * 8 * 4 * 9);
  EXPECT_EQ(Op("ConvTranspose").macs({}, in, out), 2 * 8 * 10 * 10 * 4 * 9);
  const Ints a = {3, 5, 7}, b = {7, 11}, c = {3, 5, 11};
  const std::vector<ConstTensorView> in2 = {view(a), view(b)};
  const std::vector<ConstTensorView> out2 = {view(c)};
  EXPECT_EQ(Op("MatMul").macs({}, in2, out2), 3 * 5 * 7 * 11);
  const Ints ga = {7, 5}, gy = {5, 11};
  const std::vector<ConstTensorView> in3 = {view(ga), view(b)};
  const std::vector<ConstTensorView> out3 = {view(gy)};
  EXPECT_EQ(Op("Gemm").macs({{"transA", int64_t{1}}}, in3, out3), 5 * 7 * 11);
}

TEST(Pool, CeilModeDilationAndPadding) {
  const Tensor x = F({1, 1, 5}, {1, 5, 2, 4, 3});
  const Ints k2 = {2}, s2 = {2};
  ExpectNear(RunOp(Op("MaxPool"), {{"kernel_shape", k2}, {"strides", s2}}, {x}), {5, 4});
  ExpectNear(
      RunOp(Op("MaxPool"), {{"kernel_shape", k2}, {"strides", s2}, {"ceil_mode", int64_t{1}}}, {x}),
      {5, 4, 3});
  ExpectNear(RunOp(Op("MaxPool"), {{"kernel_shape", k2}, {"dilations", Ints{2}}}, {x}), {2, 5, 3});
  // Padding never wins, even against negative values.
  ExpectNear(
      RunOp(Op("MaxPool"), {{"kernel_shape", k2}, {"pads", Ints{1, 1}}}, {F({1, 1, 2}, {-3, -1})}),
      {-3, -1, -1});
  // Padding counts only when asked; what ceil_mode reaches beyond the padding never does.
  ExpectNear(RunOp(Op("AveragePool"), {{"kernel_shape", k2}, {"pads", Ints{1, 0}}}, {x}),
             {1, 3, 3.5f, 3, 3.5f});
  ExpectNear(
      RunOp(Op("AveragePool"),
            {{"kernel_shape", k2}, {"pads", Ints{1, 0}}, {"count_include_pad", int64_t{1}}}, {x}),
      {0.5f, 3, 3.5f, 3, 3.5f});
  ExpectNear(RunOp(Op("AveragePool"),
                   {{"kernel_shape", k2},
                    {"strides", s2},
                    {"ceil_mode", int64_t{1}},
                    {"count_include_pad", int64_t{1}}},
                   {x}),
             {3, 3, 3});
  // The last window would start inside the end padding: dropped.
  EXPECT_EQ(InferredShape(Op("MaxPool"),
                          {{"kernel_shape", k2},
                           {"strides", Ints{3}},
                           {"pads", Ints{0, 1}},
                           {"ceil_mode", int64_t{1}}},
                          {Info({1, 1, 6})}),
            "[1,1,2]");
}

TEST(Pool, MaxOfCodesAndNan) {
  const Tensor q = Tensor::FromValues<int8_t>({1, 1, 3}, {-128, -7, -9});
  EXPECT_EQ(ValuesOf<int8_t>(RunOp(Op("MaxPool"), {{"kernel_shape", Ints{2}}}, {q})),
            (std::vector<int8_t>{-7, -7}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Floats y = ValuesOf<float>(
      RunOp(Op("MaxPool"), {{"kernel_shape", Ints{2}}}, {F({1, 1, 3}, {nan, 1, 2})}));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2.0f);
}

TEST(Pool, Global) {
  const Tensor x = F({1, 2, 2, 2}, {1, 2, 3, 6, -1, -2, -3, -4});
  ExpectNear(RunOp(Op("GlobalAveragePool"), {}, {x}), {3, -2.5f});
  ExpectNear(RunOp(Op("GlobalMaxPool"), {}, {x}), {6, -1});
  EXPECT_EQ(InferredShape(Op("GlobalAveragePool"), {}, {Info({Dim::Symbol("N"), 8, 7, 7})}),
            "[N,8,1,1]");
}

TEST(Pool, Refusals) {
  const OpDef* const op = &Op("MaxPool");
  const ValueInfo x = Info({1, 1, 4});
  const AttrMap k2 = {{"kernel_shape", Ints{2}}};
  ExpectRefused({
      {op, k2, {x}, kNotSupported, "the output 'Indices' is not supported", 2},
      {op,
       {{"kernel_shape", Ints{5}}},
       {x},
       kInvalid,
       "the window spans 5, more than the padded input 4"},
      {op,
       {{"kernel_shape", Ints{2}}, {"pads", Ints{2, 0}}},
       {x},
       kInvalid,
       "pads = 2 must be smaller than the window, which spans 2"},
      {op,
       {{"kernel_shape", Ints{2, 2}}},
       {x},
       kInvalid,
       "kernel_shape has 2 values for 1 spatial dimensions"},
      {op,
       {{"kernel_shape", Ints{2}}, {"strides", Ints{3}}, {"ceil_mode", int64_t{1}}},
       {Info({1, 1, Dim::Symbol("L")})},
       kNotSupported,
       "ceil_mode with stride and end padding larger than the window on dimension L"},
      {&Op("AveragePool"),
       k2,
       {Info(DType::kInt8, {1, 1, 4})},
       kNotSupported,
       "input 'X' has element type int8, supported: float32, float16, bfloat16, float64"},
      {&Op("GlobalMaxPool"),
       {},
       {Info({1, 2})},
       kInvalid,
       "needs at least one spatial dimension, input is [1,2]"},
  });
}

TEST(Normalization, ByHand) {
  const float s = 1.0f / std::sqrt(1.25f + 1e-5f);  // of 1, 2, 3, 4
  const Floats n = {-1.5f * s, -0.5f * s, 0.5f * s, 1.5f * s};
  const Tensor x = F({1, 1, 4}, {1, 2, 3, 4});
  const Tensor two = F({1}, {2}), one = F({1}, {1});
  const Floats scaled = {2 * n[0] + 1, 2 * n[1] + 1, 2 * n[2] + 1, 2 * n[3] + 1};
  ExpectNear(RunOp(Op("InstanceNormalization"), {}, {x, two, one}), scaled);
  ExpectNear(RunOp(Op("GroupNormalization"), {{"num_groups", int64_t{1}}}, {x, two, one}), scaled);
  ExpectNear(RunOp(Op("BatchNormalization"), {}, {x, two, one, F({1}, {2.5f}), F({1}, {1.25f})}),
             scaled);
  const Result<std::vector<Tensor>> r =
      Evaluate(Op("LayerNormalization"), {}, {x, F({4}, {1, 1, 2, 1}), F({1}, {1})}, 3);
  ASSERT_TRUE(r.ok()) << r.status().message();
  ExpectNear((*r)[0], {n[0] + 1, n[1] + 1, 2 * n[2] + 1, n[3] + 1});
  EXPECT_EQ((*r)[1].dims(), (Ints{1, 1, 1}));
  ExpectNear((*r)[1], {2.5f});
  ExpectNear((*r)[2], {s});
  // Channels 0 and 1 are one group: normalized together, scaled apart.
  ExpectNear(RunOp(Op("GroupNormalization"), {{"num_groups", int64_t{1}}},
                   {F({1, 2, 2}, {1, 2, 3, 4}), F({2}, {1, 2}), F({2}, {0, 1})}),
             {n[0], n[1], 2 * n[2] + 1, 2 * n[3] + 1});
}

TEST(Normalization, Lrn) {
  // size 3 sees one neighbour on each side; an even size sees one more on the right.
  const Tensor x = F({1, 3, 1, 1}, {1, 2, 3});
  const auto y = [](float v, float sum, float size) {
    return v / std::pow(1.0f + 0.5f / size * sum, 2.0f);
  };
  const AttrMap attrs = {{"alpha", 0.5f}, {"beta", 2.0f}, {"size", int64_t{3}}};
  ExpectNear(RunOp(Op("LRN"), attrs, {x}), {y(1, 5, 3), y(2, 14, 3), y(3, 13, 3)});
  AttrMap even = attrs;
  even.Set("size", int64_t{2});
  ExpectNear(RunOp(Op("LRN"), even, {x}), {y(1, 5, 2), y(2, 13, 2), y(3, 9, 2)});
}

TEST(Normalization, Refusals) {
  const ValueInfo x = Info({1, 4, 3});
  const ValueInfo c = Info({4});
  ExpectRefused({
      {&Op("BatchNormalization"),
       {{"training_mode", int64_t{1}}},
       {x, c, c, c, c},
       kNotSupported,
       "training_mode = 1 is not supported, only inference"},
      {&Op("BatchNormalization"),
       {},
       {x, c, c, Info({3}), c},
       kInvalid,
       "input 'input_mean' has shape [3], must be [4]"},
      {&Op("BatchNormalization"), {}, {x, c, c, c, {}}, kInvalid, "input 'input_var' is missing"},
      {&Op("InstanceNormalization"),
       {},
       {Info({1, 4}), c, c},
       kInvalid,
       "needs at least one spatial dimension, input is [1,4]"},
      {&Op("GroupNormalization"),
       {{"num_groups", int64_t{3}}},
       {x, c, c},
       kInvalid,
       "channels 4 are not divisible by num_groups = 3"},
      {&Op("GroupNormalization"),
       {{"num_groups", int64_t{0}}},
       {x, c, c},
       kInvalid,
       "num_groups = 0, must be >= 1"},
      {&Op("LayerNormalization"),
       {},
       {x, c},
       kInvalid,
       "scale or bias [4] does not broadcast to [3]"},
      {&Op("LayerNormalization"),
       {{"axis", int64_t{3}}},
       {x, c},
       kInvalid,
       "axis = 3 is out of range for rank 3"},
      {&Op("LayerNormalization"),
       {{"stash_type", int64_t{16}}},
       {x, Info({3})},
       kNotSupported,
       "stash_type = 16, only 1 (float32) is supported"},
      {&Op("LRN"), {{"size", int64_t{0}}}, {x}, kInvalid, "size = 0, must be >= 1"},
      {&Op("LRN"),
       {{"size", int64_t{1}}},
       {Info({1})},
       kInvalid,
       "needs a channel dimension, input is [1]"},
  });
}

// A shape rule may have accepted symbolic dims that turn out to contradict each other: evaluations
// must notice.
TEST(Evaluation, RefusesSizesThatContradict) {
  struct Case {
    const char* name;
    AttrMap attrs;
    std::vector<Ints> inputs;
    Ints output;
  };
  const Case cases[] = {
      {"Conv", {}, {{1, 2, 4, 4}, {3, 1, 1, 1}}, {1, 3, 4, 4}},
      {"Conv", {}, {{1, 2, 4, 4}, {3, 2, 1, 1}, {2}}, {1, 3, 4, 4}},
      {"ConvTranspose", {}, {{1, 2, 4}, {3, 2, 1}}, {1, 2, 4}},
      {"MatMul", {}, {{2, 3}, {4, 5}}, {2, 5}},
      {"MatMul", {}, {{3, 2, 3}, {2, 3, 5}}, {3, 2, 5}},
      {"Gemm", {}, {{2, 3}, {4, 5}}, {2, 5}},
      {"Gemm", {}, {{2, 3}, {3, 5}, {4}}, {2, 5}},
      {"MaxPool", {{"kernel_shape", Ints{1}}}, {{1, 2, 4}}, {1, 3, 4}},
      {"GlobalAveragePool", {}, {{1, 2, 4}}, {2, 2, 1}},
      {"BatchNormalization", {}, {{1, 2, 4}, {2}, {2}, {3}, {2}}, {1, 2, 4}},
      {"InstanceNormalization", {}, {{1, 2, 4}, {1}, {2}}, {1, 2, 4}},
      {"GroupNormalization", {{"num_groups", int64_t{2}}}, {{1, 3, 4}, {3}, {3}}, {1, 3, 4}},
      {"LayerNormalization", {}, {{2, 4}, {3}}, {2, 4}},
      {"PRelu", {}, {{2, 4}, {3}}, {2, 4}},
      {"Clip", {}, {{2}, {2}}, {2}},
  };
  for (const Case& c : cases) {
    std::vector<Tensor> tensors;
    std::vector<ConstTensorView> in;
    for (const Ints& dims : c.inputs) tensors.push_back(Tensor::Allocate(DType::kFloat32, dims));
    for (const Tensor& t : tensors) in.push_back(t.view());
    Tensor y = Tensor::Allocate(DType::kFloat32, c.output);
    const TensorView out[] = {y.mutable_view()};
    const Status status = Op(c.name).eval(EvalContext{c.attrs, in, out});
    EXPECT_EQ(status.code(), kInvalid) << c.name;
  }
}

}  // namespace
}  // namespace adze
