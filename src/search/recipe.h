// Recipe: what the user asked of `adze compress`. Lock: what came of it, with everything that is
// needed to get the same bytes again without measuring.
#ifndef ADZE_SEARCH_RECIPE_H_
#define ADZE_SEARCH_RECIPE_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "search/journal.h"
#include "search/ladder.h"

namespace adze {

struct Recipe {
  std::string model;  // paths as given: relative ones start where adze was started
  std::string data;
  std::string calibration_split;
  std::string evaluation_split;
  int64_t samples = 256;  // of the calibration split, at most
  std::string observer = "auto";
  std::string metric;           // a name of AllMetrics()
  std::string target = "adze";  // a name of AllTargets()
  Budget budget;
};

// Its limits by name, null where there is none: as recipe, lock and evidence hold them.
nlohmann::ordered_json BudgetJson(const Budget& budget);

// YAML, as recipe.yaml holds it.
std::string RecipeYaml(const Recipe& recipe);

struct Lock {
  Recipe recipe;
  std::string tool_version;
  std::string isa;
  std::string model_sha256;  // of the file (weights in external files count through the network)
  std::string graph_hash;    // of the simplified network
  std::string data_sha256;   // of the preprocessed samples, the labels, and what is judged
  std::string fingerprint;   // over all that measurements depend on
  Journal::Entries measurements;
  std::map<std::string, std::string> files;  // name -> SHA-256
};

// recipe.lock: JSON, the same bytes for the same content.
Status WriteLock(const Lock& lock, const std::string& path);
// Refuses unknown formats, versions and fields, by name. Locks from before there was min_sqnr_db
// lack it.
Result<Lock> ReadLock(const std::string& path);

}  // namespace adze

#endif  // ADZE_SEARCH_RECIPE_H_
