#include "calib/records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/file.h"
#include "calib/record_kernels.h"

namespace adze {
namespace {

std::vector<float> RandomValues(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.5f, 2.0f);
  std::vector<float> out(n);
  for (float& v : out) {
    v = normal(random);
    if (random() % 8 == 0) v = 0;
    if (random() % 64 == 0) v *= 1e-12f;
    if (random() % 64 == 1) v *= 1e20f;
  }
  return out;
}

TensorRecord RecordOf(const std::vector<std::vector<float>>& samples, Isa isa = Isa::kGeneric) {
  TensorRecord r;
  for (const auto& s : samples) CollectSample(isa, s, &r);
  return r;
}

bool Same(const TensorRecord& a, const TensorRecord& b) {
  return a.hist == b.hist && a.range.min == b.range.min && a.range.max == b.range.max &&
         a.range.samples == b.range.samples &&
         a.range.sum_min.Canonical() == b.range.sum_min.Canonical() &&
         a.range.sum_max.Canonical() == b.range.sum_max.Canonical();
}

TEST(ExactSumTest, IsExactAndIndependentOfOrder) {
  std::vector<double> values = {1e30, 1.0, -1e30, 1e-30, 3.5, -1e-30, 0.1, -7e200, 7e200, 1e-90};
  ExactSum forward;
  for (const double v : values) forward.Collect(v);
  EXPECT_EQ(forward.Finish(), 1.0 + 3.5 + 0.1 + 1e-90);
  std::mt19937 random(3);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(values.begin(), values.end(), random);
    ExactSum a;
    ExactSum b;
    for (size_t k = 0; k < values.size(); ++k) (k % 3 == 0 ? a : b).Collect(values[k]);
    a.Merge(b);
    EXPECT_EQ(a.Canonical(), forward.Canonical());
    EXPECT_EQ(ExactSum::FromLimbs(a.Canonical()).Finish(), forward.Finish());
  }
}

TEST(ExactSumTest, NegativeSumsAndEveryShift) {
  ExactSum sum;
  long double expected = 0;
  for (int e = -60; e < 60; ++e) {
    const double x = std::ldexp(-1.2345678901234567, e);
    sum.Collect(x);
    expected += x;
  }
  EXPECT_DOUBLE_EQ(sum.Finish(), static_cast<double>(expected));
  sum.Collect(std::numeric_limits<double>::infinity());
  sum.Collect(std::nan(""));
  EXPECT_DOUBLE_EQ(sum.Finish(), static_cast<double>(expected));
  sum.Collect(1e308);  // limited, not undefined
  EXPECT_GT(sum.Finish(), 1e80);
}

TEST(HistRecordTest, BinsHoldWhatTheySay) {
  for (const float x : {1.0f, 1.0156f, 0.999f, 3.7f, 1e-9f, 4e9f, 5e9f, 2.3e-10f}) {
    const TensorRecord r = RecordOf({{x}});
    int bin = -1;
    for (int i = 0; i < HistRecord::kBinsPerSign; ++i) {
      if (r.hist.bin(false, i) != 0) bin = i;
    }
    if (x < 0x1p-32f) {
      EXPECT_EQ(r.hist.slots[0], 1u);
      continue;
    }
    if (x >= 0x1p32f) {
      EXPECT_EQ(r.hist.slots[HistRecord::kSlotsPerSign - 1], 1u);
      continue;
    }
    ASSERT_GE(bin, 0) << x;
    EXPECT_LE(HistRecord::BinLow(bin), x);
    EXPECT_GT(HistRecord::BinLow(bin + 1), x);
    EXPECT_LT(HistRecord::BinLow(bin + 1) / HistRecord::BinLow(bin), 1.016);
    EXPECT_EQ(RecordOf({{-x}}).hist.bin(true, bin), 1u);
  }
}

TEST(HistRecordTest, SpecialValuesAreCountedApart) {
  const float inf = std::numeric_limits<float>::infinity();
  const TensorRecord r =
      RecordOf({{0.0f, -0.0f, 1e-20f, -1e-30f, std::nanf(""), inf, -inf, 2.0f, 1e30f}});
  EXPECT_EQ(r.hist.zeros, 2u);
  EXPECT_EQ(r.hist.slots[0], 1u);
  EXPECT_EQ(r.hist.slots[HistRecord::kSlotsPerSign], 1u);
  EXPECT_EQ(r.hist.nans, 1u);
  EXPECT_EQ(r.hist.infs, 2u);
  EXPECT_EQ(r.hist.total(), 6u);
  EXPECT_EQ(r.hist.slots[HistRecord::kSlotsPerSign - 1], 1u);  // 1e30
  EXPECT_EQ(r.range.min, -1e-30f);
  EXPECT_EQ(r.range.max, 1e30f);
}

TEST(TensorRecordTest, OrderPartitionAndIsaDoNotMatter) {
  std::vector<std::vector<float>> samples;
  for (uint32_t i = 0; i < 12; ++i) samples.push_back(RandomValues(i % 3 == 0 ? 5000 : 100 + i, i));
  samples.push_back(RandomValues(100000, 77));  // sampled
  const TensorRecord whole = RecordOf(samples);
  std::mt19937 random(5);
  for (int i = 0; i < 5; ++i) {
    std::shuffle(samples.begin(), samples.end(), random);
    const size_t cut = random() % samples.size();
    TensorRecord a = RecordOf({samples.begin(), samples.begin() + static_cast<ptrdiff_t>(cut)});
    const TensorRecord b = RecordOf({samples.begin() + static_cast<ptrdiff_t>(cut), samples.end()});
    a.Merge(b);
    EXPECT_TRUE(Same(a, whole));
  }
  for (const Isa isa : SupportedIsas())
    EXPECT_TRUE(Same(RecordOf(samples, isa), whole)) << IsaName(isa);
}

TEST(TensorRecordTest, CountsMatchASlowHistogram) {
  std::vector<double> lows;
  for (int i = 0; i <= HistRecord::kBinsPerSign; ++i) lows.push_back(HistRecord::BinLow(i));
  for (const size_t n : {1u, 17u, 512u, 513u, 9999u, 16384u}) {
    const std::vector<float> x = RandomValues(n, static_cast<uint32_t>(n));
    HistRecord slow;
    for (const float v : x) {
      const double m = std::abs(static_cast<double>(v));
      if (v == 0) {
        ++slow.zeros;
        continue;
      }
      // Slot i + 1 is bin i; slot 0 lies below bin 0.
      const int slot =
          static_cast<int>(std::upper_bound(lows.begin(), lows.end(), m) - lows.begin());
      ++slow.slots[static_cast<size_t>(slot + (v < 0 ? HistRecord::kSlotsPerSign : 0))];
    }
    const TensorRecord r = RecordOf({x});
    EXPECT_EQ(r.hist, slow) << n;
    EXPECT_EQ(r.range.min, *std::min_element(x.begin(), x.end()));
    EXPECT_EQ(r.range.max, *std::max_element(x.begin(), x.end()));
  }
}

TEST(TensorRecordTest, LargeTensorsAreSampledEvenlyButExtremesAreExact) {
  const int64_t n = 1000000;
  std::vector<float> x(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = 1.0f + static_cast<float>(i % 96);
  x[123457] = -500.0f;
  x[765431] = 900.0f;
  const TensorRecord r = RecordOf({x});
  EXPECT_EQ(r.range.min, -500.0f);
  EXPECT_EQ(r.range.max, 900.0f);
  EXPECT_EQ(static_cast<int64_t>(r.hist.total()), HistRecord::kMaxSampled);
  // Each of 96 "channels" gets about its share.
  TensorRecord one = RecordOf({{5.0f}});
  const size_t slot = static_cast<size_t>(
      std::find(one.hist.slots.begin(), one.hist.slots.end(), 1u) - one.hist.slots.begin());
  EXPECT_NEAR(static_cast<double>(r.hist.slots[slot]), 16384.0 / 96, 40);
}

TEST(ScanTest, MatchesAScalarLoopOnEveryIsa) {
  for (const Isa isa : SupportedIsas()) {
    for (const size_t n : {1u, 2u, 7u, 16u, 31u, 32u, 33u, 100u}) {
      const std::vector<float> x = RandomValues(n, 9);
      const ScanResult s = ScanF32(isa, x.data(), static_cast<int64_t>(n));
      EXPECT_EQ(s.min, *std::min_element(x.begin(), x.end()));
      EXPECT_EQ(s.max, *std::max_element(x.begin(), x.end()));
      EXPECT_EQ(s.non_finite, 0);
      for (size_t i = 0; i < n; ++i) {
        std::vector<float> y = x;
        y[i] = i % 2 == 0 ? std::nanf("") : -std::numeric_limits<float>::infinity();
        EXPECT_EQ(ScanF32(isa, y.data(), static_cast<int64_t>(n)).non_finite, 1);
      }
    }
  }
}

TEST(ChannelRecordTest, IsTheSameOnEveryIsaAndForAnyThreads) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  ThreadPool pool(3);
  for (const int64_t channels : {1, 3, 8, 17, 65}) {
    for (const int64_t inner : {1, 5}) {
      const int64_t outer = inner == 1 ? 300 : 7;
      std::vector<float> x(static_cast<size_t>(outer * channels * inner));
      for (float& v : x) v = normal(random);
      for (const Isa isa : {Isa::kGeneric, DetectIsa()}) {
        ChannelRecord r;
        r.Collect(isa, x.data(), outer, channels, inner, &pool);
        for (int64_t c = 0; c < channels; ++c) {
          float lo = x[static_cast<size_t>(c * inner)];
          float hi = lo;
          double sum = 0;
          double squares = 0;
          for (int64_t o = 0; o < outer; ++o) {
            for (int64_t i = 0; i < inner; ++i) {
              const float v = x[static_cast<size_t>((o * channels + c) * inner + i)];
              lo = std::min(lo, v);
              hi = std::max(hi, v);
              sum += v;
              squares += static_cast<double>(v) * v;
            }
          }
          const ChannelRecord::Channel& k = r.channels[static_cast<size_t>(c)];
          EXPECT_EQ(k.min, lo);
          EXPECT_EQ(k.max, hi);
          EXPECT_EQ(k.count, static_cast<uint64_t>(outer * inner));
          EXPECT_EQ(k.sum.Finish(), sum) << channels << " " << inner << " " << c;
          EXPECT_EQ(k.sum_squares.Finish(), squares);
        }
      }
    }
  }
}

TEST(ChannelRecordTest, MomentsPerChannel) {
  // Two samples of dims [1, 2, 3].
  const float a[] = {1, 2, 3, -1, 0, 5};
  const float b[] = {4, 4, 4, 2, 2, 2};
  ChannelRecord r;
  r.Collect(Isa::kGeneric, a, 1, 2, 3);
  ChannelRecord s;
  s.Collect(Isa::kGeneric, b, 1, 2, 3);
  r.Merge(s);
  ASSERT_EQ(r.channels.size(), 2u);
  EXPECT_EQ(r.channels[0].min, 1);
  EXPECT_EQ(r.channels[0].max, 4);
  EXPECT_EQ(r.channels[0].sum.Finish(), 18);
  EXPECT_EQ(r.channels[0].sum_squares.Finish(), 62);
  EXPECT_EQ(r.channels[1].min, -1);
  EXPECT_EQ(r.channels[1].max, 5);
  EXPECT_EQ(r.channels[1].count, 6u);
}

TEST(StatisticsFileTest, RoundTripsAndMerges) {
  Statistics s;
  s.graph_hash = "abc";
  s.samples = 3;
  s.tensors["x/y:0"] =
      RecordOf({RandomValues(100, 1), RandomValues(100, 2), RandomValues(5000, 3)});
  const float channel[] = {1, 2, 3, -1, 0, 5};
  s.tensors["x/y:0"].channel.Collect(Isa::kGeneric, channel, 1, 2, 3);
  s.tensors["z"] = RecordOf({{1.0f}});
  const std::string path = testing::TempDir() + "/stats.safetensors";
  ASSERT_TRUE(WriteStatistics(s, path).ok());
  auto read = ReadStatistics(path);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->graph_hash, "abc");
  EXPECT_EQ(read->samples, 3u);
  ASSERT_EQ(read->tensors.size(), 2u);
  EXPECT_TRUE(Same(read->tensors.at("x/y:0"), s.tensors.at("x/y:0")));
  EXPECT_EQ(read->tensors.at("x/y:0").channel.channels[1].sum.Finish(), 4);

  ASSERT_TRUE(read->Merge(s).ok());
  EXPECT_EQ(read->samples, 6u);
  EXPECT_EQ(read->tensors.at("z").hist.total(), 2u);
  Statistics other = s;
  other.graph_hash = "def";
  EXPECT_FALSE(read->Merge(other).ok());
}

TEST(StatisticsFileTest, RefusesOtherFiles) {
  const std::string path = testing::TempDir() + "/bad.safetensors";
  ASSERT_TRUE(WriteFileAtomic(path, "nonsense").ok());
  EXPECT_FALSE(ReadStatistics(path).ok());
  const std::string header =
      R"({"__metadata__":{"format":"adze.statistics","version":"1","samples":"1"},)"
      R"("counts/x":{"dtype":"U64","shape":[5],"data_offsets":[0,40]}})";
  const uint64_t size = header.size();
  ASSERT_TRUE(WriteFileAtomic(path, std::string(reinterpret_cast<const char*>(&size), 8) + header +
                                        std::string(40, '\0'))
                  .ok());
  const auto missing = ReadStatistics(path);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.status().message().find("array 'hist' is missing"), std::string::npos);
}

}  // namespace
}  // namespace adze
