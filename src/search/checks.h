// What is refused before a search, and what a reader of its result should know.
#ifndef ADZE_SEARCH_CHECKS_H_
#define ADZE_SEARCH_CHECKS_H_

#include <string>
#include <vector>

#include "data/dataset.h"
#include "ir/graph.h"
#include "search/data_hash.h"
#include "search/ladder.h"
#include "search/recipe.h"

namespace adze {

// Refuses unknown names, splits and metrics that the data cannot serve, and budgets out of range,
// naming the option.
Status CheckRecipe(const Recipe& recipe, const Dataset& dataset);

// Every rate compares arg-maxima: refuses a judged output that is one number per sample. Warns of
// outputs that are not judged, and of one that is more than a row of scores.
Status CheckJudged(const Graph& graph, const Dataset& dataset, const Recipe& recipe,
                   std::vector<std::string>* warnings);

// `before`: the float network; `evaluated`: samples of the evaluation split.
void AddWarnings(const Recipe& recipe, const Climb& climb, const Measured& before,
                 const DataHash& data, int64_t evaluated, bool replayed,
                 std::vector<std::string>* warnings);

}  // namespace adze

#endif  // ADZE_SEARCH_CHECKS_H_
