// What one sees first: verdict, key figures, and the before/after table.
#include "report/comparison.h"
#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

struct Figure {
  std::string label, value, detail;
};

std::vector<Figure> KeyFigures(const Evidence& e) {
  std::vector<Figure> figures;
  const MetricText metric = DescribeMetric(e);
  const auto from_to = [](const std::string& a, const std::string& b) { return a + " → " + b; };
  if (e.before.value && e.after.value && e.after.drop_points) {
    figures.push_back(
        {metric.label, Points(-*e.after.drop_points),
         from_to(MetricValue(metric, e.before.value), MetricValue(metric, e.after.value))});
  } else if (e.after.sqnr_db) {
    figures.push_back({"Output SQNR", Decibels(e.after.sqnr_db), "against the float network"});
  }
  const auto ratio = [&](const char* label, Number before, Number after, const char* less,
                         const char* more, std::string (*format)(Number)) {
    const std::string value = Ratio(before, after, less, more);
    if (!value.empty()) figures.push_back({label, value, from_to(format(before), format(after))});
  };
  ratio("File size", e.before.size_bytes, e.after.size_bytes, "smaller", "larger", Bytes);
  ratio("Latency, median", e.before.latency.p50_ms, e.after.latency.p50_ms, "faster", "slower",
        Milliseconds);
  ratio("Memory", e.before.memory_bytes, e.after.memory_bytes, "less", "more", Bytes);
  return figures;
}

void LimitLine(Markup& m, const ComparisonRow& row) {
  if (row.limit.empty()) return;
  m.Open("span", {{"class", "more"}}).Text("budget: " + row.limit);
  if (row.within) {
    m.Text(" ");
    m.Element("b", *row.within ? "✓ met" : "✗ missed", {{"class", *row.within ? "good" : "bad"}});
  }
  m.Close();
}

}  // namespace

void WriteHeader(const View& view, Markup& m) {
  const Evidence& e = view.e;
  m.Open("header", {{"class", "top"}});
  m.Open("p", {{"class", "eyebrow"}}).Text(std::string("adze · ") + e.kind());
  if (!e.tool.date.empty()) m.Text(" · " + e.tool.date);
  m.Close();
  m.Element("h1", e.model.path.empty() ? "Network" : Shorten(FileName(e.model.path), 80));
  if (!e.outcome.sentence.empty() || e.outcome.met) {
    const bool met = e.outcome.met.value_or(true);
    m.Open("div", {{"class", !e.outcome.met ? "verdict" : met ? "verdict met" : "verdict unmet"}});
    if (e.outcome.met) {
      m.Element("p", met ? "✓ Budget met" : "✗ Budget not met", {{"class", "state"}});
    }
    if (!e.outcome.sentence.empty()) m.Element("p", e.outcome.sentence, {{"class", "sentence"}});
    m.Close();
  }
  const std::vector<Figure> figures = KeyFigures(e);
  if (!figures.empty()) m.Open("dl", {{"class", "figures"}});
  for (const Figure& f : figures) {
    m.Open("div").Element("dt", f.label).Open("dd").Element("strong", f.value);
    m.Element("span", f.detail).Close().Close();
  }
  if (!figures.empty()) m.Close();
  m.Close();
}

void WriteComparison(const View& view, Markup& m) {
  const Evidence& e = view.e;
  const std::vector<ComparisonRow> rows = Compare(e);
  if (rows.empty()) return;
  BeginTable(m, "Before and after", {{""}, {"Before", true}, {"After", true}, {"Change", true}});
  for (const ComparisonRow& row : rows) {
    m.Open("tr", {{"class", row.minor ? std::string_view("minor") : std::string_view()}});
    m.Open("th", {{"scope", "row"}}).Text(row.label);
    LimitLine(m, row);
    m.Close();
    NumberCell(m, {}, row.before, row.before_more);
    NumberCell(m, {}, row.after, row.after_more);
    NumberCell(m, {}, row.change, row.change_more);
    m.Close();
  }
  EndTable(m);
  const MetricText metric = DescribeMetric(e);
  std::string note;
  const Split& split = e.data.evaluation;
  if (split.samples) {
    note += "Judged on " + Count(split.samples) + " samples";
    if (!split.split.empty()) note += " of the split “" + CleanText(split.split) + "”";
    note += ". ";
  }
  if (!metric.meaning.empty() && !metric.sqnr) note += metric.label + ": " + metric.meaning + ". ";
  if (e.after.flip_rate) {
    note +=
        "Decisions that changed: samples to which the two networks give different answers, "
        "right or wrong. ";
  }
  if (e.after.sqnr_db) {
    note +=
        "SQNR: power of the float output over power of the error that quantization adds to it, "
        "10 log₁₀, of the worst where several outputs are judged; 6 dB more mean half the error. ";
  }
  if (e.before.ci95 || e.after.ci95 || e.after.drop_ci95_points) {
    note += "Below a value stands its 95 % interval";
    note += e.after.drop_ci95_points ? "; that of the change comes from the samples on which only "
                                       "one of the two networks is right. "
                                     : ". ";
  }
  if (!note.empty()) Note(m, note);
}

}  // namespace adze::report
