#include "report/comparison.h"
#include "report/markup.h"
#include "report/numbers.h"
#include "report/report.h"

namespace adze {
namespace report {
namespace {

// Names as plain text: nothing in them may become markup, a link, or the end of a table cell.
std::string Plain(std::string_view text) {
  std::string out;
  for (char c : CleanText(text)) {
    if (c == '\n' || c == '\t') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_{}[]()<>#+!|~&$@:").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

void TableRow(std::string* out, std::initializer_list<std::string> cells) {
  for (const std::string& c : cells) *out += "| " + c + " ";
  *out += "|\n";
}

std::string Both(const std::string& text, const std::string& more) {
  return more.empty() ? text : text + " (" + more + ")";
}

std::string Verdict(const std::optional<bool>& within) {
  return !within ? "" : *within ? "met" : "missed";
}

void WriteRungs(const Evidence& e, std::string* out) {
  if (e.rungs.empty()) return;
  const MetricText metric = DescribeMetric(e);
  const bool points = e.after.drop_points.has_value();
  const char* const accuracy = points ? "points lost" : "SQNR";
  *out += "\n## What each rung cost and gained\n\n";
  TableRow(out, {"rung", Plain(metric.label), accuracy, "size", "latency", "budget"});
  *out += "|---|--:|--:|--:|--:|---|\n";
  for (const Rung& r : e.rungs) {
    std::string unmet;
    for (const std::string& u : r.unmet) unmet += (unmet.empty() ? "" : "; ") + Plain(u);
    TableRow(out, {Plain(Shorten(r.name, 80)) + (r.chosen ? " **(chosen)**" : ""),
                   MetricValue(metric, r.value),
                   !points         ? Decibels(r.sqnr_db)
                   : r.drop_points ? Fixed(*r.drop_points, 2)
                                   : kUnknown,
                   Bytes(r.size_bytes), Milliseconds(r.latency_ms), Both(Verdict(r.met), unmet)});
  }
}

}  // namespace

std::string RenderText(const Evidence& e) {
  const std::string_view path = e.model.path;
  std::string out = "# " + (path.empty() ? "Network" : Plain(path.substr(path.rfind('/') + 1))) +
                    ": " + e.kind() + "\n";
  if (e.outcome.met) out += *e.outcome.met ? "\n**Budget met.**" : "\n**Budget not met.**";
  if (!e.outcome.sentence.empty()) out += (e.outcome.met ? " " : "\n") + Plain(e.outcome.sentence);
  out += "\n";
  for (const std::string& w : e.warnings) out += "\n> Warning: " + Plain(w) + "\n";
  if (const std::vector<ComparisonRow> rows = Compare(e); !rows.empty()) {
    out += "\n";
    TableRow(&out, {"", "before", "after", "change", "budget"});
    out += "|---|--:|--:|--:|---|\n";
    for (const ComparisonRow& r : rows) {
      TableRow(&out, {Plain(r.label), Both(r.before, r.before_more), Both(r.after, r.after_more),
                      Both(r.change, r.change_more),
                      r.limit.empty() ? "" : Both(r.limit, Verdict(r.within))});
    }
  }
  WriteRungs(e, &out);
  std::string in_float;
  for (const Layer& l : e.layers) {
    if (l.precision != Precision::kFloat) continue;
    in_float += "- " + Plain(Shorten(l.name, 80)) + " (" + Plain(Shorten(l.op, 40)) + ")" +
                (l.reason.empty() ? "" : ", " + Plain(l.reason)) + "\n";
  }
  if (!in_float.empty()) out += "\n## What stayed in float, and why\n\n" + in_float;
  if (!e.files.empty()) out += "\n## Files\n\n";
  for (const OutputFile& f : e.files) {
    out += "- " + Plain(f.name) + ", " + Bytes(f.bytes) +
           (f.what.empty() ? "" : ", " + Plain(f.what)) +
           (f.sha256.empty() ? "" : ", SHA-256 " + Plain(f.sha256)) + "\n";
  }
  return out;
}

}  // namespace report

Result<std::string> RenderMarkdown(const nlohmann::ordered_json& evidence) {
  ADZE_ASSIGN(const report::Evidence e, report::ReadEvidence(evidence));
  return report::RenderText(e);
}

}  // namespace adze
