#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "calib/observers/density.h"
#include "calib/observers/observer.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

TensorRecord RecordOf(const std::vector<std::vector<float>>& samples) {
  TensorRecord r;
  for (const auto& s : samples) CollectSample(Isa::kGeneric, s, &r);
  return r;
}

// Gaussian with a few far outliers, or its rectified half.
std::vector<float> Values(size_t n, uint32_t seed, bool relu, float outlier) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  std::vector<float> out(n);
  for (float& v : out) v = normal(random);
  out[0] = outlier;
  if (relu) {
    for (float& v : out) v = std::max(v, 0.0f);
  }
  return out;
}

double TrueError(const std::vector<float>& x, const AffineParams& p, const ObserverSpec& spec) {
  const IntRange range = RangeOf(spec.storage);
  double e = 0;
  for (const float v : x) {
    const int32_t q = QuantizeOne(v, p.scale, p.zero_point, static_cast<int32_t>(range.min),
                                  static_cast<int32_t>(range.max));
    const double d = static_cast<double>(v) - DequantizeOne(q, p.scale, p.zero_point);
    e += d * d;
  }
  return e;
}

RealRange RangeBy(const char* name, const TensorRecord& r, const ObserverSpec& spec = {}) {
  return FindObserver(name)->finish(r, spec);
}

TEST(ObserverTest, ListHasFindableUniqueNames) {
  EXPECT_EQ(AllObservers().size(), 5u);
  for (const ObserverDef* o : AllObservers()) EXPECT_EQ(FindObserver(o->name), o);
  EXPECT_EQ(FindObserver("auto"), nullptr);
}

TEST(ObserverTest, RangesStayWithinTheExtremesAndParametersAreValid) {
  for (const bool relu : {false, true}) {
    for (const bool symmetric : {false, true}) {
      for (const DType storage : {DType::kUInt8, DType::kInt8}) {
        const TensorRecord r = RecordOf({Values(20000, 1, relu, 30.0f)});
        const ObserverSpec spec{storage, symmetric};
        for (const ObserverDef* o : AllObservers()) {
          const RealRange range = o->finish(r, spec);
          EXPECT_GE(range.min, r.range.min) << o->name;
          EXPECT_LE(range.max, r.range.max) << o->name;
          EXPECT_LE(range.min, range.max) << o->name;
          const AffineParams p = Finish(*o, r, spec);
          EXPECT_TRUE(VerifyQuantType({storage, {p.scale}, {p.zero_point}}, 1).ok()) << o->name;
        }
      }
    }
  }
}

TEST(ObserverTest, DegenerateTensors) {
  for (const std::vector<float>& x :
       {std::vector<float>{0, 0, 0}, {5, 5, 5}, {-3}, {1e-30f}, {1e30f, -1e30f}}) {
    const TensorRecord r = RecordOf({x});
    for (const ObserverDef* o : AllObservers()) {
      for (const bool symmetric : {false, true}) {
        const AffineParams p = Finish(*o, r, {DType::kUInt8, symmetric});
        EXPECT_TRUE(VerifyQuantType({DType::kUInt8, {p.scale}, {p.zero_point}}, 1).ok())
            << o->name << " " << x[0];
      }
    }
  }
}

TEST(MinMaxTest, SeesEverything) {
  const RealRange r = RangeBy("minmax", RecordOf({{1, 2}, {-7, 3}, {0, 9}}));
  EXPECT_EQ(r.min, -7);
  EXPECT_EQ(r.max, 9);
}

TEST(AveragedTest, IsTheMeanOfTheSamplesExtremes) {
  const RealRange r = RangeBy("averaged", RecordOf({{-1, 2}, {-7, 4}, {-1, 9}}));
  EXPECT_EQ(r.min, -3);
  EXPECT_EQ(r.max, 5);
}

TEST(PercentileTest, ClipsTheShareAskedFor) {
  const std::vector<float> x = Values(16000, 3, false, 30.0f);
  std::vector<float> sorted = x;
  std::sort(sorted.begin(), sorted.end());
  for (const double percentile : {99.9, 99.0, 90.0}) {
    const RealRange r = RangeBy("percentile", RecordOf({x}), {DType::kUInt8, false, percentile});
    const auto cut = static_cast<size_t>((100 - percentile) / 200 * 16000);
    EXPECT_NEAR(r.min, sorted[cut], 0.02 * std::abs(sorted[cut])) << percentile;
    EXPECT_NEAR(r.max, sorted[sorted.size() - 1 - cut], 0.02 * sorted[sorted.size() - 1 - cut]);
  }
}

TEST(PercentileTest, ZerosCountAsValues) {
  // 9,990 zeros and 10 large values: half a percent is cut at the top, which is all of them.
  std::vector<float> x(10000, 0.0f);
  for (size_t i = 0; i < 10; ++i) x[i] = 5.0f;
  const RealRange r = RangeBy("percentile", RecordOf({x}), {DType::kUInt8, false, 99.0});
  EXPECT_EQ(r.min, 0);
  EXPECT_EQ(r.max, 0);
}

// Brute force over a fine grid of both ends, on the values themselves.
double BestError(const std::vector<float>& x, const ObserverSpec& spec) {
  const auto [lo, hi] = std::minmax_element(x.begin(), x.end());
  double best = 1e300;
  for (int i = 1; i <= 60; ++i) {
    for (int j = *lo < 0 && !spec.symmetric ? 1 : 60; j <= 60; ++j) {
      const float h = *hi * static_cast<float>(i) / 60;
      const float l = spec.symmetric ? -h : *lo * static_cast<float>(j) / 60;
      best = std::min(best,
                      TrueError(x, ChooseAffineParams(l, h, spec.storage, spec.symmetric), spec));
    }
  }
  return best;
}

TEST(MseTest, IsCloseToBruteForce) {
  for (const bool relu : {false, true}) {
    for (const bool symmetric : {false, true}) {
      for (const float outlier : {4.0f, 12.0f, 40.0f}) {
        const std::vector<float> x = Values(4000, 11, relu, outlier);
        const ObserverSpec spec{DType::kUInt8, symmetric};
        const double found = TrueError(x, Finish(*FindObserver("mse"), RecordOf({x}), spec), spec);
        EXPECT_LE(found, 1.05 * BestError(x, spec)) << relu << symmetric << outlier;
        const double all = TrueError(x, Finish(*FindObserver("minmax"), RecordOf({x}), spec), spec);
        EXPECT_LE(found, 1.02 * all);
      }
    }
  }
}

TEST(EntropyTest, DropsFarOutliersAndKeepsUniformRanges) {
  const RealRange heavy = RangeBy("entropy", RecordOf({Values(30000, 7, true, 60.0f)}));
  EXPECT_LT(heavy.max, 20.0f);
  EXPECT_GT(heavy.max, 3.0f);
  std::vector<float> uniform;
  for (int i = 0; i < 30000; ++i) uniform.push_back(-2.0f + 5.0f * static_cast<float>(i) / 30000);
  const RealRange flat = RangeBy("entropy", RecordOf({uniform}));
  EXPECT_LT(flat.min, -1.8f);
  EXPECT_GT(flat.max, 2.7f);
}

TEST(DensityTest, HoldsEveryNonZeroValueInItsInterval) {
  const std::vector<float> x = {-4, -1, 0.5f, 0.5f, 3};
  const std::vector<Interval> d = DensityOf(RecordOf({x}));
  ASSERT_EQ(d.size(), 4u);
  const double at[] = {-4, -1, 0.5, 3};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_LE(d[i].low, at[i] + 1e-5);
    EXPECT_GE(d[i].high, at[i] - 1e-5);
    EXPECT_LT(d[i].low, d[i].high);
    EXPECT_LT(d[i].high - d[i].low, 0.07);
    EXPECT_LE(i > 0 ? d[i - 1].high : d[i].low, d[i].low);
  }
  EXPECT_EQ(d[2].count, 2);
}

}  // namespace
}  // namespace adze
