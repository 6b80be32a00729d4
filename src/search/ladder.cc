#include "search/ladder.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace adze {

#define ADZE_RUNG(symbol) extern const RungDef symbol;
#include "search/rung_list.inc"
#undef ADZE_RUNG

std::span<const RungDef* const> AllRungs() {
  static constexpr const RungDef* kRungs[] = {
#define ADZE_RUNG(symbol) &symbol,
#include "search/rung_list.inc"
#undef ADZE_RUNG
  };
  return kRungs;
}

namespace {

template <typename... Args>
std::string Format(const char* format, Args... args) {
  char text[160];
  std::snprintf(text, sizeof(text), format, args...);
  return text;
}

// What `x` is above zero; a drop of five samples in 500 is not above 1 point for being rounded. NaN
// meets no budget.
double Above(double x) {
  constexpr double kRounding = 1e-9;
  if (std::isnan(x)) return HUGE_VAL;
  return x > kRounding ? x : 0;
}

double PointsAbove(const Budget& b, const Measured& m) {
  return b.max_drop_points ? Above(m.drop_points - *b.max_drop_points) : 0;
}

double DecibelsBelow(const Budget& b, const Measured& m) {
  return b.min_sqnr_db ? Above(*b.min_sqnr_db - m.sqnr_db) : 0;
}

bool MissesOnlyAccuracy(const Budget& budget, const Measured& m) {
  Budget rest = budget;
  rest.max_drop_points.reset();
  rest.min_sqnr_db.reset();
  return UnmetBudgets(rest, m).empty();
}

// Smaller is nearer to the accuracy that was asked.
std::array<double, 3> Distance(const Budget& budget, const Measured& m) {
  const double points = PointsAbove(budget, m);
  const double decibels = DecibelsBelow(budget, m);
  return {(points > 0 ? 1.0 : 0.0) + (decibels > 0 ? 1.0 : 0.0), points, decibels};
}

size_t BestFound(const Budget& budget, const std::vector<TriedRung>& tried) {
  size_t best = 0;
  for (size_t i = 1; i < tried.size(); ++i) {
    const Measured& m = tried[i].measured;
    if (!MissesOnlyAccuracy(budget, m)) continue;
    if (Distance(budget, m) < Distance(budget, tried[best].measured)) best = i;
  }
  return best;
}

}  // namespace

std::vector<std::string> UnmetBudgets(const Budget& budget, const Measured& m) {
  std::vector<std::string> unmet;
  if (PointsAbove(budget, m) > 0) {
    unmet.push_back(
        Format("a drop of %.4g points is above %.4g", m.drop_points, *budget.max_drop_points));
  }
  if (DecibelsBelow(budget, m) > 0) {
    unmet.push_back(Format("an SQNR of %.4g dB is below %.4g", m.sqnr_db, *budget.min_sqnr_db));
  }
  if (budget.max_size_bytes && m.size_bytes > *budget.max_size_bytes) {
    unmet.push_back(Format("a file of %lld bytes is above %lld",
                           static_cast<long long>(m.size_bytes),
                           static_cast<long long>(*budget.max_size_bytes)));
  }
  if (budget.max_latency_ms && !(m.latency_ms && *m.latency_ms <= *budget.max_latency_ms)) {
    unmet.push_back(Format("a latency of %.4g ms is above %.4g", m.latency_ms.value_or(NAN),
                           *budget.max_latency_ms));
  }
  if (budget.max_memory_bytes && m.memory_bytes > *budget.max_memory_bytes) {
    unmet.push_back(Format("%lld bytes of memory are above %lld",
                           static_cast<long long>(m.memory_bytes),
                           static_cast<long long>(*budget.max_memory_bytes)));
  }
  return unmet;
}

Result<Climb> ClimbLadder(const Budget& budget, LadderEnvironment& environment) {
  Climb climb;
  for (const RungDef* rung : AllRungs()) {
    while (true) {
      const Candidate* const current =
          climb.tried.empty() ? nullptr : &climb.tried.back().candidate;
      const auto start = std::chrono::steady_clock::now();
      ADZE_ASSIGN(std::optional<Candidate> next, rung->next(current, environment));
      if (!next) break;
      ADZE_ASSIGN(Measured measured, environment.Measure(*next));
      std::vector<std::string> unmet = UnmetBudgets(budget, measured);
      climb.tried.push_back({std::move(*next), std::move(measured), std::move(unmet), 0});
      climb.tried.back().seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      const TriedRung& last = climb.tried.back();
      climb.met = last.unmet.empty();
      climb.chosen = climb.met ? climb.tried.size() - 1 : BestFound(budget, climb.tried);
      if (climb.met || !MissesOnlyAccuracy(budget, last.measured)) return climb;
    }
  }
  return climb;
}

}  // namespace adze
