// Leaves the layers that hurt most in float, one by one, by what the outputs gain when they are.
#include <algorithm>
#include <cmath>

#include "search/ladder.h"

namespace adze {
namespace {

// How many of the layers that help most alone are measured together with those chosen already:
// errors interact, so the order alone is only a guess.
constexpr size_t kLookAhead = 8;
// A layer's price is its share of all multiply-accumulates plus this, so that of two layers that
// help alike the smaller is left in float, and one that helps little is not taken for being small.
constexpr double kBasePrice = 0.02;
// Far up, more than one layer at a time: a network of 200 layers is not evaluated 200 times.
constexpr size_t kLayersPerStep = 16;

Result<std::optional<Candidate>> Next(const Candidate* current, LadderEnvironment& environment) {
  const std::span<const Layer> layers = environment.layers();
  Candidate next = {"float layers", {}};
  if (current != nullptr) next.float_layers = current->float_layers;
  // At least one layer is int8: a network all in float is not compressed.
  if (next.float_layers.size() + 1 >= layers.size()) return std::optional<Candidate>();

  double all_macs = 1;
  for (const Layer& l : layers) all_macs += static_cast<double>(l.macs);
  const auto price = [&](size_t i) {
    return static_cast<double>(layers[i].macs) / all_macs + kBasePrice;
  };

  std::vector<std::set<std::string>> alone = {{}};
  for (const Layer& l : layers) alone.push_back({l.name});
  ADZE_ASSIGN(const std::vector<double> errors, environment.OutputErrors(alone));
  const auto worth_alone = [&](size_t i) { return (errors[0] - errors[i + 1]) / price(i); };

  const size_t step = 1 + next.float_layers.size() / kLayersPerStep;
  for (size_t taken = 0; taken < step && next.float_layers.size() + 1 < layers.size(); ++taken) {
    std::vector<size_t> candidates;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!next.float_layers.contains(layers[i].name)) candidates.push_back(i);
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](size_t a, size_t b) { return worth_alone(a) > worth_alone(b); });
    candidates.resize(std::min(candidates.size(), kLookAhead));
    std::vector<std::set<std::string>> sets = {next.float_layers};
    for (const size_t i : candidates) {
      sets.push_back(next.float_layers);
      sets.back().insert(layers[i].name);
    }
    ADZE_ASSIGN(const std::vector<double> together, environment.OutputErrors(sets));
    size_t best = 0;
    double most = -HUGE_VAL;
    for (size_t c = 0; c < candidates.size(); ++c) {
      const double worth = (together[0] - together[c + 1]) / price(candidates[c]);
      if (worth > most) {
        most = worth;
        best = candidates[c];
      }
    }
    next.float_layers.insert(layers[best].name);
  }
  return std::optional(std::move(next));
}

}  // namespace

extern constexpr RungDef kFloatLayersRung = {
    "float layers", "the layers whose quantization hurts most stay float, one by one", Next};

}  // namespace adze
