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

// Whether the judged output is a row of several numbers, of which the largest is an answer. False
// for one number per sample and for several axes.
bool HasScores(const Graph& graph, const Dataset& dataset);

// Whether SQNR judges the output at `index`: the one that the data set names, else every one that
// is float.
bool SqnrJudges(const Graph& graph, const Dataset& dataset, size_t index);

// Refuses metrics and budgets that say nothing about the judged output. Warns of outputs that
// nothing judges, and of a rate over more than a row of scores.
Status CheckJudged(const Graph& graph, const Dataset& dataset, const Recipe& recipe,
                   std::vector<std::string>* warnings);

// `before`: the float network; `evaluated`: samples of the evaluation split.
void AddWarnings(const Recipe& recipe, const Climb& climb, const Measured& before,
                 const DataHash& data, int64_t evaluated, bool replayed,
                 std::vector<std::string>* warnings);

}  // namespace adze

#endif  // ADZE_SEARCH_CHECKS_H_
