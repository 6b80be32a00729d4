#include "numerics/number_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "numerics/quant_type.h"

namespace adze {
namespace {

// The value of a bit pattern by the definition of binary floating point, in double: another way
// than MiniFloats takes.
double Decode(unsigned pattern, int exponent_bits, int mantissa_bits, int bias) {
  const unsigned sign = pattern >> (exponent_bits + mantissa_bits);
  const unsigned exponent = (pattern >> mantissa_bits) & ((1u << exponent_bits) - 1);
  double fraction = 0;
  for (int b = 0; b < mantissa_bits; ++b) {
    if ((pattern >> b) & 1u) fraction += std::pow(2.0, b - mantissa_bits);
  }
  const double magnitude = exponent == 0
                               ? fraction * std::pow(2.0, 1 - bias)
                               : (1 + fraction) * std::pow(2.0, static_cast<int>(exponent) - bias);
  return sign != 0 ? -magnitude : magnitude;
}

TEST(NumberFormat, EveryCodeOfEveryFloatingPointFormat) {
  struct Case {
    const char* name;
    int exponent_bits, mantissa_bits, bias;
    std::set<unsigned> not_finite;
    double largest, smallest;
  };
  for (const Case& c :
       {Case{"fp8_e4m3", 4, 3, 7, {0x7f, 0xff}, 448, 0x1p-9},
        Case{
            "fp8_e5m2", 5, 2, 15, {0x7c, 0x7d, 0x7e, 0x7f, 0xfc, 0xfd, 0xfe, 0xff}, 57344, 0x1p-16},
        Case{"fp6_e3m2", 3, 2, 3, {}, 28, 0x1p-4}, Case{"fp6_e2m3", 2, 3, 1, {}, 7.5, 0.125},
        Case{"fp4_e2m1", 2, 1, 1, {}, 6, 0.5}}) {
    const NumberFormat& f = *FindNumberFormat(c.name);
    std::set<double> wanted;
    for (unsigned p = 0; p < 1u << f.bits; ++p) {
      if (!c.not_finite.contains(p)) {
        wanted.insert(Decode(p, c.exponent_bits, c.mantissa_bits, c.bias));
      }
    }
    const std::vector<float> book = f.codebook();
    EXPECT_EQ(std::set<double>(book.begin(), book.end()), wanted) << c.name;
    EXPECT_EQ(book.front(), -c.largest) << c.name;
    EXPECT_EQ(book.back(), c.largest) << c.name;
    EXPECT_EQ(book[NearestCode(book, 0.0f) + 1], c.smallest) << c.name;
  }
}

TEST(NumberFormat, CodebooksAreAscendingAndFitTheirStorage) {
  std::set<std::string_view> names;
  for (const NumberFormat* f : AllNumberFormats()) {
    EXPECT_TRUE(names.insert(f->name).second) << f->name;
    EXPECT_EQ(BitsOf(f->storage), std::max(f->bits, 2)) << f->name;
    EXPECT_EQ(FindNumberFormat(f->name), f);
    if (f->codebook == nullptr) continue;
    QuantType q;
    q.storage = f->storage;
    q.codebook = f->codebook();
    q.scale = {1};
    q.zero_point = {0};
    EXPECT_TRUE(VerifyQuantType(q, 1).ok()) << f->name;
    const NumberFormat* const found = FormatOfCodebook(q.codebook);
    ASSERT_NE(found, nullptr) << f->name;
    EXPECT_EQ(found->codebook(), q.codebook) << f->name;
  }
  EXPECT_EQ(FindNumberFormat("int9"), nullptr);
}

TEST(NumberFormat, NormalFloatIsMadeOfQuantiles) {
  const std::vector<float> book = FindNumberFormat("nf4")->codebook();
  const auto probability = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  // The largest number is the quantile of 0.9677083.
  double reach = 1.8;
  for (int i = 0; i < 60; ++i) {
    reach += (0.9677083 - probability(reach)) * std::sqrt(2 * M_PI) * std::exp(reach * reach / 2);
  }
  for (int i = 0; i < 8; ++i) {
    EXPECT_NEAR(probability(reach * book[static_cast<size_t>(15 - i)]),
                0.9677083 - i * 0.4677083 / 8, 1e-6);
    if (i == 7) continue;
    EXPECT_NEAR(probability(-reach * book[static_cast<size_t>(i)]), 0.9677083 - i * 0.4677083 / 7,
                1e-6);
  }
  EXPECT_EQ(book[7], 0.0f);
}

TEST(NumberFormat, NearestCodeAgreesWithASearchOverAll) {
  for (const NumberFormat* f : AllNumberFormats()) {
    if (f->learned) continue;
    const std::vector<float> book = NumbersOf(*f);
    for (size_t i = 0; i < book.size(); ++i) {
      EXPECT_EQ(book[NearestCode(book, book[i])], book[i]) << f->name;
      const float next = book[std::min(i + 1, book.size() - 1)];
      for (const float share : {0.25f, 0.5f, 0.75f}) {
        const float x = book[i] + share * (next - book[i]);
        const float got = book[NearestCode(book, x)];
        for (const float other : book) {
          EXPECT_LE(std::abs(x - got), std::abs(x - other)) << f->name;
          if (std::abs(x - got) == std::abs(x - other)) {
            EXPECT_LE(std::abs(got), std::abs(other)) << f->name << " at " << x;
          }
        }
      }
    }
    EXPECT_EQ(NearestCode(book, -INFINITY), 0u);
    EXPECT_EQ(book[NearestCode(book, INFINITY)], book.back());
    EXPECT_EQ(NearestCode(book, NAN), NearestCode(book, 0));
  }
}

TEST(NumberFormat, Scales) {
  EXPECT_EQ(NearestScale(ScaleFormat::kFloat32, 0.3f), 0.3f);
  EXPECT_EQ(NearestScale(ScaleFormat::kPowerOfTwo, 0.3f), 0.25f);
  EXPECT_EQ(NearestScale(ScaleFormat::kPowerOfTwo, 0.25f), 0.25f);
  EXPECT_EQ(NearestScale(ScaleFormat::kPowerOfTwo, 0.36f), 0.5f);  // above 2^-1.5 = 0.3536
  EXPECT_EQ(NearestScale(ScaleFormat::kPowerOfTwo, 0.35f), 0.25f);
  EXPECT_GT(NearestScale(ScaleFormat::kPowerOfTwo, 0.0f), 0.0f);
  EXPECT_TRUE(std::isfinite(NearestScale(ScaleFormat::kPowerOfTwo, INFINITY)));
  const float outer = OuterScale(ScaleFormat::kE4M3, 6 * 448.0f, 6);
  EXPECT_EQ(outer, 1.0f);
  EXPECT_EQ(NearestScale(ScaleFormat::kE4M3, 443.0f, outer), 448.0f);
  EXPECT_EQ(NearestScale(ScaleFormat::kE4M3, 1.1f, 2.0f), 1.125f);  // 0.55 is nearest to 0.5625
  EXPECT_EQ(NearestScale(ScaleFormat::kE4M3, 0.0f, 1.0f), 0x1p-9f);
}

TEST(ScaleIndex, AgreesWithTheDefinitionOfOnnx) {
  // x [2, 5, 3], blocks of 2 along axis 1: scales [2, 3, 3].
  QuantType q;
  q.axis = 1;
  q.block_size = 2;
  const std::vector<int64_t> dims = {2, 5, 3};
  const ScaleIndex index(dims, q);
  EXPECT_EQ(index.count(), 18);
  for (int64_t a = 0; a < 2; ++a) {
    for (int64_t b = 0; b < 5; ++b) {
      for (int64_t c = 0; c < 3; ++c) {
        EXPECT_EQ(index((a * 5 + b) * 3 + c), static_cast<size_t>((a * 3 + b / 2) * 3 + c));
      }
    }
  }
  q.block_size = 0;
  const ScaleIndex per_axis(dims, q);
  EXPECT_EQ(per_axis.count(), 5);
  EXPECT_EQ(per_axis(14), 4u);
  EXPECT_EQ(per_axis(15), 0u);
  q.axis = -1;
  EXPECT_EQ(ScaleIndex(dims, q).count(), 1);
}

TEST(Dequantize, AffineAndCodebook) {
  QuantType q;
  q.storage = DType::kUInt2;
  q.axis = 0;
  q.scale = {1, 10};
  q.zero_point = {0, 0};
  q.codebook = {-1, 0, 1, 1};
  const uint8_t codes[] = {0, 1, 2, 0};
  float real[4];
  Dequantize(q, std::vector<int64_t>{2, 2}, codes, real);
  EXPECT_EQ(std::vector<float>(real, real + 4), (std::vector<float>{-1, 0, 10, -10}));
  q.codebook.clear();
  q.zero_point = {1, 2};
  Dequantize(q, std::vector<int64_t>{2, 2}, codes, real);
  EXPECT_EQ(std::vector<float>(real, real + 4), (std::vector<float>{-1, 0, 0, -20}));
}

}  // namespace
}  // namespace adze
