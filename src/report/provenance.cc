// Where the numbers come from: model, data, budget, machine, files, and how to get them again.
#include <algorithm>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

// A definition list under a heading that appears with its first entry.
class Facts {
 public:
  Facts(const char* title, Markup& m) : title_(title), m_(m) {}
  ~Facts() {
    if (begun_) m_.Close().Close();
  }
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  void Add(const char* what, const std::string& text, bool code = false) {
    if (text.empty() || text == kUnknown) return;
    if (!begun_) {
      m_.Open("div", {{"class", "card"}}).Element("h3", title_);
      m_.Open("dl", {{"class", "facts"}});
      begun_ = true;
    }
    m_.Open("div").Element("dt", what).Open("dd");
    m_.Element(code ? "code" : "span", text).Close().Close();
  }

 private:
  const char* title_;
  Markup& m_;
  bool begun_ = false;
};

std::string Prefixed(const char* prefix, const Number& n, std::string (*format)(Number)) {
  return n ? prefix + format(n) : "";
}

std::string SplitText(const Split& s) {
  std::string text = s.samples ? Count(s.samples) + " samples" : "";
  if (!s.split.empty()) text += (text.empty() ? "split " : " of split ") + s.split;
  return text;
}

std::string LossText(Number points) { return Fixed(*points, 2) + kSpace + "points lost"; }

void WriteSteps(const std::vector<TimedStep>& steps, Markup& m) {
  double total = 0, most = 0;
  for (const TimedStep& s : steps) {
    total += s.seconds.value_or(0);
    most = std::max(most, s.seconds.value_or(0));
  }
  if (most <= 0) return;
  m.Open("figure", {{"class", "bars wide-bars"}});
  m.Open("figcaption").Element("b", "Time that adze took: " + Seconds(total)).Close();
  for (const TimedStep& s : steps) {
    m.Open("div", {{"class", "bar"}}).Element("span", Shorten(s.name, 60), {{"class", "what"}});
    BarSvg(m, 10, {{0, 100 * s.seconds.value_or(0) / most, "int8", 1, 8}}, {});
    m.Element("span", Seconds(s.seconds), {{"class", "num"}}).Close();
  }
  m.Close();
}

// In single quotes, as a shell takes it literally.
std::string Quoted(const std::string& argument) {
  const std::string text = CleanText(argument);
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+=:,@";
  if (!text.empty() && text.front() != '-' && text.find_first_not_of(kPlain) == text.npos) {
    return text;
  }
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  // A leading dash would read as an option.
  return (text.starts_with('-') ? "./" : "") + out + "'";
}

bool IsSha256(const std::string& s) {
  return s.size() == 64 && s.find_first_not_of("0123456789abcdef") == s.npos;
}

std::string Commands(const Evidence& e) {
  // The data's hash is that of preprocessed samples, which no shell command can check.
  std::string hashes;
  if (IsSha256(e.model.sha256) && !e.model.path.empty()) {
    hashes = "echo " + Quoted(e.model.sha256 + "  " + e.model.path) + " | sha256sum --check\n";
  }
  std::string text;
  if (!hashes.empty()) text += "# The same network?\n" + hashes;
  if (!e.after.file.empty() && !e.before.file.empty() && !e.data.path.empty()) {
    text += "# The same accuracy?\nadze eval " + Quoted(e.after.file) + " --reference " +
            Quoted(e.before.file) + " --data " + Quoted(e.data.path);
    if (!e.data.evaluation.split.empty()) text += " --split " + Quoted(e.data.evaluation.split);
    if (e.data.evaluation.samples) text += " --samples " + Raw(*e.data.evaluation.samples);
    if (!e.data.metric.empty()) text += " --metric " + Quoted(e.data.metric);
    text += "\n";
  }
  const std::string threads = e.tool.threads ? " --threads " + Raw(*e.tool.threads) : "";
  std::string bench;
  for (const std::string* file : {&e.before.file, &e.after.file}) {
    if (!file->empty()) bench += "adze bench " + Quoted(*file) + threads + "\n";
  }
  if (!bench.empty()) text += "# The same speed, on this machine?\n" + bench;
  return text;
}

}  // namespace

void WriteWarnings(const View& view, Markup& m) {
  if (view.e.warnings.empty()) return;
  m.Open("ul", {{"class", "warnings"}});
  for (const std::string& w : view.e.warnings) m.Element("li", w);
  m.Close();
}

void WriteSetting(const View& view, Markup& m) {
  const Evidence& e = view.e;
  Markup cards;
  {
    Facts f("Budget", cards);
    f.Add("accuracy", Prefixed("at most ", e.budget.max_drop_points, LossText));
    f.Add("output SQNR", Prefixed("at least ", e.budget.min_sqnr_db, Decibels));
    f.Add("file size", Prefixed("at most ", e.budget.max_size_bytes, Bytes));
    f.Add("latency", Prefixed("at most ", e.budget.max_latency_ms, Milliseconds));
    f.Add("memory", Prefixed("at most ", e.budget.max_memory_bytes, Bytes));
    f.Add("target", e.budget.target);
  }
  {
    Facts f("Network", cards);
    f.Add("file", e.model.path, true);
    for (const NamedType& t : e.model.inputs) f.Add("input", t.name + " : " + t.type, true);
    for (const NamedType& t : e.model.outputs) f.Add("output", t.name + " : " + t.type, true);
    f.Add("operators", Count(e.model.operators));
    f.Add("parameters", Count(e.model.parameters));
    f.Add("MACs per sample", Count(e.model.macs));
    f.Add("SHA-256", e.model.sha256, true);
  }
  {
    Facts f("Data", cards);
    f.Add("file", e.data.path, true);
    f.Add("calibration", SplitText(e.data.calibration));
    f.Add("evaluation", SplitText(e.data.evaluation));
    f.Add("metric", e.data.metric);
    f.Add("SHA-256", e.data.sha256, true);
  }
  {
    Facts f("Machine and tool", cards);
    f.Add("processor", e.tool.cpu);
    f.Add("instructions", e.tool.isa);
    f.Add("threads", Count(e.tool.threads));
    f.Add("adze", e.tool.version);
    f.Add("date", e.tool.date);
  }
  if (!cards.empty()) m.Open("div", {{"class", "cards"}}).Raw(cards.Take()).Close();
  WriteSteps(e.steps, m);
}

void WriteFiles(const View& view, Markup& m) {
  if (view.e.files.empty()) return;
  BeginTable(m, "Files", {{"File"}, {"What it is"}, {"Size", true}, {"SHA-256"}}, true);
  for (const OutputFile& f : view.e.files) {
    m.Open("tr").Open("td", {{"class", "name"}});
    Name(m, f.name);
    m.Close().Element("td", f.what, {{"class", "wordy"}});
    NumberCell(m, f.bytes, Bytes(f.bytes),
               f.bytes && *f.bytes >= 1e3 ? Fixed(*f.bytes, 0) + kSpace + "B" : "");
    m.Open("td", {{"class", "hash"}}).Element("code", f.sha256).Close();
    m.Close();
  }
  EndTable(m);
}

void WriteReproduce(const View& view, Markup& m) {
  const std::string commands = Commands(view.e);
  if (commands.empty()) return;
  Note(m,
       "From the folder in which adze ran. Accuracy repeats exactly on the same instruction set; "
       "integers repeat on all of them. Times need the same machine, and quiet.");
  m.Element("pre", commands, {{"tabindex", "0"}, {"role", "group"}, {"aria-label", "Commands"}});
}

}  // namespace adze::report
