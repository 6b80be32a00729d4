// Every kind of finding on facts made by hand: what it must see, and what it must leave alone.
#include "search/diagnosis/finding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

namespace adze {
namespace {

std::vector<float> Normal(int64_t count, float sigma, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, sigma);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = normal(random);
  return values;
}

// `channels` neighbouring columns.
std::shared_ptr<const TensorRecord> RecordOf(const std::vector<float>& values,
                                             int64_t channels = 8) {
  auto record = std::make_shared<TensorRecord>();
  CollectSample(Isa::kGeneric, values, record.get());
  record->channel.Collect(Isa::kGeneric, values.data(),
                          static_cast<int64_t>(values.size()) / channels, channels, 1);
  return record;
}

Codes CodesOf(double low, double high) { return {low, high, (high - low) / 255, DType::kUInt8}; }

// A layer with nothing wrong: normal values, a range that fits, the same values at calibration,
// weights of channels that reach alike.
LayerFacts Healthy() {
  LayerFacts layer;
  layer.compared.name = "t";
  layer.compared.op = "Conv";
  layer.compared.own_sqnr_db = 55;
  layer.seen = RecordOf(Normal(8000, 1));
  layer.calibrated = RecordOf(Normal(8000, 1, 2));
  layer.codes = CodesOf(-4, 4);
  layer.weight = WeightFacts{true, {1, 0.9, 1.1, 0.8}, 1.1 / 127};
  layer.branches = {{"a", 2.0}, {"b", 3.0}};
  return layer;
}

std::set<std::string> KindsOf(const LayerFacts& layer) {
  std::set<std::string> kinds;
  for (const Finding& f : FindAll(std::vector{layer})) {
    EXPECT_FALSE(f.what.empty());
    EXPECT_GT(f.severity_db, 0) << f.kind;
    EXPECT_EQ(f.places, std::vector<size_t>{0});
    EXPECT_TRUE(f.fixes.empty() || f.fixes.size() == 1u);
    EXPECT_FALSE(f.advice.empty());
    kinds.insert(f.kind);
  }
  return kinds;
}

double Number(const Finding& f, const std::string& name) {
  for (const auto& [key, value] : f.numbers) {
    if (name == key) return value;
  }
  ADD_FAILURE() << name;
  return NAN;
}

Finding Only(const LayerFacts& layer, const std::string& kind) {
  for (Finding& f : FindAll(std::vector{layer})) {
    if (f.kind == kind) return f;
  }
  ADD_FAILURE() << "no " << kind;
  return {};
}

using Kinds = std::set<std::string>;

TEST(Finding, HealthyLayerHasNone) {
  EXPECT_EQ(KindsOf(Healthy()), Kinds{});
  LayerFacts bare;  // of which nothing is known
  bare.compared.own_sqnr_db = NAN;
  EXPECT_EQ(KindsOf(bare), Kinds{});
}

TEST(Finding, Saturation) {
  LayerFacts layer = Healthy();
  layer.codes = CodesOf(-0.5, 0.5);
  EXPECT_EQ(KindsOf(layer), Kinds{"saturation"});
  const Finding f = Only(layer, "saturation");
  EXPECT_NEAR(Number(f, "clipped_share"), std::erfc(0.5 / std::sqrt(2)), 0.02);
  ASSERT_EQ(f.fixes[0].kind, FixKind::kRange);
  EXPECT_LT(f.fixes[0].range.low, -2.5);
  EXPECT_GT(f.fixes[0].range.high, 2.5);
  // A copy of codes is wrong where they come from.
  layer.moved = true;
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, NarrowCalibrationIsNotSaturation) {
  LayerFacts layer = Healthy();
  layer.codes = CodesOf(-0.6, 0.6);
  layer.calibrated = RecordOf(Normal(8000, 0.15f, 3));
  EXPECT_EQ(KindsOf(layer), Kinds{"narrow_calibration"});
  const Finding f = Only(layer, "narrow_calibration");
  EXPECT_GT(Number(f, "outside_share"), 0.4);
  EXPECT_GT(Number(f, "distance_share"), 0.5);
  EXPECT_LT(Number(f, "distance_share"), 1);
  // Not known what calibration saw: the range itself is to blame.
  layer.calibrated = nullptr;
  EXPECT_EQ(KindsOf(layer), Kinds{"saturation"});
}

TEST(Finding, NarrowCalibrationIsOneForTheNetwork) {
  LayerFacts layer = Healthy();
  layer.calibrated = RecordOf(Normal(8000, 0.15f, 3));
  LayerFacts worse = layer;
  worse.calibrated = RecordOf(Normal(8000, 0.05f, 3));
  const std::vector<Finding> found = FindAll(std::vector{layer, worse, Healthy()});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].places, (std::vector<size_t>{1, 0}));
  EXPECT_EQ(found[0].fixes.size(), 2u);
}

TEST(Finding, WideRange) {
  LayerFacts layer = Healthy();
  layer.codes = CodesOf(-400, 400);
  EXPECT_EQ(KindsOf(layer), Kinds{"wide_range"});
  EXPECT_NEAR(Number(Only(layer, "wide_range"), "wide_db"), 40, 3);
  layer.codes = CodesOf(-5, 5);
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, OutlierChannel) {
  std::vector<float> values = Normal(8000, 1);
  for (size_t i = 5; i < values.size(); i += 8) values[i] *= 100;
  LayerFacts layer = Healthy();
  layer.seen = layer.calibrated = RecordOf(values);
  layer.codes = CodesOf(-400, 400);
  layer.equalizable = true;
  EXPECT_EQ(KindsOf(layer), Kinds{"outlier_channel"});
  const Finding f = Only(layer, "outlier_channel");
  EXPECT_EQ(Number(f, "channel"), 5);
  EXPECT_EQ(Number(f, "outliers"), 1);
  EXPECT_EQ(f.fixes[0].kind, FixKind::kEqualize);
  layer.equalizable = false;
  EXPECT_EQ(Only(layer, "outlier_channel").fixes[0].kind, FixKind::kKeepReadersFloat);
  // Channels of a concatenation are those of branches.
  layer.compared.op = "Concat";
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, WeightChannels) {
  LayerFacts layer = Healthy();
  layer.weight->reach = {1, 0.9, 100, 0.8};
  EXPECT_EQ(KindsOf(layer), Kinds{"weight_channels"});
  EXPECT_EQ(Number(Only(layer, "weight_channels"), "channel"), 2);
  layer.weight->one_scale = false;
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, JoinedBranches) {
  LayerFacts layer = Healthy();
  layer.branches = {{"a", 4.0}, {"b", 0.02}};
  EXPECT_EQ(KindsOf(layer), Kinds{"joined_branches"});
  EXPECT_NE(Only(layer, "joined_branches").what.find("'b' reaches 0.02"), std::string::npos);
  layer.branches = {{"a", 4.0}, {"dead", 0.0}};
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, BiasOverflow) {
  LayerFacts layer = Healthy();
  layer.biases = {{1, 3.0, false}, {6, 50.0, false}};
  EXPECT_EQ(KindsOf(layer), Kinds{"bias_overflow"});
  Finding f = Only(layer, "bias_overflow");
  EXPECT_EQ(Number(f, "channel"), 6);
  EXPECT_EQ(Number(f, "channels"), 2);
  EXPECT_EQ(f.fixes[0].kind, FixKind::kFitBias);
  layer.biases = {{1, 3.0, true}};  // adze has enlarged the one scale of all channels
  EXPECT_EQ(Only(layer, "bias_overflow").fixes[0].kind, FixKind::kPerChannelWeights);
  layer.weight->one_scale = false;
  EXPECT_EQ(Only(layer, "bias_overflow").fixes[0].kind, FixKind::kKeepFloat);
}

TEST(Finding, RoundedActivation) {
  LayerFacts layer = Healthy();
  layer.before_activation = true;
  layer.compared.own_sqnr_db = 49;
  layer.weight.reset();
  EXPECT_EQ(KindsOf(layer), Kinds{"rounded_activation"});
  layer.codes.reset();
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, LayerError) {
  LayerFacts layer = Healthy();
  layer.compared.own_sqnr_db = 12;
  EXPECT_EQ(KindsOf(layer), Kinds{"layer_error"});
  layer.weight.reset();
  EXPECT_EQ(KindsOf(layer), Kinds{});
}

TEST(Finding, DeadChannels) {
  std::vector<float> values = Normal(8000, 1);
  for (size_t i = 3; i < values.size(); i += 8) values[i] = 0.25f;
  LayerFacts layer = Healthy();
  layer.seen = layer.calibrated = RecordOf(values);
  EXPECT_EQ(KindsOf(layer), Kinds{"dead_channels"});
  EXPECT_EQ(Number(Only(layer, "dead_channels"), "dead"), 1);
}

Finding Made(const char* kind, std::vector<size_t> places, std::optional<double> gain) {
  Finding f;
  f.kind = kind;
  f.places = std::move(places);
  f.gain_db = gain;
  return f;
}

std::vector<std::string> RankedKinds(std::vector<Finding> findings, size_t* num_dismissed) {
  std::vector<LayerFacts> layers(4);
  layers[0].compared.name = "a";
  layers[1].compared.name = "b";
  layers[1].reads = {"a"};
  layers[2].compared.name = "c";
  layers[3].compared.name = "d";
  layers[3].reads = {"b"};
  std::vector<Finding> dismissed;
  std::vector<std::string> kinds;
  for (const Finding& f : Rank(std::move(findings), layers, 20, &dismissed))
    kinds.emplace_back(f.kind);
  *num_dismissed = dismissed.size();
  return kinds;
}

TEST(Rank, ByMeasuredGain) {
  size_t dismissed = 0;
  EXPECT_EQ(RankedKinds({Made("dead_channels", {0}, {}), Made("saturation", {0}, 2.0),
                         Made("wide_range", {2}, 8.0), Made("outlier_channel", {1}, 0.5)},
                        &dismissed),
            (std::vector<std::string>{"wide_range", "saturation", "dead_channels"}));
  EXPECT_EQ(dismissed, 1u);
}

TEST(Rank, CausesInsteadOfSymptoms) {
  size_t dismissed = 0;
  // Layer b reads a, which saturates: leaving b in float helps as much, and is not the cause.
  EXPECT_EQ(RankedKinds({Made("saturation", {0}, 9.0), Made("layer_error", {1}, 10.0),
                         Made("layer_error", {2}, 4.0)},
                        &dismissed),
            (std::vector<std::string>{"saturation", "layer_error"}));
  EXPECT_EQ(dismissed, 1u);
  // It explains a part only: told, but after its cause.
  EXPECT_EQ(RankedKinds({Made("saturation", {0}, 5.0), Made("layer_error", {1}, 10.0)}, &dismissed),
            (std::vector<std::string>{"saturation", "layer_error"}));
  EXPECT_EQ(RankedKinds({Made("saturation", {0}, 5.0), Made("layer_error", {2}, 10.0)}, &dismissed),
            (std::vector<std::string>{"layer_error", "saturation"}));
  // d reads a through b, which is no multiply-accumulate; c reads neither.
  EXPECT_EQ(RankedKinds({Made("saturation", {0}, 9.0), Made("layer_error", {2}, 10.0)}, &dismissed),
            (std::vector<std::string>{"layer_error", "saturation"}));
  EXPECT_EQ(RankedKinds({Made("saturation", {0}, 9.0), Made("layer_error", {3}, 10.0)}, &dismissed),
            std::vector<std::string>{"saturation"});
  // Repaired biases come before layers that gain a little.
  EXPECT_EQ(
      RankedKinds({Made("layer_error", {2}, 2.0), Made("bias_overflow", {0}, 0.0)}, &dismissed),
      (std::vector<std::string>{"bias_overflow", "layer_error"}));
}

TEST(Rank, TogetherOnlyIfMoreThanTheBestAlone) {
  size_t dismissed = 0;
  EXPECT_EQ(RankedKinds({Made("weight_channels", {0}, 2.0), Made("weight_channels", {1}, 1.5),
                         Made("weight_channels", {0, 1}, 9.0)},
                        &dismissed)
                .size(),
            3u);
  EXPECT_EQ(RankedKinds({Made("weight_channels", {0}, 9.0), Made("weight_channels", {1}, 0.1),
                         Made("weight_channels", {0, 1}, 9.2)},
                        &dismissed)
                .size(),
            1u);
}

TEST(Rank, LayersTogetherOnlyWhereNoCauseIsKnown) {
  size_t dismissed = 0;
  const auto layers = Made("layer_error", {0, 1, 2}, 12.0);
  EXPECT_EQ(RankedKinds({Made("layer_error", {0}, 1.5), layers}, &dismissed).size(), 2u);
  EXPECT_EQ(RankedKinds({Made("saturation", {2}, 5.0), layers}, &dismissed),
            std::vector<std::string>{"saturation"});
}

TEST(Rank, ProblemsTakeHalfOfTheErrorOfAnOutputThatNeedsIt) {
  EXPECT_TRUE(IsProblem(Made("saturation", {0}, 3.1), 20));
  EXPECT_FALSE(IsProblem(Made("saturation", {0}, 2.9), 20));
  EXPECT_FALSE(IsProblem(Made("saturation", {0}, 6.0), 35));
  EXPECT_FALSE(IsProblem(Made("saturation", {0}, {}), 20));
}

TEST(Facts, EffectOfRange) {
  const auto record = RecordOf(Normal(16000, 1));
  const RangeEffect wide = EffectOfRange(*record, CodesOf(-8, 8));
  EXPECT_NEAR(wide.signal / 16000, 1, 0.02);
  EXPECT_NEAR(wide.rounding / 16000 / (wide.signal / 16000), (16.0 / 255) * (16.0 / 255) / 12,
              3e-5);
  EXPECT_EQ(wide.clip, 0);
  const RangeEffect half = EffectOfRange(*record, CodesOf(0, 8));
  EXPECT_NEAR(half.clip / half.signal, 0.5, 0.02);
  EXPECT_NEAR(half.clipped_share, 0.5, 0.03);
}

}  // namespace
}  // namespace adze
