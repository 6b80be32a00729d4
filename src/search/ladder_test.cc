#include "search/ladder.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

namespace adze {
namespace {

// A network of which only the noise of each layer is known: independent, so that the error of the
// outputs is the sum over the layers that are not in float, and the drop is that times 10.
class Fake : public LadderEnvironment {
 public:
  explicit Fake(std::vector<double> noise) : noise_(std::move(noise)) {
    for (size_t i = 0; i < noise_.size(); ++i) {
      layers_.push_back({"layer" + std::to_string(i), 100, 1000});
    }
  }
  std::span<const Layer> layers() const override { return layers_; }
  double Error(const std::set<std::string>& in_float) const {
    double error = 0;
    for (size_t i = 0; i < noise_.size(); ++i) {
      if (!in_float.contains(layers_[i].name)) error += noise_[i];
    }
    return error;
  }
  Result<std::vector<double>> OutputErrors(std::span<const std::set<std::string>> sets) override {
    std::vector<double> errors;
    for (const auto& s : sets) errors.push_back(Error(s));
    return errors;
  }
  Result<Measured> Measure(const Candidate& candidate) override {
    Measured m;
    m.drop_points = 10 * Error(candidate.float_layers);
    m.sqnr_db = -10 * std::log10(Error(candidate.float_layers));
    m.size_bytes = 1000 + 100 * static_cast<int64_t>(candidate.float_layers.size());
    m.memory_bytes = 50;
    m.latency_ms = 1 + 0.1 * static_cast<double>(candidate.float_layers.size());
    if (fail_at >= 0 && static_cast<int>(candidate.float_layers.size()) == fail_at) {
      return InvalidInput("the disk is full");
    }
    return m;
  }
  int fail_at = -1;

 protected:
  std::vector<double> noise_;
  std::vector<Layer> layers_;
};

Climb ClimbOf(const Budget& budget, Fake& fake) {
  Result<Climb> climb = ClimbLadder(budget, fake);
  EXPECT_TRUE(climb.ok()) << climb.status().message();
  return std::move(climb).value();
}

TEST(LadderTest, StopsAtTheFirstRungThatMeetsTheBudget) {
  Fake fake({0.01, 0.2, 0.02, 0.1});
  Climb climb = ClimbOf({.max_drop_points = 4.0}, fake);
  EXPECT_TRUE(climb.met);
  ASSERT_EQ(climb.tried.size(), 1u);
  EXPECT_EQ(climb.tried[0].candidate.rung, "int8");

  climb = ClimbOf({.max_drop_points = 0.35}, fake);
  EXPECT_TRUE(climb.met);
  ASSERT_EQ(climb.tried.size(), 3u);
  EXPECT_EQ(climb.chosen, 2u);
  EXPECT_EQ(climb.tried[1].candidate.float_layers, (std::set<std::string>{"layer1"}));
  EXPECT_EQ(climb.tried[2].candidate.float_layers, (std::set<std::string>{"layer1", "layer3"}));
  EXPECT_EQ(climb.tried[1].unmet, (std::vector<std::string>{"a drop of 1.3 points is above 0.35"}));
  EXPECT_TRUE(climb.tried[2].unmet.empty());
}

// Where layers cost the same and their errors add, every rung is the best of all sets of its size.
TEST(LadderTest, EveryRungIsTheBestSetOfItsSize) {
  const std::vector<double> noise = {0.03, 0.11, 0.07, 0.002, 0.05, 0.13, 0.017};
  Fake fake(noise);
  const Climb climb = ClimbOf({.max_drop_points = 0.0}, fake);
  ASSERT_EQ(climb.tried.size(), noise.size());  // the last one would be the float network
  std::map<int, double> least;                  // by how many layers are in float
  for (unsigned mask = 0; mask < 1u << noise.size(); ++mask) {
    double drop = 0;
    for (size_t i = 0; i < noise.size(); ++i) drop += (mask >> i & 1) != 0 ? 0 : 10 * noise[i];
    const int size = std::popcount(mask);
    least[size] = least.contains(size) ? std::min(least[size], drop) : drop;
  }
  for (size_t k = 0; k < climb.tried.size(); ++k) {
    EXPECT_EQ(climb.tried[k].candidate.float_layers.size(), k);
    EXPECT_NEAR(climb.tried[k].measured.drop_points, least[static_cast<int>(k)], 1e-9) << k;
  }
  EXPECT_FALSE(climb.met);
  EXPECT_EQ(climb.chosen, noise.size() - 1);
}

TEST(LadderTest, OfTwoLayersThatHelpAlikeTheSmallerStaysInFloat) {
  class Unequal : public Fake {
   public:
    Unequal() : Fake({0.1, 0.1, 0.1}) { layers_[1].macs = 10; }
  } fake;
  const Climb climb = ClimbOf({.max_drop_points = 2.5}, fake);
  EXPECT_EQ(climb.tried[1].candidate.float_layers, (std::set<std::string>{"layer1"}));
}

TEST(LadderTest, GivesUpWhenMoreFloatCannotHelp) {
  Fake fake({0.2, 0.1, 0.05});
  Climb climb = ClimbOf({.max_drop_points = 0.1, .max_size_bytes = 999}, fake);
  EXPECT_FALSE(climb.met);
  EXPECT_EQ(climb.tried.size(), 1u);  // every further rung is larger
  EXPECT_EQ(climb.chosen, 0u);
  EXPECT_EQ(climb.tried[0].unmet, (std::vector<std::string>{"a drop of 3.5 points is above 0.1",
                                                            "a file of 1000 bytes is above 999"}));

  // The size forbids the last step: the best that fits is the one before.
  climb = ClimbOf({.max_drop_points = 0.1, .max_size_bytes = 1100}, fake);
  EXPECT_FALSE(climb.met);
  EXPECT_EQ(climb.tried.size(), 3u);
  EXPECT_EQ(climb.chosen, 1u);

  climb = ClimbOf({.max_latency_ms = 0.5}, fake);
  EXPECT_FALSE(climb.met);
  EXPECT_EQ(climb.tried[0].unmet, (std::vector<std::string>{"a latency of 1 ms is above 0.5"}));
  climb = ClimbOf({.max_memory_bytes = 49}, fake);
  EXPECT_EQ(climb.tried[0].unmet, (std::vector<std::string>{"50 bytes of memory are above 49"}));
}

TEST(LadderTest, AnSqnrIsClimbedForLikeADrop) {
  Fake fake({0.01, 0.2, 0.02, 0.1});  // 4.8 dB; without layer1 8.9, without layer3 15.2
  Climb climb = ClimbOf({.min_sqnr_db = 10}, fake);
  EXPECT_TRUE(climb.met);
  ASSERT_EQ(climb.tried.size(), 3u);
  EXPECT_EQ(climb.tried[1].candidate.float_layers, (std::set<std::string>{"layer1"}));
  EXPECT_EQ(climb.tried[1].unmet, (std::vector<std::string>{"an SQNR of 8.861 dB is below 10"}));

  climb = ClimbOf({.min_sqnr_db = 100}, fake);
  EXPECT_FALSE(climb.met);
  EXPECT_EQ(climb.tried.size(), 4u);
  EXPECT_EQ(climb.chosen, 3u);

  // The size forbids the last step: the best that fits is the one before.
  climb = ClimbOf({.min_sqnr_db = 10, .max_size_bytes = 1100}, fake);
  EXPECT_EQ(climb.tried.size(), 3u);
  EXPECT_EQ(climb.chosen, 1u);
}

// Networks that are measured as given: of one or two accuracy clauses, which is the nearest.
TEST(LadderTest, BestFoundIsTheNearestInAccuracy) {
  class Given : public Fake {
   public:
    explicit Given(std::vector<Measured> given)
        : Fake(std::vector<double>(given.size(), 0.1)), given_(std::move(given)) {}
    Result<Measured> Measure(const Candidate& c) override { return given_[c.float_layers.size()]; }
    std::vector<Measured> given_;
  };
  const auto chosen = [](const Budget& budget, std::vector<Measured> given) {
    Given fake(std::move(given));
    return ClimbOf(budget, fake).chosen;
  };
  const auto of = [](double points, double db) {
    Measured m;
    m.drop_points = points;
    m.sqnr_db = db;
    return m;
  };
  const double nan = std::nan("");
  const double inf = HUGE_VAL;
  EXPECT_EQ(chosen({.min_sqnr_db = 30}, {of(nan, 10), of(nan, 25), of(nan, 20)}), 1u);
  EXPECT_EQ(chosen({.min_sqnr_db = 30}, {of(nan, nan), of(nan, -inf), of(nan, -5)}), 2u);
  EXPECT_EQ(chosen({.max_drop_points = 1}, {of(3, 10), of(2, 9), of(2, 50)}), 1u);
  const Budget both = {.max_drop_points = 1, .min_sqnr_db = 30};
  EXPECT_EQ(chosen(both, {of(2, 29), of(0, 10), of(1.1, 29)}), 1u);   // breaks only one
  EXPECT_EQ(chosen(both, {of(1.5, 40), of(1.2, 40), of(0, 5)}), 2u);  // points come first
  EXPECT_EQ(chosen(both, {of(1, 20), of(0, 22), of(0.5, 21)}), 1u);   // no points above: decibels
  EXPECT_EQ(chosen(both, {of(2, 10), of(1.5, 5), of(3, 29)}), 1u);
}

TEST(LadderTest, ANetworkWithoutLayersHasOneRung) {
  Fake fake({});
  const Climb climb = ClimbOf({.max_size_bytes = 1}, fake);
  EXPECT_EQ(climb.tried.size(), 1u);
  EXPECT_FALSE(climb.met);
}

TEST(LadderTest, NaNMeetsNoBudget) {
  Measured m;
  m.drop_points = std::nan("");
  EXPECT_EQ(UnmetBudgets({.max_drop_points = 1.0}, m).size(), 1u);
  EXPECT_EQ(UnmetBudgets({.max_latency_ms = 1.0}, m).size(), 1u);  // not measured
  EXPECT_TRUE(UnmetBudgets({}, m).empty());
  m.sqnr_db = std::nan("");
  EXPECT_EQ(UnmetBudgets({.min_sqnr_db = 0.0}, m).size(), 1u);
  m.sqnr_db = HUGE_VAL;
  EXPECT_TRUE(UnmetBudgets({.min_sqnr_db = 200}, m).empty());
}

TEST(LadderTest, RoundingIsNotADrop) {
  Measured m;
  m.drop_points = 100 * (0.622 - 0.612);
  EXPECT_GT(m.drop_points, 1.0);
  EXPECT_TRUE(UnmetBudgets({.max_drop_points = 1.0}, m).empty());
  m.drop_points = 1.2;
  EXPECT_FALSE(UnmetBudgets({.max_drop_points = 1.0}, m).empty());
}

TEST(LadderTest, FailuresEndTheClimb) {
  Fake fake({0.2, 0.1});
  fake.fail_at = 1;
  const Result<Climb> climb = ClimbLadder({.max_drop_points = 0.1}, fake);
  EXPECT_EQ(climb.status().message(), "the disk is full");
}

}  // namespace
}  // namespace adze
