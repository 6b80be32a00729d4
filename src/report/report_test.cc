#include "report/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include "report/evidence.h"
#include "report/markup.h"
#include "report/numbers.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;
using report::Number;

Json Sample() {
  std::ifstream file(ADZE_SOURCE_DIR "/tests/report/evidence.json");
  return Json::parse(file);
}

std::string Html(const Json& evidence) {
  const Result<std::string> page = RenderHtml(evidence);
  EXPECT_TRUE(page.ok()) << page.status().message();
  return page.ok() ? *page : "";
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Calls visit(path, value) for every value of the tree below `json`, which may be changed.
void ForEachValue(Json& json, const std::string& path,
                  const std::function<void(const std::string&, Json&)>& visit) {
  for (auto& item : json.items()) {
    const std::string below = json.is_array() ? path + "[" + item.key() + "]"
                              : path.empty()  ? item.key()
                                              : path + "." + item.key();
    if (item.value().is_structured()) ForEachValue(item.value(), below, visit);
    visit(below, item.value());
  }
}

TEST(Report, HasEverySectionOfTheSample) {
  const std::string page = Html(Sample());
  for (const char* id : {"warnings", "comparison", "ladder", "float", "error", "latency", "tensors",
                         "graph", "setting", "files", "reproduce"}) {
    EXPECT_TRUE(Has(page, std::string("<section id=\"") + id + "\"")) << id;
    EXPECT_TRUE(Has(page, std::string("<a href=\"#") + id + "\"")) << id;
  }
  EXPECT_TRUE(Has(page, "✓ Budget met"));
  EXPECT_TRUE(Has(page, "<dt>Top-1 accuracy</dt>"));
  EXPECT_TRUE(Has(page, "−0.25\u00A0points"));
  EXPECT_TRUE(Has(page, "−0.81 to 0.31"));  // the interval of a change is that of the drop, turned
  EXPECT_TRUE(Has(page, "1.59× smaller"));
  EXPECT_TRUE(Has(page, "2.00× faster"));
  EXPECT_TRUE(Has(page, "✗ budget missed</b>: drop 1.30 points &gt; 0.50"));
  EXPECT_TRUE(Has(page, "win 7.2 dB"));
  EXPECT_TRUE(Has(page, "∞\u00A0dB"));
  EXPECT_TRUE(Has(page, "sha256sum --check"));
}

TEST(Report, IsAFunctionOfTheEvidence) {
  EXPECT_EQ(Html(Sample()), Html(Sample()));
  const Result<std::string> a = RenderMarkdown(Sample()), b = RenderMarkdown(Sample());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a, *b);
}

TEST(Report, SaysThatABudgetWasMissed) {
  Json e = Sample();
  e["outcome"]["met"] = false;
  e["budget"]["max_size_bytes"] = 1000;
  const std::string page = Html(e);
  EXPECT_TRUE(Has(page, "✗ Budget not met"));
  EXPECT_TRUE(Has(page, "at most 1.00\u00A0kB <b class=\"bad\">✗ missed</b>"));
  EXPECT_FALSE(Has(page, "✓ Budget met"));
}

TEST(Report, NetworksWithoutARateAreJudgedBySqnr) {
  Json e = Sample();
  e["data"]["metric"] = "mse";
  e["budget"] = {{"min_sqnr_db", 35}};
  for (Json* side : {&e["before"], &e["after"], &e["rungs"][0], &e["rungs"][1]}) {
    (*side)["value"] = 9.7;
    for (const char* field : {"ci95", "drop_points", "drop_ci95_points", "flip_rate"}) {
      side->erase(field);
    }
  }
  std::string page = Html(e);
  EXPECT_TRUE(Has(page, "<dt>Output SQNR</dt>"));
  EXPECT_TRUE(Has(page, "budget: at least 35.0\u00A0dB <b class=\"bad\">✗ missed</b>"));
  EXPECT_TRUE(Has(page, "budget 35.0\u00A0dB"));   // of the chart
  EXPECT_TRUE(Has(page, "<dt>output SQNR</dt>"));  // of the setting
  EXPECT_TRUE(Has(page, "Metric mse"));
  EXPECT_FALSE(Has(page, "Points lost"));
  EXPECT_FALSE(Has(page, "decisions that changed"));
  const Result<std::string> text = RenderMarkdown(e);
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(Has(*text, "| rung | Metric mse | SQNR |"));
  EXPECT_TRUE(Has(*text, "| Output SQNR |  | 31.4\u00A0dB |  | at least 35.0\u00A0dB (missed) |"));

  e["data"]["metric"] = "sqnr_db";
  e["budget"]["min_sqnr_db"] = 31.4;
  page = Html(e);
  EXPECT_TRUE(Has(page, "at least 31.4\u00A0dB <b class=\"good\">✓ met</b>"));
  EXPECT_FALSE(Has(page, "Metric sqnr_db"));
}

TEST(Report, LeavesOutWhatIsUnknown) {
  const std::string bare = Html({{"format", "adze.evidence"}, {"version", 1}});
  EXPECT_FALSE(Has(bare, "<section"));
  const std::pair<const char*, const char*> gone[] = {
      {"warnings", "warnings"}, {"rungs", "ladder"},    {"layers", "error"}, {"layers", "latency"},
      {"layers", "float"},      {"tensors", "tensors"}, {"graph", "graph"},  {"files", "files"}};
  for (const auto& [field, id] : gone) {
    for (const Json& nothing : {Json(nullptr), Json::array(), Json()}) {
      Json e = Sample();
      e["outcome"].erase("rung");
      e[field] = nothing;
      if (nothing.is_array() && std::string(field) == "graph") continue;
      EXPECT_FALSE(Has(Html(e), std::string("<section id=\"") + id + "\"")) << field;
    }
  }
}

TEST(Report, AnyValueMayBeNullButNames) {
  Json e = Sample();
  ForEachValue(e, "", [&](const std::string& path, Json& value) {
    if (path == "format" || path == "version") return;
    const Json kept = value;
    value = nullptr;
    const Status status = RenderHtml(e).status();
    // Names refer to each other; a list of names or of codes has no unknown entries.
    const bool needed = path.ends_with(".name") || path.ends_with("]");
    EXPECT_EQ(status.ok(), !needed) << path << ": " << status.message();
    EXPECT_EQ(RenderMarkdown(e).ok(), status.ok()) << path;
    if (!status.ok()) {
      EXPECT_TRUE(Has(status.message(), path.substr(0, path.rfind('[')))) << status.message();
    }
    value = kept;
  });
}

TEST(Report, RefusesEveryValueOfTheWrongKind) {
  Json e = Sample();
  const auto refused = [&](const std::string& path, Json& value, const Json& wrong) {
    const Json kept = value;
    value = wrong;
    const Result<std::string> page = RenderHtml(e);
    EXPECT_FALSE(page.ok()) << path << " = " << wrong;
    if (!page.ok()) {
      EXPECT_EQ(page.status().code(), StatusCode::kInvalidInput);
      const std::string place = path == "format" || path.ends_with("]") ? "" : path;
      EXPECT_TRUE(Has(page.status().message(), place)) << path << ": " << page.status().message();
    }
    value = kept;
  };
  ForEachValue(e, "", [&](const std::string& path, Json& value) {
    if (value.is_null()) return;  // says nothing of its kind
    const bool text = value.is_string() && value != "inf";
    refused(path, value, value.is_object() ? Json(7) : Json::object());
    refused(path, value, text ? Json(7) : Json("text"));
    if (!value.is_boolean()) refused(path, value, true);
    if (!value.is_array()) refused(path, value, Json::array({"a list"}));
  });
}

TEST(Report, RefusesWhatCannotBe) {
  const std::pair<const char*, Json> wrong[] = {{"/before/size_bytes", -1},
                                                {"/before/latency/p50_ms", "inf"},
                                                {"/before/ci95", {0.1}},
                                                {"/after/flip_rate", 1.5},
                                                {"/outcome/rung", 2},
                                                {"/outcome/rung", 0.5},
                                                {"/layers/0/precision", "int4"},
                                                {"/tensors/0/kind", "bias"},
                                                {"/tensors/0/histogram/counts/3", -1},
                                                {"/tensors/0/histogram/high", -3},
                                                {"/tensors/0/histogram/low", "-inf"},
                                                {"/version", 2},
                                                {"/format", "adze.encodings"}};
  for (const auto& [path, value] : wrong) {
    Json e = Sample();
    e[Json::json_pointer(path)] = value;
    EXPECT_EQ(RenderHtml(e).status().code(), StatusCode::kInvalidInput) << path << " " << value;
  }
  EXPECT_EQ(RenderHtml(Json::array()).status().message(),
            "is not an evidence file: it holds no JSON object");
  Json e = Sample();
  e["layers"][1]["macs"] = "many";
  EXPECT_EQ(RenderHtml(e).status().message(), "layers[1].macs is not a number");
}

TEST(Report, HostileNamesStayText) {
  const std::string name = "<script>alert(1)</script>\"'&\xE2\x80\xAE\xFF\x01]]>";
  Json e = Sample();
  ForEachValue(e, "", [&](const std::string& path, Json& value) {
    for (const char* field : {"format", "precision", "kind", "level"}) {
      if (path.ends_with(field)) return;
    }
    if (value.is_string() && value != "inf") value = name;
  });
  const std::string page = Html(e);
  EXPECT_FALSE(Has(page, "<script>alert"));
  EXPECT_FALSE(Has(page, "\xFF"));
  EXPECT_FALSE(Has(page, "\x01"));
  EXPECT_TRUE(Has(page, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
  const Result<std::string> text = RenderMarkdown(e);
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(Has(*text, "\\<script\\>"));
  for (size_t i = text->find('<'); i != std::string::npos; i = text->find('<', i + 1)) {
    EXPECT_EQ((*text)[i - 1], '\\');
  }
}

TEST(Report, ExtremeNumbersAreDrawn) {
  Json e = Sample();
  for (const double x : {0.0, 1e-300, 1e300, -1e300, std::numeric_limits<double>::quiet_NaN()}) {
    ForEachValue(e, "", [&](const std::string& path, Json& value) {
      if (!value.is_number() || path == "version" || path == "outcome.rung") return;
      const Json kept = value;
      value = x;
      const Result<std::string> page = RenderHtml(e);
      const std::string text = page.ok() ? *page : "";  // 1e300 samples may be, -1e300 may not
      for (const char* bad : {"\"nan", "-nan", " nan", "\"inf", "\"-inf"}) {
        EXPECT_FALSE(Has(text, bad)) << path << " = " << x;
      }
      value = kept;
    });
  }
}

TEST(Report, GraphsInAnyOrderAndOfAnyWidthAreDrawn) {
  Json e = Sample();
  Json& graph = e["graph"];
  std::reverse(graph["nodes"].begin(), graph["nodes"].end());
  Html(e);
  graph["nodes"].push_back({{"name", "loop"}, {"inputs", {"l", "l"}}, {"outputs", {"l", "l"}}});
  Json many = Json::array();
  for (int i = 0; i < 2000; ++i) {
    many.push_back("v" + std::to_string(i));
    graph["nodes"].push_back({{"name", "n" + std::to_string(i)}, {"outputs", {many.back()}}});
  }
  graph["nodes"].push_back({{"name", "all"}, {"inputs", many}, {"outputs", {"end"}}});
  EXPECT_LT(Html(e).size(), 5'000'000u);  // not the square of the width
}

TEST(Markup, CleansEveryByte) {
  for (int first = 0; first < 256; ++first) {
    const std::string clean = report::CleanText(std::string(1, static_cast<char>(first)) + "\x80");
    EXPECT_FALSE(clean.empty());
    for (char c : clean) EXPECT_TRUE(static_cast<unsigned char>(c) >= 32 || c == '\t' || c == '\n');
  }
  EXPECT_EQ(report::CleanText("π \U0001F600 日本"), "π \U0001F600 日本");
  EXPECT_EQ(report::CleanText("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(report::CleanText("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // surrogate
  EXPECT_EQ(report::CleanText("\xF4\x90\x80\x80").find('\xF4'), std::string::npos);
  EXPECT_EQ(report::Shorten("abcdefghij", 5), "ab…ij");
  EXPECT_EQ(report::Shorten("ππππ", 4), "ππππ");
}

TEST(Numbers, ReadWell) {
  using namespace report;  // NOLINT: the functions under test
  const std::string s = "\u00A0";
  EXPECT_EQ(Bytes(13964571), "14.0" + s + "MB");
  EXPECT_EQ(Bytes(999), "999" + s + "B");
  EXPECT_EQ(Bytes(999'600), "1.00" + s + "MB");
  EXPECT_EQ(Milliseconds(4.2649), "4.26" + s + "ms");
  EXPECT_EQ(Milliseconds(0.0421), "42.1" + s + "µs");
  EXPECT_EQ(Seconds(0.4), "0.4" + s + "s");
  EXPECT_EQ(Seconds(119.96), "2" + s + "min 0" + s + "s");
  EXPECT_EQ(Percent(0.71884), "71.88" + s + "%");
  EXPECT_EQ(Points(-0.001), "0.00" + s + "points");
  EXPECT_EQ(Points(0.26), "+0.26" + s + "points");
  EXPECT_EQ(Decibels(-std::numeric_limits<double>::infinity()), "−∞" + s + "dB");
  EXPECT_EQ(Decibels(Number()), "–");
  EXPECT_EQ(Count(234567), "234\u202F567");
  EXPECT_EQ(Count(1234567), "1.23" + s + "M");
  EXPECT_EQ(Count(300774272), "301" + s + "M");
  EXPECT_EQ(Significant(9.9999), "10.0");
  EXPECT_EQ(Significant(0.00012345), "0.000123");
  EXPECT_EQ(Ratio(10, 4, "faster", "slower"), "2.50× faster");
  EXPECT_EQ(Ratio(4, 10, "faster", "slower"), "2.50× slower");
  EXPECT_EQ(Ratio(4, 0, "faster", "slower"), "");
}

}  // namespace
}  // namespace adze
