// adze report: evidence as a page for people.
#include "report/report.h"

#include <cstdio>

#include "base/file.h"
#include "cli/command.h"
#include "formats/json/json.h"

namespace adze::cli {
namespace {

struct ReportCommand {
  CommonOptions common;
  std::string evidence, out;
};

Status Report(const ReportCommand& o) {
  const bool markdown = o.out.ends_with(".md");
  if (!markdown && !o.out.ends_with(".html")) {
    return UsageError(o.out + ": unknown kind of report; adze writes .html and .md");
  }
  std::string text;
  {
    ADZE_ASSIGN(const auto file, MappedFile::Open(o.evidence));
    const auto* const begin = reinterpret_cast<const char*>(file->bytes().data());
    const Json evidence = ParseJson({begin, file->bytes().size()});
    if (evidence.is_discarded()) return InvalidInput(o.evidence + ": is not valid JSON");
    Result<std::string> page = markdown ? RenderMarkdown(evidence) : RenderHtml(evidence);
    if (!page.ok()) return page.status().WithContext(o.evidence);
    text = std::move(page).value();
  }
  ADZE_TRY(WriteFileAtomic(o.out, text));
  if (o.common.json) {
    PrintJson({{"file", o.out}, {"bytes", text.size()}});
  } else {
    std::printf("%s\n", o.out.c_str());
  }
  return OkStatus();
}

}  // namespace

void RegisterReport(CLI::App& app, Action* action) {
  auto o = std::make_shared<ReportCommand>();
  CLI::App* c = app.add_subcommand("report", "turn an evidence file into a page for people");
  c->add_option("evidence", o->evidence, "evidence file (docs/evidence.md)")->required();
  c->add_option("--out", o->out, "the report (.html or .md)")->required();
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Report(*o); }; });
}

}  // namespace adze::cli
