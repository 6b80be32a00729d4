#include "report/view.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"

namespace adze::report {
namespace {

template <typename Item>
void Index(const std::vector<Item>& items, std::unordered_map<std::string_view, size_t>* index) {
  for (size_t i = 0; i < items.size(); ++i) index->emplace(items[i].name, i);
}

// One number, or how many there are and between which they lie.
std::string Spread(const std::vector<double>& values, int digits) {
  if (values.empty()) return kUnknown;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return Significant(*low, digits);
  return Count(static_cast<double>(values.size())) + " channels, " + Significant(*low, digits) +
         " to " + Significant(*high, digits);
}

}  // namespace

View::View(const Evidence& evidence) : e(evidence) {
  Index(e.tensors, &tensor);
  Index(e.layers, &layer);
  Index(e.nodes, &node);
}

int64_t Find(const std::unordered_map<std::string_view, size_t>& index, std::string_view name) {
  const auto it = index.find(name);
  return it == index.end() ? -1 : static_cast<int64_t>(it->second);
}

std::string Id(const char* kind, size_t index) { return kind + std::to_string(index); }

void BeginTable(Markup& m, std::string_view label, const std::vector<Column>& columns,
                bool sortable) {
  m.Open("div", {{"class", "wide"}, {"role", "group"}, {"tabindex", "0"}, {"aria-label", label}});
  m.Open("table", {{"class", sortable ? std::string_view("sortable") : std::string_view()},
                   {"aria-label", label}});
  m.Open("thead").Open("tr");
  for (const Column& c : columns) {
    const std::string_view hint = *c.hint ? std::string_view(c.hint) : std::string_view();
    const std::string_view kind = c.number ? std::string_view("num") : std::string_view();
    m.Element("th", c.title, {{"scope", "col"}, {"class", kind}, {"title", hint}});
  }
  m.Close().Close().Open("tbody");
}

void EndTable(Markup& m) { m.Close().Close().Close(); }

void NumberCell(Markup& m, Number value, std::string_view text, std::string_view more) {
  // Infinities as JavaScript reads them.
  const std::string raw = !value                  ? ""
                          : std::isfinite(*value) ? Raw(*value)
                          : *value > 0            ? "Infinity"
                                                  : "-Infinity";
  m.Open("td", {{"class", "num"}, {"data-v", value ? std::string_view(raw) : std::string_view()}});
  m.Text(text);
  if (!more.empty()) m.Element("span", more, {{"class", "more"}});
  m.Close();
}

void Name(Markup& m, std::string_view name, std::string_view href, size_t max_characters) {
  const std::string shown = name.empty() ? "(no name)" : Shorten(name, max_characters);
  const std::string_view whole = shown.size() < name.size() ? name : std::string_view();
  if (!href.empty()) m.Open("a", {{"href", href}});
  m.Open("code", {{"title", whole}});
  for (size_t begin = 0; begin < shown.size();) {  // may break behind separators
    const size_t end = std::min(shown.find_first_of("/._:", begin), shown.size() - 1) + 1;
    m.Text(std::string_view(shown).substr(begin, end - begin));
    if (end < shown.size()) m.Raw("<wbr/>");
    begin = end;
  }
  m.Close();
  if (!href.empty()) m.Close();
}

void Note(Markup& m, std::string_view text) { m.Element("p", text, {{"class", "note"}}); }

void PrecisionTag(Markup& m, Precision precision) {
  if (precision == Precision::kUnknown) return;
  const bool integer = precision == Precision::kInt8;
  m.Element("span", integer ? "int8" : "float", {{"class", integer ? "tag int8" : "tag float"}});
}

std::string ScaleText(const Tensor& tensor) { return Spread(tensor.scale, 3); }
std::string ZeroPointText(const Tensor& tensor) { return Spread(tensor.zero_point, 3); }

std::string Coordinate(double x) {
  // Plain ASCII digits: Fixed is for people.
  const double rounded = std::round(std::clamp(x, -1e6, 1e6) * 100) / 100;
  return Raw(std::isnan(rounded) ? 0 : rounded + 0.0);  // no "-0"
}

void BarSvg(Markup& m, double height, const std::vector<Bar>& bars, const std::vector<Bar>& lines) {
  const std::string h = Coordinate(height);
  m.Open("svg", {{"viewBox", "0 0 100 " + h},
                 {"height", h},
                 {"preserveAspectRatio", "none"},
                 {"aria-hidden", "true"}});
  for (const Bar& b : bars) {
    m.Void("rect", {{"class", b.kind},
                    {"x", Coordinate(b.from)},
                    {"y", Coordinate(b.y)},
                    {"width", Coordinate(std::max(b.to - b.from, 0.3))},
                    {"height", Coordinate(b.height)}});
  }
  for (const Bar& b : lines) {
    m.Void("path", {{"class", b.kind},
                    {"d", "M" + Coordinate(b.from) + " " + Coordinate(b.y) + "H" +
                              Coordinate(b.to) + "V" + Coordinate(b.y + b.height)}});
  }
  m.Close();
}

}  // namespace adze::report
