#include "eval/metric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "eval/interval.h"

namespace adze {
namespace {

using Row = std::vector<float>;

double Value(const char* name, const std::vector<MetricSample>& samples) {
  const MetricDef* const def = FindMetric(name);
  EXPECT_NE(def, nullptr) << name;
  MetricState state;
  for (const MetricSample& s : samples) def->add(s, &state);
  EXPECT_EQ(state.samples, static_cast<int64_t>(samples.size()));
  return def->finish(state);
}

TEST(Metric, ListIsSortedAndComplete) {
  std::set<std::string> names;
  for (const MetricDef* m : AllMetrics()) {
    names.insert(m->name);
    EXPECT_NE(std::string(m->doc), "");
  }
  EXPECT_EQ(names, (std::set<std::string>{"cosine", "flip_rate", "mean_kl", "mse", "sqnr_db",
                                          "top1", "top5"}));
  EXPECT_EQ(FindMetric("top2"), nullptr);
}

TEST(Metric, ArgMaxAndTopK) {
  const float nan = std::nanf("");
  EXPECT_EQ(ArgMax(Row{1, 3, 3, 2}), 1);
  EXPECT_EQ(ArgMax(Row{nan, -5, nan}), 1);
  EXPECT_EQ(ArgMax(Row{}), -1);
  EXPECT_TRUE(InTopK(Row{1, 3, 3, 2}, 1, 1));
  EXPECT_FALSE(InTopK(Row{1, 3, 3, 2}, 2, 1));  // the lower index wins
  EXPECT_TRUE(InTopK(Row{1, 3, 3, 2}, 2, 2));
  EXPECT_FALSE(InTopK(Row{nan, 1}, 0, 5));
  EXPECT_FALSE(InTopK(Row{1, 2}, 2, 5));
  EXPECT_FALSE(InTopK(Row{1, 2}, -1, 5));
}

TEST(Metric, Accuracy) {
  const Row scores = {0, 1, 2, 3, 4, 5, 6};
  std::vector<MetricSample> samples(4);
  for (size_t i = 0; i < 4; ++i) samples[i].scores = scores;
  samples[0].label = 6;
  samples[1].label = 5;
  samples[2].label = 2;
  samples[3].label = 1;
  EXPECT_EQ(Value("top1", samples), 0.25);
  EXPECT_EQ(Value("top5", samples), 0.75);
}

MetricSample Pair(const Row& output, const Row& reference) {
  MetricSample s;
  s.output = s.scores = output;
  s.reference = s.reference_scores = reference;
  return s;
}

TEST(Metric, Comparisons) {
  const Row a = {1, 0};
  const Row b = {0, 1};
  const Row c = {2, 0};
  const Row zero = {0, 0};
  EXPECT_EQ(Value("flip_rate", {Pair(a, b), Pair(a, c)}), 0.5);
  EXPECT_EQ(Value("cosine", {Pair(a, b), Pair(a, c)}), 0.5);
  EXPECT_EQ(Value("cosine", {Pair(zero, zero)}), 1);
  EXPECT_EQ(Value("cosine", {Pair(zero, a)}), 0);
  // Reference energy 4 + 1, noise 1 + 0.
  EXPECT_DOUBLE_EQ(Value("sqnr_db", {Pair(a, c), Pair(b, b)}), 10 * std::log10(5.0));
  EXPECT_EQ(Value("sqnr_db", {Pair(a, a)}), std::numeric_limits<double>::infinity());

  MetricSample s;
  const Row input = {1, 2, 4};
  const Row output = {1, 3, 2};
  s.output = output;
  s.input = input;
  EXPECT_DOUBLE_EQ(Value("mse", {s}), 5.0 / 3);
}

TEST(Metric, KlOfLogitsAndOfProbabilities) {
  // p = (3/4, 1/4), q = (1/2, 1/2) either way.
  const double expected = 0.75 * std::log(1.5) + 0.25 * std::log(0.5);
  EXPECT_NEAR(KlDivergence(Row{std::log(3.0f), 0}, Row{7, 7}), expected, 1e-6);
  EXPECT_NEAR(KlDivergence(Row{0.75f, 0.25f}, Row{0.5f, 0.5f}), expected, 1e-6);
  EXPECT_NEAR(KlDivergence(Row{1, 0}, Row{0, 1}), std::log(1e12), 1e-6);  // the floor of q
  EXPECT_NEAR(KlDivergence(Row{1000, 0}, Row{1000, 0}), 0, 1e-12);        // no overflow
  EXPECT_GE(KlDivergence(Row{5, -3, 2}, Row{4, -2, 2}), 0);
}

TEST(Interval, Wilson) {
  // Newcombe 1998, table I: 81 of 263 and 15 of 148 by the score method.
  EXPECT_NEAR(WilsonInterval95(81, 263).low, 0.2553, 5e-5);
  EXPECT_NEAR(WilsonInterval95(81, 263).high, 0.3662, 5e-5);
  EXPECT_NEAR(WilsonInterval95(15, 148).low, 0.0624, 5e-5);
  EXPECT_NEAR(WilsonInterval95(15, 148).high, 0.1605, 5e-5);
  EXPECT_EQ(WilsonInterval95(0, 20).low, 0);
  EXPECT_GT(WilsonInterval95(0, 20).high, 0.1);
  EXPECT_EQ(WilsonInterval95(20, 20).high, 1);
}

TEST(Interval, PairedDifference) {
  // 30 against 20 discordant of 1000: gain -0.01, variance (50 - 0.1) / 10^6.
  const Interval i = PairedDifference95(30, 20, 1000);
  const double half = 1.959964 * std::sqrt(49.9) / 1000;
  EXPECT_NEAR(i.low, -0.01 - half, 1e-7);
  EXPECT_NEAR(i.high, -0.01 + half, 1e-7);
  EXPECT_EQ(PairedDifference95(0, 0, 300).high, 0.01);
  EXPECT_EQ(PairedDifference95(0, 0, 300).low, -0.01);
}

}  // namespace
}  // namespace adze
