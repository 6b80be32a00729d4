#include "report/comparison.h"

#include "eval/metric.h"
#include "report/numbers.h"

namespace adze::report {
namespace {

// A quantity that is better when smaller, with an upper limit in the budget.
ComparisonRow Cost(const char* label, Number before, Number after, Number limit,
                   std::string (*format)(Number), const char* less, const char* more) {
  ComparisonRow row;
  row.label = label;
  if (before) row.before = format(before);
  if (after) row.after = format(after);
  row.change = Ratio(before, after, less, more);
  if (limit) {
    row.limit = "at most " + format(limit);
    if (after) row.within = *after <= *limit;
  }
  return row;
}

ComparisonRow MetricRow(const Evidence& e) {
  const MetricText metric = DescribeMetric(e);
  ComparisonRow row;
  row.label = metric.label;
  if (e.before.value) row.before = MetricValue(metric, e.before.value);
  if (e.after.value) row.after = MetricValue(metric, e.after.value);
  const double scale = metric.rate ? 100 : 1;
  row.before_more = Interval(e.before.ci95, scale, metric.rate ? 1 : 3);
  row.after_more = Interval(e.after.ci95, scale, metric.rate ? 1 : 3);
  if (const Number drop = e.after.drop_points; drop) {
    row.change = Points(-*drop);
    if (const Range& r = e.after.drop_ci95_points; r) {
      row.change_more = Interval(std::pair(-r->second, -r->first), 1, 2);
    }
    if (e.budget.max_drop_points) row.within = *drop <= *e.budget.max_drop_points;
  } else if (e.before.value && e.after.value) {
    const double difference = *e.after.value - *e.before.value;
    row.change = metric.rate ? Points(100 * difference) : Significant(difference);
  }
  if (e.budget.max_drop_points) {
    row.limit = "at most " + Fixed(*e.budget.max_drop_points, 2) + kSpace + "points lost";
  }
  return row;
}

}  // namespace

MetricText DescribeMetric(const Evidence& e) {
  const std::string& name = e.data.metric;
  MetricText text;
  text.sqnr = name == "sqnr_db";
  text.label = name == "top1"   ? "Top-1 accuracy"
               : name == "top5" ? "Top-5 accuracy"
               : name.empty()   ? "Metric"
                                : "Metric " + name;
  if (const MetricDef* const def = FindMetric(name); def != nullptr) {
    text.meaning = def->doc;
    text.rate = def->is_rate;
  } else {
    // Points are per cent: a file that counts a drop in points has a rate.
    text.rate = e.after.drop_points.has_value() && e.after.value.value_or(0) <= 1;
  }
  return text;
}

std::string MetricValue(const MetricText& metric, Number value) {
  if (metric.rate) return Percent(value);
  return value ? Significant(*value, 4) : kUnknown;
}

std::vector<ComparisonRow> Compare(const Evidence& e) {
  std::vector<ComparisonRow> rows;
  const auto add = [&](ComparisonRow row, bool minor = false) {
    row.minor = minor;
    if (!row.before.empty() || !row.after.empty()) rows.push_back(std::move(row));
  };
  const Latency& was = e.before.latency;
  const Latency& is = e.after.latency;
  if (!DescribeMetric(e).sqnr) add(MetricRow(e));
  ComparisonRow flips;
  flips.label = "Decisions that changed";
  if (e.after.flip_rate) flips.after = Percent(e.after.flip_rate);
  add(std::move(flips), true);
  ComparisonRow sqnr;
  sqnr.label = "Output SQNR";
  if (e.after.sqnr_db) sqnr.after = Decibels(e.after.sqnr_db);
  const Number least = e.budget.min_sqnr_db;
  if (least) {
    sqnr.limit = "at least " + Decibels(least);
    if (e.after.sqnr_db) sqnr.within = *e.after.sqnr_db >= *least;
  }
  add(std::move(sqnr), !least);
  add(Cost("File size", e.before.size_bytes, e.after.size_bytes, e.budget.max_size_bytes, Bytes,
           "smaller", "larger"));
  add(Cost("Latency, median", was.p50_ms, is.p50_ms, e.budget.max_latency_ms, Milliseconds,
           "faster", "slower"));
  add(Cost("95th percentile", was.p95_ms, is.p95_ms, {}, Milliseconds, "faster", "slower"), true);
  add(Cost("99th percentile", was.p99_ms, is.p99_ms, {}, Milliseconds, "faster", "slower"), true);
  add(Cost("Best", was.min_ms, is.min_ms, {}, Milliseconds, "faster", "slower"), true);
  add(Cost("Memory", e.before.memory_bytes, e.after.memory_bytes, e.budget.max_memory_bytes, Bytes,
           "less", "more"));
  ComparisonRow share;
  share.label = "MACs on 8-bit integers";
  if (e.after.int8_macs_share) share.after = Percent(e.after.int8_macs_share, 1);
  add(std::move(share));
  return rows;
}

}  // namespace adze::report
