// Where the time goes: every layer before and after, the slowest first.
#include <algorithm>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

constexpr size_t kShownAtOnce = 16;

double Longest(const Layer& l) {
  return std::max(l.latency_us_before.value_or(0), l.latency_us_after.value_or(0));
}

void WriteRow(const Layer& l, double most, Markup& m) {
  m.Open("div", {{"class", "bar"}, {"data-item", l.name + " " + l.op}});
  m.Open("span", {{"class", "what"}});
  Name(m, l.name, {}, 44);
  m.Close();
  std::vector<Bar> bars;
  const auto add = [&](const Number& us, const char* kind, double y) {
    if (us && most > 0) bars.push_back({0, 100 * *us / most, kind, y, 7});
  };
  add(l.latency_us_before, "float", 1);
  add(l.latency_us_after, "int8", 9);
  BarSvg(m, 17, bars, {});
  m.Open("span", {{"class", "num"}});
  m.Text(Microseconds(l.latency_us_before) + " → " + Microseconds(l.latency_us_after));
  m.Element("span", Ratio(l.latency_us_before, l.latency_us_after, "faster", "slower"),
            {{"class", "more"}});
  m.Close().Close();
}

}  // namespace

void WriteLatencyByLayer(const View& view, Markup& m) {
  std::vector<const Layer*> layers;
  double before = 0, after = 0;
  for (const Layer& l : view.e.layers) {
    if (!l.latency_us_before && !l.latency_us_after) continue;
    layers.push_back(&l);
    before += l.latency_us_before.value_or(0);
    after += l.latency_us_after.value_or(0);
  }
  if (layers.empty()) return;
  std::stable_sort(layers.begin(), layers.end(),
                   [](const Layer* a, const Layer* b) { return Longest(*a) > Longest(*b); });
  Note(m, "Mean time of each layer within one run, the slowest first. In sum " +
              Milliseconds(before / 1e3) + " before and " + Milliseconds(after / 1e3) + " after.");
  m.Open("ul", {{"class", "legend"}});
  for (const auto& [kind, text] : {std::pair("float", "before"), std::pair("int8", "after")}) {
    m.Open("li").Open("svg", {{"width", "28"}, {"height", "12"}, {"aria-hidden", "true"}});
    m.Void("rect", {{"class", kind}, {"width", "28"}, {"height", "12"}}).Close().Text(text).Close();
  }
  m.Close();
  const double most = Longest(*layers.front());
  const size_t shown = layers.size() <= kShownAtOnce + 4 ? layers.size() : kShownAtOnce;
  m.Open("div", {{"data-filter", "Filter layers by name or operator"}});
  m.Open("div", {{"class", "bars wide-bars"}});
  for (size_t i = 0; i < shown; ++i) WriteRow(*layers[i], most, m);
  m.Close();
  if (shown < layers.size()) {
    double rest = 0;
    for (size_t i = shown; i < layers.size(); ++i) rest += layers[i]->latency_us_after.value_or(0);
    const auto more = static_cast<double>(layers.size() - shown);
    std::string summary = Count(more) + " faster layers";
    if (after > 0) summary += ", together " + Percent(rest / after, 1) + " of the time after";
    m.Open("details").Element("summary", summary);
    m.Open("div", {{"class", "bars wide-bars"}});
    for (size_t i = shown; i < layers.size(); ++i) WriteRow(*layers[i], most, m);
    m.Close().Close();
  }
  m.Close();
}

}  // namespace adze::report
