#include <sodium.h>

#include "report/page.h"
#include "report/report.h"
#include "report/sections.h"

namespace adze {
namespace report {
namespace {

struct Section {
  const char* id;
  const char* title;
  void (*write)(const View& view, Markup& m);
};
constexpr Section kSections[] = {
    {"warnings", "Warnings", WriteWarnings},
    {"findings", "What stands out", WriteFindings},
    {"comparison", "Before and after", WriteComparison},
    {"ladder", "What each rung cost and gained", WriteLadder},
    {"float", "What stayed in float, and why", WriteFloatLayers},
    {"error", "Error by layer", WriteErrorByLayer},
    {"latency", "Time by layer", WriteLatencyByLayer},
    {"tensors", "Values and their ranges", WriteTensors},
    {"graph", "The network", WriteGraph},
    {"setting", "Budget, inputs, machine", WriteSetting},
    {"files", "Files", WriteFiles},
    {"reproduce", "Measure it again", WriteReproduce},
};

// Only the page's own script may run, and nothing may be loaded: a second wall behind escaping.
std::string ContentPolicy() {
  const std::string_view script = Script();
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(script.data()), script.size());
  char base64[64];
  sodium_bin2base64(base64, sizeof(base64), digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL);
  return std::string(
             "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
             "'sha256-") +
         base64 + "'";
}

void WriteHead(const Evidence& e, Markup& m) {
  const std::string name = e.model.path.substr(e.model.path.rfind('/') + 1);
  m.Open("head").Void("meta", {{"charset", "utf-8"}});
  m.Void("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  m.Void("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", ContentPolicy()}});
  m.Void("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  m.Element("title", (name.empty() ? "" : Shorten(name, 60) + ": ") + "adze " + e.kind());
  m.Void("link", {{"rel", "icon"}, {"href", "data:,"}});  // else browsers ask the server for one
  m.Open("style").Raw(StyleSheet()).Close().Close();
}

}  // namespace

std::string RenderPage(const Evidence& e) {
  const View view(e);
  Markup navigation, body;
  for (const Section& s : kSections) {
    Markup inner;
    s.write(view, inner);
    if (inner.empty()) continue;
    const std::string heading = std::string(s.id) + "-heading";
    navigation.Open("li").Element("a", s.title, {{"href", std::string("#") + s.id}}).Close();
    body.Open("section", {{"id", s.id}, {"aria-labelledby", heading}});
    body.Element("h2", s.title, {{"id", heading}}).Raw(inner.Take()).Close();
  }
  Markup m;
  m.Raw("<!DOCTYPE html>\n").Open("html", {{"lang", "en"}});
  WriteHead(e, m);
  m.Open("body").Element("a", "Skip to the results", {{"class", "skip"}, {"href", "#results"}});
  WriteHeader(view, m);
  m.Open("div", {{"class", "frame"}});
  m.Open("nav", {{"aria-label", "Sections"}}).Open("ul").Raw(navigation.Take()).Close().Close();
  m.Open("main", {{"id", "results"}, {"tabindex", "-1"}}).Raw(body.Take()).Close().Close();
  m.Open("footer").Text("Made by adze");
  if (!e.tool.version.empty()) m.Text(" " + e.tool.version);
  m.Text(" from an evidence file. This page is one file and loads nothing.").Close();
  m.Open("script").Raw(Script()).Close().Close().Close().Raw("\n");
  return m.Take();
}

}  // namespace report

Result<std::string> RenderHtml(const nlohmann::ordered_json& evidence) {
  ADZE_ASSIGN(const report::Evidence e, report::ReadEvidence(evidence));
  return report::RenderPage(e);
}

}  // namespace adze
