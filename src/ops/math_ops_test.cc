// Arithmetic, comparisons, conversions, reductions and orderings: values computed by hand, brute
// force against plain loops, the corners of every element type, refusals.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "numerics/half.h"
#include "ops/op_test_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::Op;
using op_test::RandomTensor;
using op_test::RunOp;
using op_test::ValuesOf;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

template <typename T>
Tensor V(std::vector<T> values) {
  Tensor t = Tensor::Allocate(kDTypeOf<T>, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.mutable_data<T>());
  return t;
}
Tensor F(Floats values) { return V(std::move(values)); }
Tensor F(Ints dims, Floats values) {
  return Tensor::FromValues<float>(std::move(dims), std::span<const float>(values));
}
template <typename T>
std::vector<T> RunOp(const char* op, const std::vector<Tensor>& in, const AttrMap& attrs = {}) {
  return ValuesOf<T>(RunOp(Op(op), attrs, in));
}
std::vector<int> Bools(const char* op, const std::vector<Tensor>& in, const AttrMap& attrs = {}) {
  const std::vector<bool> v = [&] {
    const Tensor t = RunOp(Op(op), attrs, in);
    std::vector<bool> b;
    for (int64_t i = 0; t.defined() && i < t.size(); ++i) b.push_back(t.data<bool>()[i]);
    return b;
  }();
  return {v.begin(), v.end()};
}
std::string Error(const char* op, const std::vector<Tensor>& in, const AttrMap& attrs = {}) {
  return Evaluate(Op(op), attrs, in, Op(op).min_outputs).status().message();
}
Tensor Halves(DType dtype, const Floats& values) {
  Tensor t = Tensor::Allocate(dtype, {static_cast<int64_t>(values.size())});
  auto* const bits = static_cast<uint16_t*>(t.mutable_raw());
  for (size_t i = 0; i < values.size(); ++i) {
    bits[i] = dtype == DType::kFloat16 ? EncodeFloat16(values[i]) : EncodeBFloat16(values[i]);
  }
  return t;
}
Floats FromHalves(const Tensor& t) {
  Floats values;
  for (int64_t i = 0; i < t.size(); ++i) {
    const uint16_t bits = static_cast<const uint16_t*>(t.raw())[i];
    values.push_back(t.dtype() == DType::kFloat16 ? DecodeFloat16(bits) : DecodeBFloat16(bits));
  }
  return values;
}
// A NaN of `got` stands where one is expected; everything else is equal.
void ExpectSame(const Floats& got, const Floats& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i])))
        << i << ": " << got[i] << ", expected " << want[i];
  }
}

TEST(Arithmetic, BroadcastBruteForce) {
  std::mt19937 rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    // An output shape and two inputs that each drop leading dimensions and set others to 1.
    Ints y(rng() % 5);
    for (int64_t& d : y) d = 1 + static_cast<int64_t>(rng() % 4);
    const auto input = [&] {
      Ints dims(y.begin() + static_cast<int64_t>(rng() % (y.size() + 1)), y.end());
      for (int64_t& d : dims) {
        if (rng() % 3 == 0) d = 1;
      }
      return RandomTensor<float>(rng, dims);
    };
    const Tensor a = input();
    const Tensor b = input();
    const Tensor sum = RunOp(Op("Sub"), {}, {a, b});
    const auto at = [&](const Tensor& t, int64_t i) {
      int64_t offset = 0;
      int64_t stride = 1;
      for (size_t back = 1; back <= sum.dims().size(); ++back) {
        const int64_t dim = sum.dims()[sum.dims().size() - back];
        const int64_t index = i % dim;
        i /= dim;
        if (back > t.dims().size()) continue;
        const int64_t own = t.dims()[t.dims().size() - back];
        offset += (own == 1 ? 0 : index) * stride;
        stride *= own;
      }
      return t.data<float>()[offset];
    };
    for (int64_t i = 0; i < sum.size(); ++i) ASSERT_EQ(sum.data<float>()[i], at(a, i) - at(b, i));
  }
}

TEST(Arithmetic, IntegersWrapAndDivideLikeC) {
  EXPECT_EQ(RunOp<int8_t>("Add", {V<int8_t>({127, -128}), V<int8_t>({1, -1})}),
            (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(RunOp<uint16_t>("Mul", {V<uint16_t>({65535}), V<uint16_t>({65535})}),
            (std::vector<uint16_t>{1}));
  EXPECT_EQ(RunOp<int64_t>("Sub", {V<int64_t>({INT64_MIN}), V<int64_t>({1})}),
            (std::vector<int64_t>{INT64_MAX}));
  EXPECT_EQ(RunOp<int32_t>("Div", {V<int32_t>({-7, 7, INT32_MIN}), V<int32_t>({2, -2, -1})}),
            (std::vector<int32_t>{-3, -3, INT32_MIN}));
  EXPECT_EQ(RunOp<uint64_t>("Div", {V<uint64_t>({UINT64_MAX}), V<uint64_t>({UINT64_MAX})}),
            (std::vector<uint64_t>{1}));
  EXPECT_EQ(Error("Div", {V<int32_t>({1, 2}), V<int32_t>({1, 0})}),
            "integer division by zero at element 1");
  EXPECT_EQ(Error("Mod", {V<uint8_t>({1}), V<uint8_t>({0})}),
            "integer division by zero at element 0");
  EXPECT_EQ(
      RunOp<int32_t>("Mod", {V<int32_t>({-7, 7, -7, INT32_MIN}), V<int32_t>({3, -3, -3, -1})}),
      (std::vector<int32_t>{2, -2, -1, 0}));
  EXPECT_EQ(
      RunOp<int32_t>("Mod", {V<int32_t>({-7, 7}), V<int32_t>({3, -3})}, {{"fmod", int64_t{1}}}),
      (std::vector<int32_t>{-1, 1}));
  EXPECT_EQ(RunOp<float>("Mod", {F({-7.5f}), F({2})}, {{"fmod", int64_t{1}}}), (Floats{-1.5f}));
  EXPECT_EQ(Error("Mod", {F({1}), F({1})}), "fmod must be 1 for floating-point inputs");
  EXPECT_EQ(Error("Add", {F({1}), V<int32_t>({1})}),
            "inputs have different element types float32 and int32");
  EXPECT_EQ(Error("Add", {F({1, 2}), F({1, 2, 3})}),
            "shapes [2] and [3] cannot be broadcast together");
  EXPECT_EQ(Error("Add", {V<bool>({true}), V<bool>({true})}), "inputs are bool, must be numbers");
}

TEST(Arithmetic, PowMixesTypes) {
  EXPECT_EQ(RunOp<float>("Pow", {F({2, 9, -8}), V<int32_t>({10, 0, 3})}), (Floats{1024, 1, -512}));
  EXPECT_EQ(RunOp<int32_t>("Pow", {V<int32_t>({3, -2, 2}), V<int64_t>({4, 3, 40})}),
            (std::vector<int32_t>{81, -8, 0}));
  EXPECT_EQ(RunOp<int64_t>("Pow", {V<int64_t>({9, 0, 5}), F({0.5f, -1, -1})}),
            (std::vector<int64_t>{3, INT64_MAX, 0}));
  EXPECT_EQ(RunOp<int8_t>("Pow", {V<int8_t>({2, 2}), V<int8_t>({-1, 7})}),
            (std::vector<int8_t>{0, -128}));
}

TEST(Arithmetic, HalvesComputeInFloatAndRoundOnce) {
  for (const DType dtype : {DType::kFloat16, DType::kBFloat16}) {
    const Tensor a = Halves(dtype, {1, 0.5f, 100});
    const Tensor b = Halves(dtype, {2, 0.25f, 3});
    EXPECT_EQ(FromHalves(RunOp(Op("Add"), {}, {a, b})), (Floats{3, 0.75f, 103}));
    EXPECT_EQ(FromHalves(RunOp(Op("Mul"), {}, {a, b})), (Floats{2, 0.125f, 300}));
    EXPECT_EQ(FromHalves(RunOp(Op("Max"), {}, {a, b})), (Floats{2, 0.5f, 100}));
    EXPECT_EQ(Bools("Greater", {a, b}), (std::vector<int>{0, 1, 1}));
    EXPECT_EQ(FromHalves(RunOp(Op("Neg"), {}, {a})), (Floats{-1, -0.5f, -100}));
    EXPECT_EQ(FromHalves(RunOp(Op("ReduceSum"), {}, {a})), (Floats{101.5f}));
  }
  // 2048 + 1 is a tie in float16: down to even.
  EXPECT_EQ(
      FromHalves(RunOp(Op("Add"), {},
                       {Halves(DType::kFloat16, {2048, 2050}), Halves(DType::kFloat16, {1, 1})})),
      (Floats{2048, 2052}));
}

TEST(Variadic, OneTwoAndManyInputs) {
  EXPECT_EQ(RunOp<float>("Sum", {F({1, 2})}), (Floats{1, 2}));
  EXPECT_EQ(RunOp<float>("Sum", {F({1, 2}), F({10}), F({2, 1}, {100, 200})}),
            (Floats{111, 112, 211, 212}));
  EXPECT_EQ(RunOp<float>("Mean", {F({1}), F({2}), F({6})}), (Floats{3}));
  EXPECT_EQ(RunOp<int32_t>("Max", {V<int32_t>({1, 9}), V<int32_t>({5}), V<int32_t>({2, 7})}),
            (std::vector<int32_t>{5, 9}));
  ExpectSame(RunOp<float>("Min", {F({1, kNaN, kInf}), F({kNaN, 2, 3})}), {kNaN, kNaN, 3});
  ExpectSame(RunOp<float>("Max", {F({1, kNaN, -kInf}), F({kNaN, 2, 3})}), {kNaN, kNaN, 3});
  EXPECT_EQ(Error("Sum", {V<int32_t>({1})}), "element type int32 is not supported");
}

TEST(Unary, Functions) {
  EXPECT_EQ(RunOp<int8_t>("Neg", {V<int8_t>({-128, 5})}), (std::vector<int8_t>{-128, -5}));
  EXPECT_EQ(RunOp<int32_t>("Abs", {V<int32_t>({INT32_MIN, -5})}),
            (std::vector<int32_t>{INT32_MIN, 5}));
  EXPECT_EQ(RunOp<uint8_t>("Abs", {V<uint8_t>({255})}), (std::vector<uint8_t>{255}));
  ExpectSame(RunOp<float>("Sign", {F({-2, 0, 5, kNaN})}), {-1, 0, 1, kNaN});
  EXPECT_EQ(RunOp<float>("Round", {F({0.5f, 1.5f, 2.5f, -0.5f, -1.5f})}), (Floats{0, 2, 2, 0, -2}));
  EXPECT_EQ(RunOp<float>("Floor", {F({-1.5f, 1.5f})}), (Floats{-2, 1}));
  EXPECT_EQ(RunOp<float>("Ceil", {F({-1.5f, 1.5f})}), (Floats{-1, 2}));
  EXPECT_EQ(RunOp<double>("Sqrt", {V<double>({2})}), (std::vector<double>{std::sqrt(2.0)}));
  ExpectSame(RunOp<float>("Sqrt", {F({4, -1})}), {2, kNaN});
  EXPECT_EQ(RunOp<float>("Reciprocal", {F({4, 0})}), (Floats{0.25f, kInf}));
  EXPECT_EQ(RunOp<float>("Exp", {F({0, -kInf})}), (Floats{1, 0}));
  EXPECT_EQ(RunOp<float>("Log", {F({1, 0})}), (Floats{0, -kInf}));
  EXPECT_EQ(RunOp<float>("Sin", {F({0})}), (Floats{0}));
  EXPECT_EQ(RunOp<float>("Cos", {F({0})}), (Floats{1}));
  EXPECT_EQ(Error("Exp", {V<int32_t>({1})}), "element type int32 is not supported");
  EXPECT_EQ(Error("Neg", {V<bool>({true})}), "element type bool is not supported");
}

TEST(Compare, ValuesAndNaN) {
  const Tensor a = F({1, 2, 3, kNaN});
  const Tensor b = F({2, 2, 2, kNaN});
  EXPECT_EQ(Bools("Equal", {a, b}), (std::vector<int>{0, 1, 0, 0}));
  EXPECT_EQ(Bools("Less", {a, b}), (std::vector<int>{1, 0, 0, 0}));
  EXPECT_EQ(Bools("LessOrEqual", {a, b}), (std::vector<int>{1, 1, 0, 0}));
  EXPECT_EQ(Bools("Greater", {a, b}), (std::vector<int>{0, 0, 1, 0}));
  EXPECT_EQ(Bools("GreaterOrEqual", {a, b}), (std::vector<int>{0, 1, 1, 0}));
  EXPECT_EQ(Bools("Less", {V<uint64_t>({1}), V<uint64_t>({UINT64_MAX})}), (std::vector<int>{1}));
  EXPECT_EQ(Bools("IsNaN", {a}), (std::vector<int>{0, 0, 0, 1}));
  EXPECT_EQ(Bools("IsInf", {F({kInf, -kInf, 1})}, {{"detect_negative", int64_t{0}}}),
            (std::vector<int>{1, 0, 0}));
  EXPECT_EQ(Bools("IsInf", {V<double>({1e300})}), (std::vector<int>{0}));
  // Bytes other than 0 and 1, as a file may hold them, are true.
  Tensor odd = Tensor::Allocate(DType::kBool, {2});
  static_cast<uint8_t*>(odd.mutable_raw())[0] = 2;
  const Tensor yes = V<bool>({true, false});
  EXPECT_EQ(Bools("And", {odd, yes}), (std::vector<int>{1, 0}));
  EXPECT_EQ(Bools("Equal", {odd, yes}), (std::vector<int>{1, 1}));
  EXPECT_EQ(Bools("Xor", {odd, yes}), (std::vector<int>{0, 0}));
  EXPECT_EQ(Bools("Or", {odd, V<bool>({false})}), (std::vector<int>{1, 0}));
  EXPECT_EQ(Bools("Not", {odd}), (std::vector<int>{0, 1}));
  EXPECT_EQ(Error("And", {F({1}), F({1})}), "input 0 is float32, must be bool");
  EXPECT_EQ(Error("Not", {F({1})}), "the input must be bool");
}

Tensor CastTo(const Tensor& x, int64_t code) { return RunOp(Op("Cast"), {{"to", code}}, {x}); }

TEST(Cast, FloatToIntegerTruncatesAndSaturates) {
  const Tensor x = F({1.9f, -1.9f, 300, -300, kNaN, kInf, -kInf, 3e38f});
  EXPECT_EQ(ValuesOf<int8_t>(CastTo(x, 3)),
            (std::vector<int8_t>{1, -1, 127, -128, 0, 127, -128, 127}));
  EXPECT_EQ(ValuesOf<uint8_t>(CastTo(x, 2)), (std::vector<uint8_t>{1, 0, 255, 0, 0, 255, 0, 255}));
  EXPECT_EQ(ValuesOf<int64_t>(CastTo(x, 7)),
            (Ints{1, -1, 300, -300, 0, INT64_MAX, INT64_MIN, INT64_MAX}));
  EXPECT_EQ(ValuesOf<uint64_t>(CastTo(x, 13))[7], UINT64_MAX);
  EXPECT_EQ(ValuesOf<int32_t>(CastTo(V<double>({2147483646.9, 2147483648.0}), 6)),
            (std::vector<int32_t>{2147483646, INT32_MAX}));
  const Tensor flags = CastTo(F({0, -0.0f, 0.1f, kNaN}), 9);
  EXPECT_EQ(ValuesOf<int32_t>(CastTo(flags, 6)), (std::vector<int32_t>{0, 0, 1, 1}));
}

TEST(Cast, IntegersWrap) {
  EXPECT_EQ(ValuesOf<int8_t>(CastTo(V<int16_t>({200, -129}), 3)), (std::vector<int8_t>{-56, 127}));
  EXPECT_EQ(ValuesOf<uint32_t>(CastTo(V<int64_t>({-1}), 12)), (std::vector<uint32_t>{UINT32_MAX}));
  EXPECT_EQ(ValuesOf<float>(CastTo(V<uint64_t>({UINT64_MAX}), 1)), (Floats{0x1p64f}));
  EXPECT_EQ(ValuesOf<int64_t>(CastTo(V<uint64_t>({UINT64_MAX}), 7)), (Ints{-1}));
  EXPECT_EQ(ValuesOf<int32_t>(CastTo(V<int64_t>({int64_t{1} << 32}), 6)),
            (std::vector<int32_t>{0}));
}

TEST(Cast, NarrowFloatsRoundOnce) {
  // Just above the tie between 1 and 1 + 2^-10: rounding to float32 first would fall on the tie and
  // go to 1.
  const double above = 1 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(FromHalves(CastTo(V<double>({above, 1 + 0x1p-11, -above}), 10)),
            (Floats{1 + 0x1p-10f, 1, -1 - 0x1p-10f}));
  const int64_t integer = (int64_t{1} << 62) + (int64_t{1} << 54) + 1;  // bfloat16 steps are 2^55
  EXPECT_EQ(FromHalves(CastTo(V<int64_t>({integer, integer - 1}), 16)),
            (Floats{0x1p62f + 0x1p55f, 0x1p62f}));
  EXPECT_EQ(FromHalves(CastTo(V<double>({1e300, -1e300}), 10)), (Floats{kInf, -kInf}));
  EXPECT_EQ(FromHalves(CastTo(F({65519, 65520}), 10)), (Floats{65504, kInf}));
  EXPECT_EQ(ValuesOf<float>(CastTo(Halves(DType::kFloat16, {0.5f}), 1)), (Floats{0.5f}));
  EXPECT_EQ(ValuesOf<int32_t>(RunOp(Op("CastLike"), {}, {F({2.7f}), V<int32_t>({0})})),
            (std::vector<int32_t>{2}));
  EXPECT_EQ(Error("Cast", {F({1})}, {{"to", int64_t{8}}}), "ONNX element type 8 is not supported");
}

TEST(Cast, EveryPairOfTypesKeepsSmallNumbers) {
  static constexpr int64_t kCodes[] = {1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16};
  const Tensor source = F({0, 1, 2, 100});
  for (const int64_t from : kCodes) {
    for (const int64_t to : kCodes) {
      EXPECT_EQ(ValuesOf<float>(CastTo(CastTo(CastTo(source, from), to), 1)),
                (Floats{0, 1, 2, 100}))
          << from << " to " << to;
    }
  }
}

TEST(Range, CountsAndSteps) {
  EXPECT_EQ(
      RunOp<float>("Range", {Tensor::Scalar(1.0f), Tensor::Scalar(2.1f), Tensor::Scalar(0.5f)}),
      (Floats{1, 1.5f, 2}));
  EXPECT_EQ(RunOp<int32_t>("Range", {Tensor::Scalar<int32_t>(10), Tensor::Scalar<int32_t>(4),
                                     Tensor::Scalar<int32_t>(-3)}),
            (std::vector<int32_t>{10, 7}));
  const auto error = [](auto a, auto b, auto c) {
    return Error("Range", {Tensor::Scalar(a), Tensor::Scalar(b), Tensor::Scalar(c)});
  };
  EXPECT_EQ(error(int64_t{0}, int64_t{5}, int64_t{0}), "delta is 0");
  EXPECT_EQ(error(0.0f, 5.0f, 0.0f), "the number of elements is not finite or too large");
  EXPECT_EQ(error(0.0f, kNaN, 1.0f), "the number of elements is not finite or too large");
  EXPECT_EQ(error(INT64_MIN, INT64_MAX, int64_t{1}),
            "the number of elements is not finite or too large");
  EXPECT_EQ(Error("Range", {F({}), F({1}), F({1})}), "input 0 has shape [0], must be a scalar");
}

TEST(Reduce, BruteForceOverAxes) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 100; ++trial) {
    Ints dims(1 + rng() % 4);
    for (int64_t& d : dims) d = static_cast<int64_t>(rng() % 4) + (trial % 10 == 0 ? 0 : 1);
    const Tensor x = RandomTensor<float>(rng, dims);
    Ints axes;
    uint32_t mask = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (rng() % 2 == 0) continue;
      mask |= 1u << d;
      axes.push_back(static_cast<int64_t>(d) -
                     (rng() % 2 == 0 ? static_cast<int64_t>(dims.size()) : 0));
    }
    if (axes.empty()) mask = (1u << dims.size()) - 1;
    Ints kept = dims;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (mask >> d & 1) kept[d] = 1;
    }
    std::vector<std::vector<double>> groups(static_cast<size_t>(NumElements(kept)));
    for (int64_t i = 0; i < x.size(); ++i) {
      int64_t group = 0;
      int64_t rest = i;
      int64_t stride = 1;
      for (size_t d = dims.size(); d-- > 0;) {
        if ((mask >> d & 1) == 0) group += rest % dims[d] * stride;
        stride *= kept[d];
        rest /= dims[d];
      }
      groups[static_cast<size_t>(group)].push_back(x.data<float>()[i]);
    }
    const auto check = [&](const char* op, auto formula) {
      const Tensor y = RunOp(Op(op), {}, {x, V(axes)});
      ASSERT_EQ(y.dims(), kept) << op;
      for (size_t g = 0; g < groups.size(); ++g) {
        const float want = static_cast<float>(formula(groups[g]));
        const float got = y.data<float>()[g];
        if (std::isnan(want)) {
          EXPECT_TRUE(std::isnan(got)) << op;
        } else if (std::isinf(want)) {
          EXPECT_EQ(got, want) << op;
        } else {
          EXPECT_NEAR(got, want, 1e-5f) << op;
        }
      }
    };
    using Group = std::vector<double>;
    const auto sum = [](const Group& g, auto f) {
      double s = 0;
      for (const double v : g) s += f(v);
      return s;
    };
    check("ReduceSum", [&](const Group& g) { return sum(g, [](double v) { return v; }); });
    check("ReduceMean", [&](const Group& g) {
      return sum(g, [](double v) { return v; }) / static_cast<double>(g.size());
    });
    check("ReduceL1",
          [&](const Group& g) { return sum(g, [](double v) { return std::fabs(v); }); });
    check("ReduceL2",
          [&](const Group& g) { return std::sqrt(sum(g, [](double v) { return v * v; })); });
    check("ReduceSumSquare",
          [&](const Group& g) { return sum(g, [](double v) { return v * v; }); });
    check("ReduceLogSum",
          [&](const Group& g) { return std::log(sum(g, [](double v) { return v; })); });
    check("ReduceLogSumExp",
          [&](const Group& g) { return std::log(sum(g, [](double v) { return std::exp(v); })); });
    check("ReduceProd", [&](const Group& g) {
      return std::accumulate(g.begin(), g.end(), 1.0, std::multiplies<>());
    });
    check("ReduceMax", [&](const Group& g) {
      return g.empty() ? -kInf : *std::max_element(g.begin(), g.end());
    });
    check("ReduceMin",
          [&](const Group& g) { return g.empty() ? kInf : *std::min_element(g.begin(), g.end()); });
  }
}

TEST(Reduce, CornersOfTypes) {
  EXPECT_EQ(RunOp<int32_t>("ReduceMean", {V<int32_t>({-3, -4})}), (std::vector<int32_t>{-3}));
  EXPECT_EQ(RunOp<int32_t>("ReduceSum", {V<int32_t>({INT32_MAX, 1})}),
            (std::vector<int32_t>{INT32_MIN}));
  EXPECT_EQ(RunOp<uint64_t>("ReduceMax", {V<uint64_t>({1, UINT64_MAX})}),
            (std::vector<uint64_t>{UINT64_MAX}));
  EXPECT_EQ(RunOp<uint8_t>("ReduceMin", {V<uint8_t>({})}), (std::vector<uint8_t>{255}));
  EXPECT_EQ(RunOp<int32_t>("ReduceL2", {V<int32_t>({3, 4})}), (std::vector<int32_t>{5}));
  EXPECT_EQ(RunOp<float>("ReduceLogSumExp", {F({1000, 1000})}), (Floats{1000 + std::log(2.0f)}));
  EXPECT_EQ(RunOp<float>("ReduceLogSumExp", {F({-kInf, -kInf})}), (Floats{-kInf}));
  ExpectSame(RunOp<float>("ReduceMax", {F({1, kNaN, 2})}), {kNaN});
  EXPECT_EQ(Bools("ReduceMax", {V<bool>({false, true})}), (std::vector<int>{1}));
  // Without axes: everything, or with noop_with_empty_axes nothing (but the square is taken).
  EXPECT_EQ(RunOp<float>("ReduceSumSquare", {F({1, 2})}, {{"noop_with_empty_axes", int64_t{1}}}),
            (Floats{1, 4}));
  EXPECT_EQ(RunOp(Op("ReduceSum"), {{"keepdims", int64_t{0}}}, {F({2, 2}, {1, 2, 3, 4})}).rank(),
            0);
  EXPECT_EQ(Error("ReduceSum", {F({1}), V<int64_t>({1})}), "axis = 1 is out of range for rank 1");
  EXPECT_EQ(Error("ReduceSum", {F({1}), V<int64_t>({0, -1})}), "axis 0 is given twice");
  EXPECT_EQ(Error("ReduceSum", {V<bool>({true})}), "element type bool is not supported");
  // Double accumulation: float32 would lose every 1.
  EXPECT_EQ(RunOp<float>("ReduceSum", {F({1e8f, 1, 1, 1, 1, -1e8f})}), (Floats{4}));
}

TEST(ArgMax, TiesAndNaN) {
  const Tensor x = F({2, 3}, {1, 5, 5, kNaN, 0, kNaN});
  EXPECT_EQ(RunOp<int64_t>("ArgMax", {x}, {{"axis", int64_t{1}}}), (Ints{1, 0}));
  EXPECT_EQ(RunOp<int64_t>("ArgMax", {F({1, 5, 5})}, {{"select_last_index", int64_t{1}}}),
            (Ints{2}));
  EXPECT_EQ(RunOp<int64_t>("ArgMin", {F({2, 2}, {1, 0, 0, 0})}, {{"keepdims", int64_t{0}}}),
            (Ints{1, 0}));
  EXPECT_EQ(Error("ArgMax", {F({0, 2}, {})}), "dimension 0 of [0,2] is empty");
}

TEST(TopK, AgreesWithSorting) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 200; ++trial) {
    const int64_t n = 1 + static_cast<int64_t>(rng() % 20);
    const int64_t k = static_cast<int64_t>(rng()) % (n + 1);
    const int64_t inner = 1 + static_cast<int64_t>(rng() % 3);
    const bool largest = trial % 2 == 0;
    Tensor x = Tensor::Allocate(DType::kInt32, {2, n, inner});
    for (int64_t i = 0; i < x.size(); ++i)
      x.mutable_data<int32_t>()[i] = static_cast<int32_t>(rng() % 6);
    const auto r = Evaluate(Op("TopK"), {{"axis", int64_t{1}}, {"largest", int64_t{largest}}},
                            {x, V<int64_t>({k})}, 2);
    ASSERT_TRUE(r.ok()) << r.status().message();
    for (int64_t line = 0; line < 2 * inner; ++line) {
      const int64_t o = line / inner;
      const int64_t i = line % inner;
      const auto at = [&](int64_t p) { return x.data<int32_t>()[(o * n + p) * inner + i]; };
      Ints order(static_cast<size_t>(n));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t p, int64_t q) {
        return largest ? at(p) > at(q) : at(p) < at(q);
      });
      for (int64_t j = 0; j < k; ++j) {
        const int64_t out = (o * k + j) * inner + i;
        ASSERT_EQ((*r)[1].data<int64_t>()[out], order[static_cast<size_t>(j)]);
        ASSERT_EQ((*r)[0].data<int32_t>()[out], at(order[static_cast<size_t>(j)]));
      }
    }
  }
  const auto nan = Evaluate(Op("TopK"), {}, {F({1, kNaN, 3}), V<int64_t>({2})}, 2);
  EXPECT_EQ(ValuesOf<int64_t>((*nan)[1]), (Ints{1, 2}));
  EXPECT_EQ(Error("TopK", {F({1, 2}), V<int64_t>({3})}), "K = 3 for a dimension of 2");
  EXPECT_EQ(Error("TopK", {F({1, 2}), V<int64_t>({-1})}), "K = -1 for a dimension of 2");
}

TEST(CumSum, Directions) {
  const Tensor x = F({1, 2, 3});
  const Tensor axis = Tensor::Scalar<int64_t>(0);
  EXPECT_EQ(RunOp<float>("CumSum", {x, axis}), (Floats{1, 3, 6}));
  EXPECT_EQ(RunOp<float>("CumSum", {x, axis}, {{"exclusive", int64_t{1}}}), (Floats{0, 1, 3}));
  EXPECT_EQ(RunOp<float>("CumSum", {x, axis}, {{"reverse", int64_t{1}}}), (Floats{6, 5, 3}));
  EXPECT_EQ(RunOp<int32_t>("CumSum", {V<int32_t>({INT32_MAX, 1}), axis}),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN}));
  EXPECT_EQ(Error("CumSum", {x, Tensor::Scalar<int64_t>(1)}),
            "axis = 1 is out of range for rank 1");
  EXPECT_EQ(Error("CumSum", {x, V<int64_t>({0, 0})}), "axis of shape [2] must be one integer");
}

}  // namespace
}  // namespace adze
