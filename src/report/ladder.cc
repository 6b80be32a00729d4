// What adze tried, in order, and what every step cost and gained.
#include <algorithm>
#include <cmath>

#include "report/comparison.h"
#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

struct Chart {
  const char* title;
  Number Rung::*value;
  Range Rung::*interval;  // or null
  Number limit;
  std::string (*format)(Number);
};

std::string DropText(Number points) { return points ? Fixed(*points, 2) : kUnknown; }

// One bar per rung on an axis that holds zero, all values, their intervals and the limit.
void WriteChart(const Evidence& e, const Chart& chart, Markup& m) {
  double low = 0;
  double high = chart.limit.value_or(0);
  int known = 0;
  for (const Rung& r : e.rungs) {
    const Number v = r.*chart.value;
    if (!v || !std::isfinite(*v)) continue;
    ++known;
    const Range i = chart.interval ? r.*chart.interval : Range();
    low = std::min({low, *v, i ? i->first : 0});
    high = std::max({high, *v, i ? i->second : 0});
  }
  if (known == 0 || !(high > low) || !std::isfinite(high - low)) return;
  const auto x = [&](double v) { return 100 * (v - low) / (high - low); };
  m.Open("figure", {{"class", "bars"}}).Open("figcaption").Element("b", chart.title);
  if (chart.limit) {
    m.Text(" ").Element("span", "budget " + chart.format(chart.limit), {{"class", "limit-key"}});
  }
  m.Close();
  for (size_t k = 0; k < e.rungs.size(); ++k) {
    const Rung& r = e.rungs[k];
    const Number v = r.*chart.value;
    const bool drawn = v && std::isfinite(*v);
    m.Open("div", {{"class", r.chosen ? "bar chosen" : "bar"}});
    m.Element("span", std::to_string(k + 1) + ". " + Shorten(r.name, 40), {{"class", "what"}});
    std::vector<Bar> bars, lines;
    if (drawn) {
      bars.push_back({x(std::min(*v, 0.0)), x(std::max(*v, 0.0)), "int8", 3, 10});
      if (const Range i = chart.interval ? r.*chart.interval : Range(); i) {
        lines.push_back({x(i->first), x(i->second), "whisker", 8, 0});
      }
    }
    if (low < 0) lines.push_back({x(0), x(0), "axis", 0, 16});
    if (chart.limit) lines.push_back({x(*chart.limit), x(*chart.limit), "limit", 0, 16});
    BarSvg(m, 16, bars, lines);
    m.Element("span", chart.format(v), {{"class", "num"}});
    m.Close();
  }
  m.Close();
}

// "a, b, c and 4 more".
std::string FirstOf(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + Shorten(names[i], 40);
  }
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

void RungCell(const Rung& r, size_t index, Markup& m) {
  m.Open("th", {{"scope", "row"}, {"class", "wordy"}});
  m.Text(std::to_string(index + 1) + ". " + Shorten(r.name, 80));
  if (r.chosen) m.Text(" ").Element("span", "chosen", {{"class", "tag int8"}});
  if (!r.description.empty()) m.Element("span", r.description, {{"class", "more"}});
  if (!r.float_layers.empty()) {
    m.Element("span", "in float: " + FirstOf(r.float_layers), {{"class", "more"}});
  }
  if (r.met) {
    m.Open("span", {{"class", "more"}});
    m.Element("b", *r.met ? "✓ budget met" : "✗ budget missed",
              {{"class", *r.met ? "good" : "bad"}});
    for (size_t i = 0; i < r.unmet.size(); ++i) {
      m.Text((i == 0 ? ": " : "; ") + Shorten(r.unmet[i], 200));
    }
    m.Close();
  }
  m.Close();
}

}  // namespace

void WriteLadder(const View& view, Markup& m) {
  const Evidence& e = view.e;
  if (e.rungs.empty()) return;
  Note(m,
       "adze climbs a ladder: each rung spends a little more size, time or effort than the one "
       "before to win accuracy back. The rung that became the result is marked.");
  m.Open("div", {{"class", "charts"}});
  WriteChart(e,
             {"Accuracy lost, points", &Rung::drop_points, &Rung::drop_ci95_points,
              e.budget.max_drop_points, DropText},
             m);
  // Points say more of accuracy where there are points.
  if (e.budget.min_sqnr_db || !e.after.drop_points) {
    WriteChart(e, {"Output SQNR", &Rung::sqnr_db, nullptr, e.budget.min_sqnr_db, Decibels}, m);
  }
  WriteChart(e, {"File size", &Rung::size_bytes, nullptr, e.budget.max_size_bytes, Bytes}, m);
  WriteChart(
      e, {"Latency, median", &Rung::latency_ms, nullptr, e.budget.max_latency_ms, Milliseconds}, m);
  m.Close();
  const MetricText metric = DescribeMetric(e);
  const auto any = [&](Number Rung::*field) {
    return std::any_of(e.rungs.begin(), e.rungs.end(), [&](const Rung& r) { return r.*field; });
  };
  const bool points = any(&Rung::drop_points);
  const bool changed = any(&Rung::flip_rate);
  std::vector<Column> columns = {{"Rung"}};
  if (!metric.sqnr) columns.push_back({metric.label.c_str(), true});
  if (points) columns.push_back({"Points lost", true, "with its 95 % interval"});
  if (changed) columns.push_back({"Changed", true, "decisions that changed"});
  for (const Column& c :
       {Column{"SQNR", true, "of the output"}, Column{"Size", true},
        Column{"Latency", true, "median"}, Column{"Memory", true},
        Column{"In float", true, "layers kept in float so far"}, Column{"Took", true}}) {
    columns.push_back(c);
  }
  BeginTable(m, "Rungs of the ladder", columns);
  for (size_t k = 0; k < e.rungs.size(); ++k) {
    const Rung& r = e.rungs[k];
    m.Open("tr", {{"class", r.chosen ? std::string_view("chosen") : std::string_view()}});
    RungCell(r, k, m);
    if (!metric.sqnr) NumberCell(m, r.value, MetricValue(metric, r.value));
    if (points) {
      NumberCell(m, r.drop_points, DropText(r.drop_points), Interval(r.drop_ci95_points, 1, 2));
    }
    if (changed) NumberCell(m, r.flip_rate, Percent(r.flip_rate));
    NumberCell(m, r.sqnr_db, Decibels(r.sqnr_db));
    NumberCell(m, r.size_bytes, Bytes(r.size_bytes));
    NumberCell(m, r.latency_ms, Milliseconds(r.latency_ms));
    NumberCell(m, r.memory_bytes, Bytes(r.memory_bytes));
    const auto in_float = static_cast<double>(r.float_layers.size());
    NumberCell(m, in_float, Count(in_float));
    NumberCell(m, r.seconds, Seconds(r.seconds));
    m.Close();
  }
  EndTable(m);
}

}  // namespace adze::report
