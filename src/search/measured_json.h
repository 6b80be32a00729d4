// Measurements of a rung as journal and lock hold them.
#ifndef ADZE_SEARCH_MEASURED_JSON_H_
#define ADZE_SEARCH_MEASURED_JSON_H_

#include <string>

#include "search/journal.h"
#include "search/ladder.h"

namespace adze {

// [low, high], or null.
Journal::Json IntervalToJson(const std::optional<Interval>& interval);

// Without latency_ms, which has an entry of its own.
Journal::Json MeasuredToJson(const Measured& measured);

// Of what MeasuredToJson wrote, perhaps edited by hand since: numbers that lack become NaN, which
// meets no budget; refuses anything else, naming `key`.
Result<Measured> MeasuredFromJson(const Journal::Json& json, const std::string& key);

}  // namespace adze

#endif  // ADZE_SEARCH_MEASURED_JSON_H_
