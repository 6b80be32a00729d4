// Findings: what the facts of a layer say is wrong, how much is at stake, and what would help. One
// file per kind in kinds/ and one row in finding_list.inc; each a pure function. What a fix is
// worth is measured later (what_if.h), and findings are ranked by that.
#ifndef ADZE_SEARCH_DIAGNOSIS_FINDING_H_
#define ADZE_SEARCH_DIAGNOSIS_FINDING_H_

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "search/diagnosis/facts.h"

namespace adze {

enum class FixKind {
  kRange,              // other codes for the tensor (and those that share them): Fix::range
  kPerChannelWeights,  // one scale per output channel
  kEqualize,           // factors per channel in the weights around the tensor
  kKeepFloat,          // the layer that computes the tensor
  kKeepReadersFloat,   // the layers that read it
  kUnround,            // the tensor, up to the activation that reads it
  kFitBias,            // the channel's weight scale enlarged until the bias fits
};

struct Fix {
  FixKind kind = FixKind::kRange;
  Codes range;
};

struct Finding {
  const char* kind = "";       // FindingDef::name
  std::vector<size_t> places;  // indices of layers, the worst first; one unless taken together
  std::string what;            // a clause with the numbers that matter
  std::vector<std::pair<const char*, double>> numbers;
  double severity_db = 0;  // what is at stake in the tensor, by estimate: orders what is measured
  std::vector<Fix> fixes;  // one per place, applied together; empty: none is known
  std::string advice;      // the fix in words; may be there without `fixes`
  std::optional<double> gain_db;  // of the output's SQNR with the fix, measured
};

struct FindingDef {
  const char* name;
  const char* title;  // a few words
  // What the layer's facts show, without `kind` and `places`; nothing when all is well.
  std::optional<Finding> (*find)(const LayerFacts& layer);
  bool always = false;  // worth telling even if no fix is known or it changes nothing
  // Several places are one finding only: it is the data's or the network's, not a tensor's.
  bool whole_network = false;
  // The fix of all places at once, as a sentence; null: not offered.
  const char* together = nullptr;
  size_t best_only = 0;  // or only of that many, which gain most alone; 0: of all
};
std::span<const FindingDef* const> AllFindings();
const FindingDef& FindingOf(const char* name);  // must be one

// What is wrong with every layer, each kind's worst first, kinds in the order of the list.
std::vector<Finding> FindAll(std::span<const LayerFacts> layers);

// For several findings of one kind, one that stands for all of them, with the fixes of all.
Finding TakenTogether(std::span<const Finding> findings);

// A fix that takes away half of the output's error makes a problem of a finding, unless the output
// is good anyway; one that takes away a fifth is worth telling.
inline constexpr double kProblemDb = 3.0;
inline constexpr double kWorthDb = 1.0;
inline constexpr double kGoodOutputDb = 30.0;
bool IsProblem(const Finding& f, double output_sqnr_db);

// Those worth telling, by measured gain, and after them those without one. A layer that loses much
// is a symptom: it is left out where a cause in it or in what it reads explains it, comes after
// that cause where it explains a part, and if it is no problem after all causes.
std::vector<Finding> Rank(std::vector<Finding> findings, std::span<const LayerFacts> layers,
                          double output_sqnr_db, std::vector<Finding>* dismissed);

// Text for Finding::what.
[[gnu::format(printf, 1, 2)]] std::string Clause(const char* format, ...);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_FINDING_H_
