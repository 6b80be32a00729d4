// Symbolic dimensions against brute-force integer arithmetic: random expressions are built twice,
// as a Dim and as a function of the symbols' values.
#include "ops/dim.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace adze {
namespace {

constexpr int64_t kLimit = int64_t{1} << 62;

Dim S(std::string_view name) { return Dim::Symbol(name); }

int64_t FloorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  if (q * b > a) --q;
  return q;
}

void ExpectRoundTrip(const Dim& d) {
  const std::string text = d.ToString();
  const std::optional<Dim> back = Dim::Parse(text);
  ASSERT_TRUE(back.has_value()) << text;
  EXPECT_EQ(*back, d) << text << " became " << back->ToString();
  EXPECT_EQ(back->ToString(), text);
}

TEST(DimTest, CanonicalForm) {
  const Dim n = S("N");
  const Dim h = S("H");
  EXPECT_EQ(n + h, h + n);
  EXPECT_EQ((n + 1) * (n - 1), n * n - 1);
  EXPECT_EQ(n - n, Dim(0));
  EXPECT_TRUE((n - n + 7).IsConst(7));
  EXPECT_FALSE(n == h);
  EXPECT_FALSE(n == Dim(1));
  EXPECT_EQ((h + 1) * n - n, h * n);
  EXPECT_EQ((Dim(4) * n + 3).ToString(), "4*N + 3");
  EXPECT_EQ((h - 1).FloorDiv(2).ToString(), "floor((H + 1)/2) + -1");
  EXPECT_EQ((Dim(6) * n + 5).FloorDiv(3), Dim(2) * n + 1);
  EXPECT_EQ((n * h - n).ToString(), "H*N + -1*N");
  EXPECT_EQ(Dim(0).ToString(), "0");
  EXPECT_EQ(S("N").SymbolName(), "N");
  EXPECT_EQ((n + 1).SymbolName(), std::nullopt);
  EXPECT_EQ((n * h).SymbolName(), std::nullopt);
  EXPECT_EQ(Dim(3).SymbolName(), std::nullopt);
  EXPECT_EQ(n.FloorDiv(2).SymbolName(), std::nullopt);
}

TEST(DimTest, DivisionsMerge) {
  const Dim h = S("H");
  EXPECT_EQ(h.FloorDiv(2).FloorDiv(2), h.FloorDiv(4));
  EXPECT_EQ((Dim(2) * h).FloorDiv(4), h.FloorDiv(2));
  EXPECT_EQ((Dim(2) * h + 1).FloorDiv(4), h.FloorDiv(2));
  EXPECT_EQ((h.FloorDiv(3) + 1).FloorDiv(2), (h + 3).FloorDiv(6));
  EXPECT_EQ((Dim(32) * h).FloorDiv(32), h);
  EXPECT_EQ(h.CeilDiv(1), h);
  EXPECT_EQ((Dim(2) * h).CeilDiv(2), h);
  // A stride-2 convolution with padding 1 halves an even size.
  const Dim even = Dim(2) * h;
  EXPECT_EQ((even - 1).FloorDiv(2) + 1, h);
}

TEST(DimTest, RandomExpressionsAgreeWithIntegers) {
  std::mt19937 rng(7);
  const auto pick = [&](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  const std::string names[] = {"N", "H", "batch size"};
  const int64_t values[][3] = {{0, 0, 0},   {1, 1, 1},    {2, 7, 3},   {5, 224, 8},
                               {13, 9, 31}, {64, 65, 66}, {1, 0, 100}, {3, 1000, 1}};
  struct Expression {
    Dim dim;
    std::vector<int64_t> value;  // for every row of `values`
  };
  const auto combine = [](const Expression& a, const Expression& b, Dim d, auto op) {
    Expression e{std::move(d), {}};
    for (size_t i = 0; i < a.value.size(); ++i) e.value.push_back(op(a.value[i], b.value[i]));
    return e;
  };
  for (int round = 0; round < 400; ++round) {
    std::vector<Expression> pool;
    for (int s = 0; s < 3; ++s) {
      Expression e{S(names[s]), {}};
      for (const auto& row : values) e.value.push_back(row[s]);
      pool.push_back(e);
    }
    const int64_t constant = pick(21) - 10;
    pool.push_back({Dim(constant), std::vector<int64_t>(std::size(values), constant)});
    for (int step = 0; step < 8; ++step) {
      const Expression a = pool[static_cast<size_t>(pick(static_cast<int>(pool.size())))];
      const Expression b = pool[static_cast<size_t>(pick(static_cast<int>(pool.size())))];
      const int64_t divisor = 1 + pick(9);
      switch (pick(4)) {
        case 0:
          pool.push_back(combine(a, b, a.dim + b.dim, std::plus<int64_t>()));
          break;
        case 1:
          pool.push_back(combine(a, b, a.dim - b.dim, std::minus<int64_t>()));
          break;
        case 2:
          if (std::abs(a.value[7]) > 100000 || std::abs(b.value[7]) > 100000) break;
          pool.push_back(combine(a, b, a.dim * b.dim, std::multiplies<int64_t>()));
          break;
        default:
          pool.push_back(combine(a, a, a.dim.FloorDiv(divisor),
                                 [&](int64_t x, int64_t) { return FloorDivide(x, divisor); }));
      }
    }
    for (const Expression& e : pool) {
      ExpectRoundTrip(e.dim);
      const std::optional<int64_t> bound = e.dim.LowerBound();
      for (size_t i = 0; i < std::size(values); ++i) {
        const DimBindings bindings = {
            {names[0], values[i][0]}, {names[1], values[i][1]}, {names[2], values[i][2]}};
        EXPECT_EQ(e.dim.Evaluate(bindings), e.value[i]) << e.dim.ToString();
        EXPECT_LE(bound.value_or(INT64_MIN), e.value[i]) << e.dim.ToString();
      }
      for (const Expression& other : pool) {
        EXPECT_TRUE(!(e.dim == other.dim) || e.value == other.value) << e.dim.ToString();
        const Dim product = e.dim * other.dim;
        if (other.dim == Dim(0)) continue;
        if (product.SymbolName() && product.ToString()[0] == '?') continue;  // too long
        const std::optional<Dim> quotient = product.DivExact(other.dim);
        ASSERT_TRUE(quotient.has_value()) << product.ToString() << " / " << other.dim.ToString();
        EXPECT_EQ(*quotient, e.dim);
      }
    }
    if (HasFailure()) return;
  }
}

TEST(DimTest, DivExact) {
  const Dim n = S("N");
  const Dim h = S("H");
  const Dim w = S("W");
  EXPECT_EQ((n * h * w).DivExact(h), n * w);
  EXPECT_EQ(((h + 1) * (w + 1) * n).DivExact(h + 1), (w + 1) * n);
  EXPECT_EQ((Dim(12) * n).DivExact(Dim(4)), Dim(3) * n);
  EXPECT_EQ((Dim(12) * n).DivExact(Dim(-4)), Dim(-3) * n);
  EXPECT_EQ(Dim(0).DivExact(n), Dim(0));
  EXPECT_EQ(n.DivExact(n), Dim(1));
  EXPECT_EQ((n + 1).DivExact(Dim(2)), std::nullopt);
  EXPECT_EQ(n.DivExact(h), std::nullopt);
  EXPECT_EQ((n * n + 1).DivExact(n + 1), std::nullopt);
  EXPECT_EQ(n.DivExact(Dim(0)), std::nullopt);
  EXPECT_EQ(Dim(0).DivExact(Dim(0)), std::nullopt);
}

TEST(DimTest, LowerBound) {
  const Dim n = S("N");
  const Dim h = S("H");
  EXPECT_EQ(n.LowerBound(), 0);
  EXPECT_EQ((Dim(3) * n * h + 2).LowerBound(), 2);
  EXPECT_EQ((n - 5).LowerBound(), -5);
  EXPECT_EQ(((n - 1).FloorDiv(2) + 1).LowerBound(), 0);
  EXPECT_EQ((Dim(0) - n).LowerBound(), std::nullopt);
  EXPECT_EQ(Dim(-3).LowerBound(), -3);
}

TEST(DimTest, Saturation) {
  EXPECT_TRUE(Dim(INT64_MAX).IsConst(kLimit));
  EXPECT_TRUE(Dim(INT64_MIN).IsConst(-kLimit));
  EXPECT_TRUE((Dim(kLimit) * Dim(kLimit)).IsConst(kLimit));
  EXPECT_TRUE((Dim(kLimit) * Dim(-kLimit)).IsConst(-kLimit));
  EXPECT_TRUE((Dim(kLimit) + Dim(kLimit)).IsConst(kLimit));
  EXPECT_TRUE((Dim(-kLimit) - Dim(kLimit)).IsConst(-kLimit));
  const Dim n = S("N");
  const Dim big = Dim(int64_t{1} << 40) * n;
  EXPECT_EQ(big.Evaluate({{"N", 3}}), int64_t{3} << 40);
  EXPECT_EQ(big.Evaluate({{"N", int64_t{1} << 40}}), std::nullopt);
  EXPECT_EQ((big * n * n).Evaluate({{"N", INT64_MAX}}), std::nullopt);
  EXPECT_EQ((n * n - n * n).Evaluate({}), 0);
  EXPECT_EQ((n + S("M")).Evaluate({{"N", 1}}), std::nullopt);
  ExpectRoundTrip(Dim(kLimit) * n + Dim(-kLimit));
}

TEST(DimTest, AnySymbolNamePrintsAndParses) {
  std::string all_bytes;
  for (int c = 0; c < 256; ++c) all_bytes += static_cast<char>(c);
  for (const std::string& name :
       {std::string("N"), std::string("batch size"), std::string("2*s0"), std::string("3"),
        std::string("-1"), std::string("floor"), std::string("floor((N)/2)"), std::string("a,b]"),
        std::string("%20"), std::string("100%"), std::string("\"quoted\""), std::string("\xc3\xa9"),
        std::string("unk__12"), std::string("onnx::Reshape_3"), std::string("a/b.c:0?"),
        std::string(1, '\0'), all_bytes}) {
    const Dim d = S(name);
    EXPECT_EQ(d.SymbolName(), name);
    ExpectRoundTrip(d);
    ExpectRoundTrip(d * d + Dim(2) * d.FloorDiv(3) + 1);
    EXPECT_EQ(d.Evaluate({{name, 5}}), 5);
    DimBindings found;
    (d.FloorDiv(7) + 1).CollectSymbols(&found);
    EXPECT_EQ(found, (DimBindings{{name, 0}}));
    for (const char c : d.ToString()) EXPECT_TRUE(std::isgraph(static_cast<unsigned char>(c)));
  }
  EXPECT_FALSE(S("2*s0") == Dim(2) * S("s0"));
  ExpectRoundTrip(S(""));
  ExpectRoundTrip(S(std::string(100000, 'x')));
  EXPECT_FALSE(S(std::string(100000, 'x')) == S(std::string(100001, 'x')));
}

TEST(DimTest, ParseRefuses) {
  for (const char* text : {"",
                           " ",
                           "+",
                           "N +",
                           "* N",
                           "N N",
                           "N-1",
                           "--1",
                           "floor((N)/0)",
                           "floor((N)/-2)",
                           "floor((N)/M)",
                           "floor((N/2)",
                           "floor((N)/2",
                           "(N",
                           "N)",
                           "N,",
                           "[N]",
                           "%",
                           "%2",
                           "%zz",
                           "N%",
                           "1N",
                           "\"N\""}) {
    EXPECT_EQ(Dim::Parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(Dim::Parse(std::string(5000, 'N')), std::nullopt);
  EXPECT_EQ(Dim::Parse(std::string(4000, '(')), std::nullopt);
  EXPECT_EQ(Dim::Parse("99999999999999999999999"), Dim(kLimit));
  EXPECT_EQ(Dim::Parse(" 2 * ( N + 1 ) "), Dim(2) * S("N") + 2);
}

// Chains that double the size of a naive expression at each step stay small and quick.
TEST(DimTest, HostileGrowthIsBounded) {
  Dim square = S("N") + S("M");
  Dim floors = S("N");
  Dim sum = S("N");
  for (int i = 0; i < 200; ++i) {
    square = square * square + S("K" + std::to_string(i));
    floors = (floors * floors + floors + 1).FloorDiv(3);
    sum = sum + (sum + S("K" + std::to_string(i))).FloorDiv(i + 2);
    for (const Dim* d : {&square, &floors, &sum}) {
      EXPECT_LT(d->ToString().size(), 4096u);
      ExpectRoundTrip(*d);
    }
  }
  std::string nested = "N";
  for (int i = 0; i < 300; ++i) nested = "(" + nested + "+N)*2";
  (void)Dim::Parse(nested);
  std::string product = "(a+b)";
  while (product.size() < 4000) product += "*(a+b)";
  const std::optional<Dim> parsed = Dim::Parse(product);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_LT(parsed->ToString().size(), 4096u);
}

TEST(DimTest, Shapes) {
  const Shape shape = {S("N"), 3, S("H").FloorDiv(2), 4};
  EXPECT_EQ(ShapeToString(shape), "[N,3,floor((H)/2),4]");
  EXPECT_EQ(ShapeToString({}), "[]");
  EXPECT_EQ(NumElements(shape), Dim(12) * S("N") * S("H").FloorDiv(2));
  EXPECT_EQ(NumElements(Shape{}), Dim(1));
  EXPECT_EQ(ToConstDims(shape), std::nullopt);
  EXPECT_EQ(ToConstDims(ToShape({1, 0, 5})), (std::vector<int64_t>{1, 0, 5}));
  EXPECT_EQ(EvaluateShape(shape, {{"N", 2}, {"H", 9}}), (std::vector<int64_t>{2, 3, 4, 4}));
}

}  // namespace
}  // namespace adze
