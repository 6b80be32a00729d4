// The before/after table, as text: what HTML and Markdown both print.
#ifndef ADZE_REPORT_COMPARISON_H_
#define ADZE_REPORT_COMPARISON_H_

#include <string>
#include <vector>

#include "report/evidence.h"

namespace adze::report {

// How the metric of the evidence is spoken of.
struct MetricText {
  std::string label;    // "Top-1 accuracy"
  std::string meaning;  // one sentence; empty for a metric this adze does not know
  bool rate = false;    // from 0 to 1: printed as per cent, changes as percentage points
  bool sqnr = false;    // the SQNR, which has a row or column of its own whatever the metric
};
MetricText DescribeMetric(const Evidence& e);
std::string MetricValue(const MetricText& metric, Number value);

struct ComparisonRow {
  std::string label;
  std::string before, after, change;
  // 95 % intervals of the three, or empty.
  std::string before_more, after_more, change_more;
  std::string limit;           // the budget's limit, or empty
  std::optional<bool> within;  // of the limit
  bool minor = false;          // refines the row above it
};
// Only rows of which something is known.
std::vector<ComparisonRow> Compare(const Evidence& e);

}  // namespace adze::report

#endif  // ADZE_REPORT_COMPARISON_H_
