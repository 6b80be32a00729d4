// Quantized operators: values by hand (ties, saturation, layouts), the integer convolutions and
// products against an independent computation, and every refusal with its sentence.
#include <cmath>
#include <limits>

#include "numerics/half.h"
#include "ops/op_test_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::ExpectRefused;
using op_test::F;
using op_test::InferredShape;
using op_test::Info;
using op_test::Op;
using op_test::RandomTensor;
using op_test::RunOp;
using op_test::ValuesOf;
using Ints = std::vector<int64_t>;
using Bytes = std::vector<uint8_t>;
using SBytes = std::vector<int8_t>;

constexpr StatusCode kInvalid = StatusCode::kInvalidInput;
constexpr StatusCode kNotSupported = StatusCode::kUnsupported;

const OpDef& MsOp(const char* name) { return Op(name, kMicrosoftDomain); }
Tensor U8(Ints dims, std::initializer_list<uint8_t> v) {
  return Tensor::FromValues(std::move(dims), v);
}
Tensor S8(Ints dims, std::initializer_list<int8_t> v) {
  return Tensor::FromValues(std::move(dims), v);
}
Tensor Scale(float v) { return Tensor::Scalar(v); }
Tensor Zero(uint8_t v) { return Tensor::Scalar(v); }
Tensor SZero(int8_t v) { return Tensor::Scalar(v); }

// Rounds half to even without the rounding mode's help.
int64_t RoundEven(double v) {
  const double floor = std::floor(v);
  const double rest = v - floor;
  const auto low = static_cast<int64_t>(floor);
  if (rest != 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 == 0 ? low : low + 1;
}

TEST(QuantizeLinear, TiesGoToEvenBeforeTheZeroPointAndValuesSaturate) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = F({9}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 1e9f, -inf, nan, 253.5f});
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QuantizeLinear"), {}, {x, Scale(1), Zero(3)})),
            (Bytes{3, 5, 5, 3, 1, 255, 0, 3, 255}));
  EXPECT_EQ(ValuesOf<int8_t>(RunOp(Op("QuantizeLinear"), {}, {x, Scale(1), SZero(-1)})),
            (SBytes{-1, 1, 1, -1, -3, 127, -128, -1, 127}));
  EXPECT_EQ(ValuesOf<uint16_t>(RunOp(Op("QuantizeLinear"), {{"output_dtype", int64_t{4}}},
                                     {F({2}, {40000.4f, -1}), Scale(1)})),
            (std::vector<uint16_t>{40000, 0}));
  EXPECT_EQ(
      ValuesOf<int16_t>(RunOp(Op("QuantizeLinear"), {},
                              {F({2}, {1, 40000}), Scale(0.5f), Tensor::Scalar<int16_t>(-7)})),
      (std::vector<int16_t>{-5, 32767}));
}

TEST(QuantizeLinear, PerAxisAndBlocked) {
  const Tensor x = F({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QuantizeLinear"), {{"axis", int64_t{0}}},
                                    {x, F({2}, {1, 2}), U8({2}, {0, 10})})),
            (Bytes{1, 2, 3, 12, 12, 13}));
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QuantizeLinear"), {{"axis", int64_t{-1}}},
                                    {x, F({3}, {1, 0.5f, 0.25f})})),
            (Bytes{1, 4, 12, 4, 10, 24}));
  // Blocks of 2 along the last axis of size 3: the second block has one element.
  const Tensor scale = F({2, 2}, {1, 0.5f, 0.25f, 0.125f});
  EXPECT_EQ(
      ValuesOf<uint8_t>(RunOp(Op("QuantizeLinear"),
                              {{"axis", int64_t{1}}, {"block_size", int64_t{2}}}, {x, scale})),
      (Bytes{1, 2, 6, 16, 20, 48}));
  // Along the first axis each column has its own scale.
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QuantizeLinear"),
                                    {{"axis", int64_t{0}}, {"block_size", int64_t{2}}},
                                    {x, F({1, 3}, {1, 0.5f, 0.25f})})),
            (Bytes{1, 4, 12, 4, 10, 24}));
}

TEST(DequantizeLinear, TypesAndLayouts) {
  const Tensor q = S8({2, 2}, {-128, 0, 1, 127});
  EXPECT_EQ(ValuesOf<float>(RunOp(Op("DequantizeLinear"), {}, {q, Scale(0.5f), SZero(2)})),
            (std::vector<float>{-65, -1, -0.5f, 62.5f}));
  EXPECT_EQ(ValuesOf<float>(RunOp(Op("DequantizeLinear"), {{"axis", int64_t{1}}},
                                  {q, F({2}, {1, 2}), S8({2}, {0, 1})})),
            (std::vector<float>{-128, -2, 1, 252}));
  // int32 codes far apart from their zero point do not overflow.
  const Tensor wide = Tensor::FromValues<int32_t>({2}, {INT32_MIN, INT32_MAX});
  EXPECT_EQ(ValuesOf<float>(RunOp(Op("DequantizeLinear"), {},
                                  {wide, Scale(1), Tensor::Scalar<int32_t>(INT32_MAX)})),
            (std::vector<float>{-4294967295.0f, 0}));
  // The output has the type of the scale.
  Tensor half = Tensor::Allocate(DType::kFloat16, {});
  static_cast<uint16_t*>(half.mutable_raw())[0] = EncodeFloat16(0.25f);
  const Tensor y = RunOp(Op("DequantizeLinear"), {}, {q, half});
  ASSERT_EQ(y.dtype(), DType::kFloat16);
  EXPECT_EQ(DecodeFloat16(static_cast<const uint16_t*>(y.raw())[3]), 31.75f);
}

TEST(QuantizeLinear, ConstantScalesArePositiveAndFinite) {
  const ValueInfo x = Info({2, 3});
  const auto refusal = [&](float value, std::string_view name) {
    const Tensor scale = F({3}, {1, value, 2});
    const ValueInfo info{DType::kFloat32, Shape{3}, std::nullopt, &scale, name};
    return InferredShape(Op("QuantizeLinear"), {}, {x, info});
  };
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal(1e-45f, "s"), "[2,3]");
  EXPECT_EQ(refusal(0, "s"), "scale 's' holds 0, must be positive and finite");
  EXPECT_EQ(refusal(-2, "s"), "scale 's' holds -2, must be positive and finite");
  EXPECT_EQ(refusal(kInf, "s"), "scale 's' holds inf, must be positive and finite");
  EXPECT_EQ(refusal(std::numeric_limits<float>::quiet_NaN(), ""),
            "scale holds nan, must be positive and finite");
  // The scales of the operators on integers come through the same check.
  const ValueInfo codes = Info(DType::kUInt8, {2, 3});
  const ValueInfo zero_point = Info(DType::kUInt8, Shape{});
  const ValueInfo good = Info(Shape{});
  const Tensor zero = F({}, {0});
  const ValueInfo bad{DType::kFloat32, Shape{}, std::nullopt, &zero, "z"};
  const OpDef& sigmoid = Op("QLinearSigmoid", "com.microsoft");
  EXPECT_EQ(InferredShape(sigmoid, {}, {codes, bad, zero_point, good, zero_point}),
            "X_scale 'z' holds 0, must be positive and finite");
  EXPECT_EQ(InferredShape(sigmoid, {}, {codes, good, zero_point, bad, zero_point}),
            "y_scale 'z' holds 0, must be positive and finite");
}

TEST(QuantizeLinear, Refusals) {
  const OpDef* const q = &Op("QuantizeLinear");
  const OpDef* const d = &Op("DequantizeLinear");
  const ValueInfo x = Info({2, 3});
  const ValueInfo codes = Info(DType::kUInt8, {2, 3});
  const ValueInfo one = Info(Shape{});
  EXPECT_EQ(
      InferredShape(*d, {{"block_size", int64_t{2}}},
                    {Info(DType::kUInt8, {2, Dim::Symbol("K")}), Info({2, Dim::Symbol("S")})}),
      "[2,K]");
  ExpectRefused({
      {q, {}, {x, Info({2})}, kInvalid, "input 'scale' has shape [2], must be [3]"},
      {q, {{"axis", int64_t{2}}}, {x, Info({3})}, kInvalid, "axis = 2 is out of range for rank 2"},
      {q, {}, {x, one, Info(DType::kUInt8, {3})}, kInvalid, "scale has shape [], zero point [3]"},
      {q,
       {{"block_size", int64_t{2}}},
       {x, Info({2, 3})},
       kInvalid,
       "scale has shape [2,3], must be [2,2] for blocks of 2"},
      {q, {{"block_size", int64_t{-1}}}, {x, one}, kInvalid, "block_size = -1, must be >= 0"},
      {q,
       {{"output_dtype", int64_t{17}}},
       {x, one},
       kNotSupported,
       "output_dtype = 17, supported: signed and unsigned integers of 2, 4, 8 and 16 bits"},
      {q,
       {{"output_dtype", int64_t{3}}},
       {x, one, Info(DType::kUInt8, Shape{})},
       kInvalid,
       "output_dtype is int8, the zero point is uint8"},
      {q,
       {},
       {x, one, Info(DType::kInt32, Shape{})},
       kNotSupported,
       "input 'y_zero_point' has element type int32, supported: int8, uint8, int16, uint16, int4, "
       "uint4, int2, uint2"},
      {q,
       {},
       {Info(DType::kInt32, {2}), one},
       kNotSupported,
       "input 'x' has element type int32, supported: float32, float16, bfloat16"},
      {d,
       {},
       {Info(DType::kInt64, {2}), one},
       kNotSupported,
       "input 'x' has element type int64, supported: int8, uint8, int16, uint16, int32, int4, "
       "uint4, "
       "int2, uint2"},
      {d,
       {},
       {codes, one, Info(DType::kInt8, Shape{})},
       kInvalid,
       "input 'x_zero_point' has element type int8, must be uint8"},
      {d,
       {},
       {codes, Info(DType::kFloat64, Shape{})},
       kNotSupported,
       "input 'scale' has element type float64, supported: float32, float16, bfloat16"},
      {d, {}, {codes, {}}, kInvalid, "input 'scale' is missing"},
  });
}

TEST(DynamicQuantizeLinear, ByHand) {
  const auto run = [](const Tensor& x) {
    return Evaluate(Op("DynamicQuantizeLinear"), {}, {x}, 3).value();
  };
  const std::vector<Tensor> r = run(F({3}, {-1, 0, 1.55f}));
  EXPECT_FLOAT_EQ(r[1].data<float>()[0], 0.01f);
  EXPECT_EQ(r[2].data<uint8_t>()[0], 100);
  EXPECT_EQ(ValuesOf<uint8_t>(r[0]), (Bytes{0, 100, 255}));
  // Zero is always in the range; an all-zero tensor is exact.
  EXPECT_EQ(ValuesOf<uint8_t>(run(F({2}, {51, 102}))[0]), (Bytes{128, 255}));
  EXPECT_EQ(ValuesOf<uint8_t>(run(F({2}, {0, 0}))[0]), (Bytes{0, 0}));
}

TEST(QLinearConv, PaddingIsRealZeroAndTiesGoToEven) {
  // One channel, kernel [1, 1], x zero point 10: sums of neighbours without zero points are 1, 3,
  // 2, at the borders with a real zero. Multiplier 0.5 makes ties.
  const std::vector<Tensor> in = {U8({1, 1, 2}, {11, 12}),
                                  Scale(1),
                                  Zero(10),
                                  S8({1, 1, 2}, {1, 1}),
                                  Scale(0.5f),
                                  SZero(0),
                                  Scale(1),
                                  Zero(1)};
  const AttrMap pads = {{"pads", Ints{1, 1}}};
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QLinearConv"), pads, in)), (Bytes{1, 3, 2}));
  std::vector<Tensor> biased = in;
  biased.push_back(Tensor::FromValues<int32_t>({1}, {1000}));
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(Op("QLinearConv"), pads, biased)), (Bytes{255, 255, 255}));
}

// y = saturate(rne(float(acc) * m[c]) + zero point), computed independently, per channel, signed
// and unsigned, groups.
TEST(QLinearConv, BruteForce) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    const int64_t group = 1 + trial % 3;
    const Tensor x = RandomTensor<uint8_t>(rng, {1, 2 * group, 6, 5});
    const Tensor w = RandomTensor<int8_t>(rng, {2 * group, 2, 3, 2});
    const Tensor bias = Tensor::FromValues<int32_t>(
        {2 * group}, std::vector<int32_t>(static_cast<size_t>(2 * group), 123));
    Tensor w_scale = RandomTensor<float>(rng, {2 * group});
    for (int64_t i = 0; i < w_scale.size(); ++i) {
      w_scale.mutable_data<float>()[i] = std::abs(w_scale.data<float>()[i]) * 0.01f + 0.001f;
    }
    const int xz = static_cast<int>(rng() % 256), yz = static_cast<int>(rng() % 256);
    const AttrMap attrs = {{"group", group}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 1, 1}}};
    const Tensor y = RunOp(Op("QLinearConv"), attrs,
                           {x, Scale(0.02f), Zero(static_cast<uint8_t>(xz)), w, w_scale, SZero(0),
                            Scale(0.1f), Zero(static_cast<uint8_t>(yz)), bias});
    const Tensor acc = RunOp(Op("ConvInteger"), attrs, {x, w, Zero(static_cast<uint8_t>(xz))});
    ASSERT_EQ(y.dims(), (Ints{1, 2 * group, 3, 5}));
    ASSERT_EQ(acc.dims(), y.dims());
    for (int64_t m = 0; m < 2 * group; ++m) {
      const float multiplier = 0.02f * w_scale.data<float>()[m] / 0.1f;
      for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 5; ++j) {
          int32_t sum = 0;
          for (int64_t c = 0; c < 2; ++c) {
            for (int64_t p = 0; p < 3; ++p) {
              for (int64_t q = 0; q < 2; ++q) {
                const int64_t r = 2 * i - 1 + p, s = j + q;
                if (r < 0 || r >= 6 || s >= 5) continue;
                sum += (x.data<uint8_t>()[((m / 2 * 2 + c) * 6 + r) * 5 + s] - xz) *
                       w.data<int8_t>()[((m * 2 + c) * 3 + p) * 2 + q];
              }
            }
          }
          const int64_t o = (m * 3 + i) * 5 + j;
          EXPECT_EQ(acc.data<int32_t>()[o], sum);
          const float real = static_cast<float>(sum + 123) * multiplier;
          EXPECT_EQ(y.data<uint8_t>()[o], std::clamp<int64_t>(RoundEven(real) + yz, 0, 255));
        }
      }
    }
  }
}

TEST(QLinearMatMul, PerRowAndPerColumn) {
  // a - az = [[1, 2], [3, 4]], b - bz = [[1, 0], [0, 2]]
  const Tensor a = U8({2, 2}, {2, 3, 5, 6});
  const Tensor a_zero = U8({2}, {1, 2});
  const Tensor b = S8({2, 2}, {2, 5, 1, 7});
  const Tensor b_zero = S8({2}, {1, 5});
  EXPECT_EQ(ValuesOf<int32_t>(RunOp(Op("MatMulInteger"), {}, {a, b, a_zero, b_zero})),
            (std::vector<int32_t>{1, 4, 3, 8}));
  EXPECT_EQ(ValuesOf<int8_t>(RunOp(Op("QLinearMatMul"), {},
                                   {a, F({2}, {1, 0.5f}), a_zero, b, F({2}, {1, 0.25f}), b_zero,
                                    Scale(0.5f), SZero(-3)})),
            (SBytes{-1, -1, 0, -1}));  // products 1, 1, 1.5, 1 over 0.5, shifted by -3
  EXPECT_EQ(ValuesOf<int32_t>(RunOp(Op("MatMulInteger"), {}, {a, U8({2}, {1, 1})})),
            (std::vector<int32_t>{5, 11}));
}

TEST(QGemm, QuantizedAndFloatResult) {
  const Tensor a = U8({1, 2}, {3, 5});                // minus 1: 2, 4
  const Tensor bt = S8({3, 2}, {1, 1, 2, 0, -1, 1});  // transposed: columns (1,1), (2,0), (-1,1)
  const Tensor c = Tensor::FromValues<int32_t>({3}, {0, 1, 2});
  const std::vector<Tensor> in = {
      a, Scale(0.5f), Zero(1), bt, F({3}, {1, 2, 4}), S8({3}, {0, 0, 0}), c};
  const AttrMap attrs = {{"transB", int64_t{1}}, {"alpha", 2.0f}};
  EXPECT_EQ(ValuesOf<float>(RunOp(MsOp("QGemm"), attrs, in)), (std::vector<float>{6, 10, 16}));
  std::vector<Tensor> quantized = in;
  quantized.push_back(Scale(4));
  quantized.push_back(Zero(7));
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QGemm"), attrs, quantized)), (Bytes{9, 9, 11}));
}

TEST(QLinearAdd, ByHand) {
  // 0.5 * (a - 2) + 1 * (b - 4), in steps of 2, around 3.
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearAdd"), {},
                                    {U8({4}, {2, 4, 8, 250}), Scale(0.5f), Zero(2), U8({1}, {6}),
                                     Scale(1), Zero(4), Scale(2), Zero(3)})),
            (Bytes{4, 5, 5, 66}));  // 1, 1.5, 2.5, 63
  // Without zero points, broadcast over two dimensions; saturates.
  EXPECT_EQ(ValuesOf<int8_t>(RunOp(MsOp("QLinearAdd"), {},
                                   {S8({2, 1}, {-100, 100}), Scale(1), Tensor(), S8({2}, {-100, 1}),
                                    Scale(1), Tensor(), Scale(1)})),
            (SBytes{-128, -99, 0, 101}));
}

TEST(QLinearMul, ByHand) {
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearMul"), {},
                                    {U8({3}, {1, 3, 100}), Scale(0.5f), Zero(2), U8({3}, {5, 5, 9}),
                                     Scale(1), Zero(4), Scale(1), Zero(3)})),
            (Bytes{3, 3, 248}));  // -0.5 and 0.5 round to 0; 98 * 5 / 2 = 245
}

TEST(QLinearConcat, RequantizesEachOperand) {
  const Tensor y = RunOp(MsOp("QLinearConcat"), {{"axis", int64_t{1}}},
                         {Scale(0.5f), Zero(10), U8({2, 1}, {11, 12}), Scale(0.5f), Zero(10),
                          U8({2, 2}, {0, 1, 2, 255}), Scale(1), Zero(1)});
  EXPECT_EQ(y.dims(), (Ints{2, 3}));
  EXPECT_EQ(ValuesOf<uint8_t>(y), (Bytes{11, 8, 10, 12, 12, 255}));
}

TEST(QLinearPool, MeansOfExactSums) {
  const Tensor x = U8({1, 1, 4}, {10, 11, 13, 20});
  const std::vector<Tensor> in = {x, Scale(1), Zero(10), Scale(0.5f), Zero(100)};
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearAveragePool"), {{"kernel_shape", Ints{2}}}, in)),
            (Bytes{101, 104, 113}));
  const AttrMap padded = {{"kernel_shape", Ints{2}}, {"pads", Ints{0, 1}}, {"strides", Ints{3}}};
  AttrMap counted = padded;
  counted.Set("count_include_pad", int64_t{1});
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearAveragePool"), padded, in)), (Bytes{101, 120}));
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearAveragePool"), counted, in)), (Bytes{101, 110}));
  // (0 + 1 + 3 + 10) / 4 = 3.5, in steps of 0.5.
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(MsOp("QLinearGlobalAveragePool"), {}, in)), (Bytes{107}));
}

TEST(QLinearActivation, EveryCode) {
  Tensor codes = Tensor::Allocate(DType::kInt8, {256});
  for (int i = 0; i < 256; ++i) codes.mutable_data<int8_t>()[i] = static_cast<int8_t>(i - 128);
  const std::vector<Tensor> in = {codes, Scale(0.05f), SZero(10), Scale(1.0f / 256), SZero(-128)};
  const SBytes sigmoid = ValuesOf<int8_t>(RunOp(MsOp("QLinearSigmoid"), {}, in));
  const SBytes leaky = ValuesOf<int8_t>(RunOp(MsOp("QLinearLeakyRelu"), {{"alpha", 0.25f}},
                                              {codes, Scale(1), SZero(10), Scale(1), Tensor()}));
  for (int i = 0; i < 256; ++i) {
    const double real = 0.05 * (i - 138);
    const int64_t want = RoundEven(256 / (1 + std::exp(-real))) - 128;
    EXPECT_EQ(sigmoid[static_cast<size_t>(i)], std::clamp<int64_t>(want, -128, 127)) << i;
    const double v = i - 138;
    EXPECT_EQ(leaky[static_cast<size_t>(i)],
              std::clamp<int64_t>(RoundEven(v < 0 ? v / 4 : v), -128, 127))
        << i;
  }
}

TEST(QLinearActivation, SoftmaxRunsDependOnTheOpset) {
  const Tensor x = U8({1, 2, 2}, {1, 1, 1, 1});
  const std::vector<Tensor> in = {x, Scale(1), Zero(0), Scale(1.0f / 256), Zero(0)};
  const auto softmax = [&](int64_t opset) {
    return ValuesOf<uint8_t>(RunOp(MsOp("QLinearSoftmax"), {{"opset", opset}}, in));
  };
  EXPECT_EQ(softmax(13), (Bytes{128, 128, 128, 128}));  // the last axis
  EXPECT_EQ(softmax(12), (Bytes{64, 64, 64, 64}));      // everything from axis 1 on
  // exp(ln 3 * (1 - 0)): 3/4 and 1/4.
  EXPECT_EQ(ValuesOf<uint8_t>(RunOp(
                MsOp("QLinearSoftmax"), {{"opset", int64_t{13}}},
                {U8({2}, {1, 0}), Scale(std::log(3.0f)), Zero(9), Scale(1.0f / 256), Zero(0)})),
            (Bytes{192, 64}));
}

TEST(FakeQuant, IsQuantizeThenDequantize) {
  const OpDef& op = Op("FakeQuant", kAdzeDomain);
  const auto attrs = [](float scale) {
    return AttrMap{
        {"scale", scale}, {"zero_point", int64_t{1}}, {"qmin", int64_t{0}}, {"qmax", int64_t{15}}};
  };
  const Tensor x = F({5}, {0.25f, 0.75f, -3, 100, 1.1f});
  EXPECT_EQ(ValuesOf<float>(RunOp(op, attrs(0.5f), {x})), (std::vector<float>{0, 1, -0.5f, 7, 1}));
  EXPECT_TRUE(BitEqual(RunOp(op, attrs(0), {x}), x));
  AttrMap outside = attrs(1);
  outside.Set("zero_point", int64_t{16});
  const ValueInfo info = Info({5});
  ExpectRefused({
      {&op, attrs(-1), {info}, kInvalid, "scale = -1.000000, must be finite and >= 0"},
      {&op,
       outside,
       {info},
       kInvalid,
       "qmin = 0, zero_point = 16, qmax = 15 must be in this order and within +-2^16"},
  });
}

TEST(QLinear, Refusals) {
  const ValueInfo x = Info(DType::kUInt8, {1, 4, 5});
  const ValueInfo w = Info(DType::kInt8, {6, 4, 3});
  const ValueInfo s = Info(Shape{});
  const ValueInfo zu = Info(DType::kUInt8, Shape{});
  const ValueInfo zs = Info(DType::kInt8, Shape{});
  const OpDef* const conv = &Op("QLinearConv");
  const ValueInfo m = Info(DType::kUInt8, {2, 3});
  const OpDef* const matmul = &Op("QLinearMatMul");
  ExpectRefused({
      {conv,
       {},
       {Info({1, 4, 5}), s, zu, w, s, zs, s, zu},
       kNotSupported,
       "input 'x' has element type float32, supported: int8, uint8"},
      {conv,
       {},
       {x, s, zs, w, s, zs, s, zu},
       kInvalid,
       "input 'x_zero_point' has element type int8, must be uint8"},
      {conv,
       {},
       {x, Info({4}), zu, w, s, zs, s, zu},
       kInvalid,
       "input 'x_scale' must have one element, is [4]"},
      {conv,
       {},
       {x, s, zu, w, Info({5}), zs, s, zu},
       kInvalid,
       "input 'w_scale' has shape [5], must be [6]"},
      {conv, {}, {x, s, zu, w, s, zs, s, {}}, kInvalid, "input 'y_zero_point' is missing"},
      {conv,
       {},
       {x, s, zu, w, s, zs, s, zu, Info({6})},
       kNotSupported,
       "input 'B' has element type float32, supported: int32"},
      {conv,
       {},
       {x, s, zu, w, s, zs, s, zu, Info(DType::kInt32, {4})},
       kInvalid,
       "input 'B' has shape [4], must be [6]"},
      {&Op("ConvInteger"),
       {},
       {x, w, zu, Info(DType::kInt8, {4})},
       kInvalid,
       "input 'w_zero_point' has shape [4], must be [6]"},
      {matmul,
       {},
       {m, Info({2, 1}), zu, m, s, zu, s, zu},
       kNotSupported,
       "quantization parameters of shape [2,1], supported: one value, per row of A, per column of "
       "B"},
      {matmul,
       {},
       {m, s, zu, m, s, zu, s, zu},
       kInvalid,
       "shapes [2,3] and [2,3] cannot be multiplied"},
      {&Op("MatMulInteger"),
       {},
       {m, Info(DType::kUInt8, {3, 2}), Info(DType::kUInt8, {3})},
       kInvalid,
       "input 'a_zero_point' has shape [3], must be [2]"},
      {&MsOp("QGemm"),
       {},
       {m, s, zu, Info(DType::kUInt8, {3, 2}), s, zu, {}, {}, zu},
       kInvalid,
       "input 'y_scale' is missing, 'y_zero_point' is given"},
      {&MsOp("QLinearAdd"),
       {},
       {m, s, zu, Info(DType::kInt8, {2, 3}), s, zs, s, zu},
       kInvalid,
       "input 'B' has element type int8, must be uint8"},
      {&MsOp("QLinearAdd"),
       {},
       {m, s, zu, Info(DType::kUInt8, {2}), s, zu, s, zu},
       kInvalid,
       "shapes [2,3] and [2] cannot be broadcast together"},
      {&MsOp("QLinearConcat"),
       {{"axis", int64_t{0}}},
       {s, zu, m, s, zu, m},
       kInvalid,
       "has 6 inputs, must have 2 and then 3 for each operand"},
      {&MsOp("QLinearConcat"),
       {{"axis", int64_t{0}}},
       {s, zu, m, s, zu, Info(DType::kUInt8, {2, 4}), s, zu},
       kInvalid,
       "operand shapes [4,3] and [2,4] differ outside axis 0"},
      {&MsOp("QLinearConcat"),
       {{"axis", int64_t{2}}},
       {s, zu, m, s, zu},
       kInvalid,
       "axis = 2 is out of range for rank 2"},
      {&MsOp("QLinearGlobalAveragePool"),
       {{"channels_last", int64_t{1}}},
       {x, s, zu, s, zu},
       kNotSupported,
       "channels_last = 1 is not supported"},
      {&MsOp("QLinearSigmoid"),
       {},
       {m, s, zu, s, zs},
       kInvalid,
       "input 'y_zero_point' has element type int8, must be uint8"},
      {&MsOp("QLinearSoftmax"),
       {{"opset", int64_t{13}}, {"axis", int64_t{5}}},
       {m, s, zu, s, zu},
       kInvalid,
       "axis = 5 is out of range for rank 2"},
  });
}

// A shape rule may have accepted symbolic dims that turn out to contradict each other: evaluations
// must notice.
TEST(QLinear, EvaluationRefusesSizesThatContradict) {
  const Tensor s = Scale(1), z = Zero(0);
  const Tensor m = Tensor::Allocate(DType::kUInt8, {2, 3});
  const Tensor s4 = Tensor::Allocate(DType::kFloat32, {4});
  const Tensor image = Tensor::Allocate(DType::kUInt8, {1, 2, 4});
  const Tensor w = Tensor::Allocate(DType::kUInt8, {3, 1, 1});
  const Tensor w2 = Tensor::Allocate(DType::kUInt8, {3, 2, 1});
  struct Case {
    const OpDef& op;
    AttrMap attrs;
    std::vector<Tensor> inputs;
    DType dtype;
    Ints output;
  };
  const Case cases[] = {
      {Op("QuantizeLinear"), {}, {F({2}, {1, 2}), s4}, DType::kUInt8, {2}},
      {Op("QuantizeLinear"),
       {},
       {F({2}, {1, 2}), s, Tensor::Allocate(DType::kUInt8, {0})},
       DType::kUInt8,
       {2}},
      {Op("DequantizeLinear"),
       {{"block_size", int64_t{2}}},
       {m, Tensor::Allocate(DType::kFloat32, {2, 1})},
       DType::kFloat32,
       {2, 3}},
      {Op("QLinearConv"), {}, {image, s, z, w, s, z, s, z}, DType::kUInt8, {1, 3, 4}},
      {Op("QLinearConv"), {}, {image, s, z, w2, s4, z, s, z}, DType::kUInt8, {1, 3, 4}},
      {Op("ConvInteger"), {}, {image, w, z, z}, DType::kInt32, {1, 3, 4}},
      {Op("QLinearMatMul"), {}, {m, s, z, m, s, z, s, z}, DType::kUInt8, {2, 3}},
      {Op("QLinearMatMul"), {}, {m, s4, z, w2, s, z, s, z}, DType::kUInt8, {3, 2, 1}},
      {MsOp("QGemm"), {}, {m, s, z, m, s, z, Tensor(), s, z}, DType::kUInt8, {2, 3}},
      {MsOp("QLinearAdd"), {}, {m, s, z, image, s, z, s, z}, DType::kUInt8, {2, 3}},
      {MsOp("QLinearMul"), {}, {m, s4, z, m, s, z, s, z}, DType::kUInt8, {2, 3}},
      {MsOp("QLinearConcat"),
       {{"axis", int64_t{0}}},
       {s, z, m, s, z, m, s, z},
       DType::kUInt8,
       {3, 3}},
      {MsOp("QLinearGlobalAveragePool"), {}, {image, s, z, s, z}, DType::kUInt8, {2, 2, 1}},
      {MsOp("QLinearSigmoid"), {}, {m, s4, z, s, z}, DType::kUInt8, {2, 3}},
  };
  for (const Case& c : cases) {
    std::vector<ConstTensorView> in;
    for (const Tensor& t : c.inputs) in.push_back(t.defined() ? t.view() : ConstTensorView{});
    Tensor y = Tensor::Allocate(c.dtype, c.output);
    const TensorView out[] = {y.mutable_view()};
    const Status status = c.op.eval(EvalContext{c.attrs, in, out});
    EXPECT_EQ(status.code(), kInvalid) << c.op.name;
  }
}

}  // namespace
}  // namespace adze
