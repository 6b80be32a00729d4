// Activations, Softmax and Clip: values by hand, ranges that quantization relies on, and every
// refusal with its sentence.
#include <cmath>
#include <limits>

#include "ops/op_test_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::ExpectNear;
using op_test::ExpectRefused;
using op_test::F;
using op_test::Info;
using op_test::Op;
using op_test::RunOp;
using op_test::ValuesOf;
using Floats = std::vector<float>;

constexpr StatusCode kInvalid = StatusCode::kInvalidInput;
constexpr StatusCode kNotSupported = StatusCode::kUnsupported;

TEST(Softmax, AlongAnyAxisWithoutOverflow) {
  const float e = std::exp(1.0f);
  const Tensor x = F({2, 2}, {1000, 1001, 3, 3});
  ExpectNear(RunOp(Op("Softmax"), {}, {x}), {1 / (1 + e), e / (1 + e), 0.5f, 0.5f});
  ExpectNear(RunOp(Op("Softmax"), {{"axis", int64_t{0}}}, {F({2, 2}, {0, 7, 1, 7})}),
             {1 / (1 + e), 0.5f, e / (1 + e), 0.5f});
  ExpectNear(RunOp(Op("LogSoftmax"), {}, {x}),
             {-std::log(1 + e), 1 - std::log(1 + e), -std::log(2.0f), -std::log(2.0f)});
  ExpectNear(RunOp(Op("Hardmax"), {}, {x}), {0, 1, 1, 0});
  ExpectRefused({{&Op("Softmax"),
                  {{"axis", int64_t{2}}},
                  {Info({2, 2})},
                  kInvalid,
                  "axis = 2 is out of range for rank 2"}});
}

TEST(Clip, BoundsTypesAndNan) {
  const Tensor x = F({4}, {-2, 0.5f, 3, std::numeric_limits<float>::quiet_NaN()});
  const Floats both =
      ValuesOf<float>(RunOp(Op("Clip"), {}, {x, Tensor::Scalar(0.0f), Tensor::Scalar(1.0f)}));
  EXPECT_EQ(both[0], 0.0f);
  EXPECT_EQ(both[1], 0.5f);
  EXPECT_EQ(both[2], 1.0f);
  EXPECT_TRUE(std::isnan(both[3]));
  EXPECT_EQ(ValuesOf<float>(RunOp(Op("Clip"), {}, {x, Tensor(), Tensor::Scalar(1.0f)}))[0], -2.0f);
  // min > max: everything becomes max.
  EXPECT_EQ(
      ValuesOf<float>(RunOp(Op("Clip"), {}, {x, Tensor::Scalar(2.0f), Tensor::Scalar(1.0f)}))[0],
      1.0f);
  EXPECT_EQ(ValuesOf<int8_t>(RunOp(Op("Clip"), {},
                                   {Tensor::FromValues<int8_t>({2}, {-100, 100}), Tensor(),
                                    Tensor::Scalar<int8_t>(5)})),
            (std::vector<int8_t>{-100, 5}));
  ExpectRefused({
      {&Op("Clip"),
       {},
       {Info({4}), Info({2})},
       kInvalid,
       "input 'min' must have one element, is [2]"},
      {&Op("Clip"),
       {},
       {Info({4}), {}, Info(DType::kInt8, Shape{})},
       kInvalid,
       "input 'max' has element type int8, must be float32"},
  });
}

TEST(Activations, Values) {
  struct Case {
    const char* name;
    AttrMap attrs;
    Floats y;  // at -4, -1, 0, 2
  };
  const double e1 = std::exp(-1.0), e4 = std::exp(-4.0);
  const auto f = [](double v) { return static_cast<float>(v); };
  const Case cases[] = {
      {"Sigmoid", {}, {f(1 / (1 + 1 / e4)), f(1 / (1 + 1 / e1)), 0.5f, f(1 / (1 + std::exp(-2)))}},
      {"Tanh", {}, {f(std::tanh(-4.0)), f(std::tanh(-1.0)), 0, f(std::tanh(2.0))}},
      {"HardSigmoid", {}, {0, 0.3f, 0.5f, 0.9f}},
      {"HardSigmoid", {{"alpha", 1.0f}, {"beta", 0.0f}}, {0, 0, 0, 1}},
      {"HardSwish", {}, {0, -1.0f / 3, 0, 5.0f / 3}},
      {"Softplus", {}, {f(std::log1p(e4)), f(std::log1p(e1)), f(std::log(2)), 2.126928f}},
      {"Softsign", {}, {-0.8f, -0.5f, 0, 2.0f / 3}},
      {"Mish", {}, {-0.072592f, -0.303401f, 0, 1.943959f}},
      {"LeakyRelu", {}, {-0.04f, -0.01f, 0, 2}},
      {"Elu", {{"alpha", 2.0f}}, {f(2 * (e4 - 1)), f(2 * (e1 - 1)), 0, 2}},
      {"Selu", {}, {-1.7258986f, -1.1113307f, 0, 2.101402f}},
      {"Celu", {{"alpha", 2.0f}}, {f(2 * (std::exp(-2.0) - 1)), f(2 * (std::exp(-0.5) - 1)), 0, 2}},
      {"ThresholdedRelu", {{"alpha", 2.0f}}, {0, 0, 0, 0}},
      {"ThresholdedRelu", {}, {0, 0, 0, 2}},
      {"Erf", {}, {f(std::erf(-4.0)), f(std::erf(-1.0)), 0, f(std::erf(2.0))}},
      {"Gelu", {}, {-0.000126685f, -0.15865525f, 0, 1.9544997f}},
      {"Gelu", {{"approximate", "tanh"}}, {-0.00007023f, -0.1588080f, 0, 1.9545977f}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const OpDef& op = Op(c.name);
    ExpectNear(RunOp(op, c.attrs, {F({4}, {-4, -1, 0, 2})}), c.y, 2e-6f);
    EXPECT_TRUE(op.elementwise && op.in_place);
    // Double precision is computed as such.
    const Tensor y = RunOp(op, c.attrs, {Tensor::FromValues<double>({1}, {-1.0})});
    ASSERT_TRUE(y.defined());
    EXPECT_NEAR(y.data<double>()[0], c.y[1], 2e-6);
  }
}

TEST(Activations, FixedRangesHold) {
  for (const char* name : {"Sigmoid", "Tanh", "HardSigmoid", "Softsign", "Erf", "Softmax"}) {
    const OpDef& op = Op(name);
    ASSERT_TRUE(op.quant.fixed_range) << name;
    for (const float v :
         ValuesOf<float>(RunOp(op, {}, {F({6}, {-1e30f, -90, -1, 1, 90, 1e30f})}))) {
      EXPECT_GE(v, op.quant.fixed_min) << name;
      EXPECT_LE(v, op.quant.fixed_max) << name;
    }
  }
  // Large inputs neither overflow nor turn into NaN.
  ExpectNear(RunOp(Op("Softplus"), {}, {F({2}, {-1e4f, 1e4f})}), {0, 1e4f});
  ExpectNear(RunOp(Op("Mish"), {}, {F({2}, {-1e4f, 1e4f})}), {0, 1e4f});
}

TEST(Activations, PReluAndDropout) {
  ExpectNear(RunOp(Op("PRelu"), {}, {F({1, 2, 2}, {-1, 2, -3, 4}), F({2, 1}, {0.5f, 2})}),
             {-0.5f, 2, -6, 4});
  const Result<std::vector<Tensor>> r = Evaluate(Op("Dropout"), {}, {F({2}, {1, 2})}, 2);
  ASSERT_TRUE(r.ok());
  ExpectNear((*r)[0], {1, 2});
  EXPECT_EQ(ValuesOf<bool>((*r)[1]), (std::vector<bool>{true, true}));
  const Result<std::vector<Tensor>> training =
      Evaluate(Op("Dropout"), {}, {F({2}, {1, 2}), Tensor::Scalar(0.5f), Tensor::Scalar(true)});
  EXPECT_EQ(training.status().message(), "training_mode = true is not supported, only inference");
}

TEST(Activations, Refusals) {
  const ValueInfo x = Info({2, 3});
  ExpectRefused({
      {&Op("PRelu"),
       {},
       {x, Info({2, 1, 1})},
       kInvalid,
       "slope [2,1,1] does not broadcast to [2,3]"},
      {&Op("PRelu"),
       {},
       {Info({1, 3}), Info({2, 3})},
       kInvalid,
       "slope [2,3] does not broadcast to [1,3]"},
      {&Op("Celu"), {{"alpha", 0.0f}}, {x}, kInvalid, "alpha = 0, must not be 0"},
      {&Op("Gelu"),
       {{"approximate", "erf"}},
       {x},
       kInvalid,
       "approximate = 'erf', must be 'none' or 'tanh'"},
      {&Op("Sigmoid"),
       {},
       {Info(DType::kInt32, {2})},
       kNotSupported,
       "input 'X' has element type int32, supported: float32, float16, bfloat16, float64"},
      {&Op("Dropout"),
       {},
       {x, {}, Info(DType::kBool, Shape{})},
       kNotSupported,
       "training_mode is not a constant"},
  });
}

}  // namespace
}  // namespace adze
