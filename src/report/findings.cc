// What a diagnosis found: causes, the worst first, each with what its fix would gain.
#include <algorithm>
#include <cmath>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

constexpr size_t kNamesShown = 4;

void WriteFinding(const View& view, const Finding& f, double most, Markup& m) {
  m.Open("div", {{"class", "bar"}, {"data-item", f.name + " " + f.op + " " + f.title}});
  m.Open("span", {{"class", "what"}});
  m.Element("b", CleanText(f.title)).Text(" ");
  const int64_t layer = Find(view.node, f.name);
  Name(m, f.name, layer < 0 ? "" : "#" + Id("node", static_cast<size_t>(layer)), 48);
  if (!f.op.empty()) m.Text(" (" + Shorten(f.op, 40) + ")");
  std::string numbers;
  for (const auto& [name, value] : f.numbers) {
    numbers += (numbers.empty() ? "" : ", ") + name + " " +
               (value ? Significant(*value) : std::string(kUnknown));
  }
  m.Element("span", Shorten(f.what, 300), {{"class", "more"}, {"title", numbers}});
  m.Open("span", {{"class", "more"}});
  for (size_t i = 0; i < f.tensors.size() && i < kNamesShown; ++i) {
    const int64_t tensor = Find(view.tensor, f.tensors[i]);
    if (i > 0) m.Text(" ");
    Name(m, f.tensors[i], tensor < 0 ? "" : "#" + Id("tensor", static_cast<size_t>(tensor)), 40);
  }
  if (f.tensors.size() > kNamesShown) {
    m.Text(" and " + Count(static_cast<double>(f.tensors.size() - kNamesShown)) + " more");
  }
  m.Text("; own error " + Decibels(f.own_sqnr_db) + ", inherited " + Decibels(f.inherited_sqnr_db));
  m.Close();
  if (!f.fix.empty()) m.Element("span", "Fix: " + Shorten(f.fix, 200), {{"class", "more"}});
  m.Close();
  std::vector<Bar> bars;
  if (f.gain_db && *f.gain_db > 0 && most > 0 && std::isfinite(*f.gain_db)) {
    bars.push_back({0, 100 * *f.gain_db / most, "int8", 1, 12});
  }
  BarSvg(m, 14, bars, {});
  m.Element("span", f.gain_db ? (*f.gain_db > 0 ? "+" : "") + Decibels(f.gain_db) : kUnknown,
            {{"class", "num"}});
  m.Close();
}

}  // namespace

void WriteFindings(const View& view, Markup& m) {
  if (!view.e.diagnosed) return;
  const std::vector<Finding>& findings = view.e.findings;
  double most = 0;
  Number samples;
  for (const Finding& f : findings) {
    if (f.gain_db && std::isfinite(*f.gain_db)) most = std::max(most, *f.gain_db);
    if (f.samples) samples = f.samples;
  }
  Note(m,
       "Bars: by how many decibels the SQNR of the network\u2019s output rises when the fix is "
       "applied" +
           (samples ? ", measured on " + Count(samples) + " samples" : std::string()) +
           ". 3 dB is half of the error.");
  constexpr struct {
    const char* level;
    const char* heading;
  } kLevels[] = {{"problem", "Problems"}, {"note", "Worth knowing"}, {"minor", "Looked into"}};
  for (const auto& [level, heading] : kLevels) {
    std::vector<const Finding*> mine;
    for (const Finding& f : findings) {
      if (f.level == level) mine.push_back(&f);
    }
    const std::string title =
        std::string(heading) + " (" + Count(static_cast<double>(mine.size())) + ")";
    const bool minor = level == kLevels[2].level;
    if (mine.empty()) {
      if (level == kLevels[0].level) m.Element("p", "No problem stands out.");
      continue;
    }
    if (minor) {
      m.Open("details").Element("summary", title);
    } else {
      m.Element("h3", title);
    }
    m.Open("div", {{"data-filter", "Filter findings by name"}});
    m.Open("div", {{"class", "bars wide-bars findings"}});
    for (const Finding* f : mine) WriteFinding(view, *f, most, m);
    m.Close().Close();
    if (minor) m.Close();
  }
}

}  // namespace adze::report
