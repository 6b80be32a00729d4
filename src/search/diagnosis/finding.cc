#include "search/diagnosis/finding.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>

namespace adze {

#define ADZE_FINDING(symbol) extern const FindingDef symbol;
#include "search/diagnosis/finding_list.inc"
#undef ADZE_FINDING

namespace {

// How much of a layer's gain a cause must give for the layer not to be told beside it.
constexpr double kExplains = 0.7;

double GainOf(const Finding& f) { return f.gain_db.value_or(0); }

// The layer's tensor and what it is computed from, up to the results of other multiply-accumulates:
// what is not rounded any more when the layer stays in float.
std::set<std::string> Reach(const LayerFacts& layer, std::span<const LayerFacts> layers) {
  std::set<std::string> reached = {layer.compared.name};
  std::vector<const LayerFacts*> open = {&layer};
  while (!open.empty()) {
    const LayerFacts& at = *open.back();
    open.pop_back();
    for (const std::string& name : at.reads) {
      if (!reached.insert(name).second) continue;
      for (const LayerFacts& l : layers) {
        if (l.compared.name == name && !l.weight) open.push_back(&l);
      }
    }
  }
  return reached;
}

bool Touches(const Finding& cause, const std::set<std::string>& reach,
             std::span<const LayerFacts> layers) {
  return std::any_of(cause.places.begin(), cause.places.end(),
                     [&](size_t i) { return reach.contains(layers[i].compared.name); });
}

}  // namespace

std::span<const FindingDef* const> AllFindings() {
  static constexpr const FindingDef* kFindings[] = {
#define ADZE_FINDING(symbol) &symbol,
#include "search/diagnosis/finding_list.inc"
#undef ADZE_FINDING
  };
  return kFindings;
}

const FindingDef& FindingOf(const char* name) {
  const auto all = AllFindings();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const FindingDef* d) { return std::strcmp(d->name, name) == 0; });
  ADZE_CHECK(found != all.end());
  return **found;
}

std::vector<Finding> FindAll(std::span<const LayerFacts> layers) {
  std::vector<Finding> all;
  for (const FindingDef* def : AllFindings()) {
    std::vector<Finding> found;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::optional<Finding> f = def->find(layers[i]);
      if (!f) continue;
      f->kind = def->name;
      f->places = {i};
      found.push_back(std::move(*f));
    }
    std::stable_sort(found.begin(), found.end(), [](const Finding& a, const Finding& b) {
      return a.severity_db > b.severity_db;
    });
    if (def->whole_network && found.size() > 1) found = {TakenTogether(found)};
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

Finding TakenTogether(std::span<const Finding> findings) {
  Finding all = findings[0];
  all.gain_db.reset();
  all.places.clear();
  all.fixes.clear();
  for (const Finding& f : findings) {
    all.places.push_back(f.places[0]);
    all.fixes.insert(all.fixes.end(), f.fixes.begin(), f.fixes.end());
  }
  all.what += Clause("; %zu places in all", findings.size());
  if (const char* const together = FindingOf(all.kind).together; together != nullptr) {
    all.advice = together;
  }
  return all;
}

bool IsProblem(const Finding& f, double output_sqnr_db) {
  return f.gain_db && *f.gain_db >= kProblemDb && output_sqnr_db < kGoodOutputDb;
}

std::vector<Finding> Rank(std::vector<Finding> findings, std::span<const LayerFacts> layers,
                          double output_sqnr_db, std::vector<Finding>* dismissed) {
  const auto is_symptom = [](const Finding& f) { return std::strcmp(f.kind, "layer_error") == 0; };
  // Of a symptom: what the best of its causes gains.
  const auto caused = [&](const Finding& f) {
    double most = 0;
    const std::set<std::string> reach = Reach(layers[f.places[0]], layers);
    for (const Finding& cause : findings) {
      if (is_symptom(cause) || !Touches(cause, reach, layers)) continue;
      most = std::max(most, GainOf(cause));
    }
    return most;
  };
  // All places together must leave half of what the best one alone leaves, if that is told.
  const auto repeats = [&](const Finding& f) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& one) {
      return std::strcmp(one.kind, f.kind) == 0 && one.places.size() == 1 &&
             GainOf(one) >= kWorthDb && GainOf(one) + kProblemDb > GainOf(f);
    });
  };
  const bool cause_known = std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
    return !is_symptom(f) && GainOf(f) >= kProblemDb;
  });
  // Where no fix was measured, causes count by what they put at stake.
  const bool measured = std::any_of(findings.begin(), findings.end(),
                                    [](const Finding& f) { return f.gain_db.has_value(); });
  std::vector<std::pair<double, Finding>> told, rest;
  for (const Finding& f : findings) {
    const FindingDef& def = FindingOf(f.kind);
    bool worth =
        def.always || GainOf(f) >= kWorthDb || (!measured && !f.fixes.empty() && !is_symptom(f));
    double rank = measured ? GainOf(f) : f.severity_db;
    if (f.places.size() > 1 && !def.whole_network) {
      worth = worth && !repeats(f) && !(is_symptom(f) && cause_known);
    } else if (is_symptom(f)) {
      const double cause = caused(f);
      worth = worth && cause < kExplains * rank;
      if (cause >= kProblemDb) rank = std::min(rank, cause);
    }
    if (is_symptom(f) && !IsProblem(f, output_sqnr_db)) rank -= 1e3;
    (worth ? told : rest).emplace_back(rank, f);
  }
  const auto take = [](std::vector<std::pair<double, Finding>>* ranked) {
    // Stable, and causes come before symptoms in the list of kinds.
    std::stable_sort(ranked->begin(), ranked->end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Finding> out;
    for (auto& [rank, f] : *ranked) out.push_back(std::move(f));
    return out;
  };
  *dismissed = take(&rest);
  return take(&told);
}

std::string Clause(const char* format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return text;
}

}  // namespace adze
