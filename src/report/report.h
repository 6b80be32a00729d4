// Evidence -> a report for people: one HTML file that asks for nothing outside itself, or Markdown.
// Both are functions of the evidence alone, to the byte.
#ifndef ADZE_REPORT_REPORT_H_
#define ADZE_REPORT_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"

namespace adze {

// `evidence` as docs/evidence.md describes it. What it leaves out or has as null is left out of the
// report; a value of the wrong kind, another format or version is InvalidInput naming the field.
Result<std::string> RenderHtml(const nlohmann::ordered_json& evidence);

// The short form for terminals and pull requests: verdict, before/after table, rungs, float layers,
// warnings, files.
Result<std::string> RenderMarkdown(const nlohmann::ordered_json& evidence);

}  // namespace adze

#endif  // ADZE_REPORT_REPORT_H_
