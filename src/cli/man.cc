// adze man: the manual pages, in the man(7) macros.
#include <cctype>
#include <cstdio>

#include "base/file.h"
#include "cli/command.h"
#include "cli/command_table.h"

namespace adze::cli {
namespace {

// Text as groff prints it unchanged: no request at the start of a line, no escapes, real minus
// signs.
std::string Plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string Header(const std::string& page, const std::string& summary) {
  return ".\\\" Written by `adze man`.\n.TH " + Upper(page) +
         " 1 \"\" \"adze " ADZE_VERSION "\" \"User Commands\"\n.SH NAME\n" + Plain(page) + " \\- " +
         Plain(summary) + "\n";
}

std::string Entry(const OptionInfo& o) {
  std::string s = ".TP\n\\fB" + Plain(o.name) + "\\fR";
  if (!o.value.empty() && o.name[0] == '-') s += " \\fI" + Plain(o.value) + "\\fR";
  std::string notes;
  const auto note = [&](const std::string& text) { notes += (notes.empty() ? "" : "; ") + text; };
  if (o.required && o.name[0] == '-') note("required");
  if (!o.choices.empty()) {
    std::string all;
    for (const std::string& c : o.choices) all += (all.empty() ? "" : ", ") + c;
    note("one of " + all);
  }
  if (!o.limits.empty()) note(o.limits);
  if (!o.default_value.empty()) note("default " + o.default_value);
  s += "\n" + Plain(o.description);
  if (!notes.empty()) s += (o.description.empty() ? "(" : " (") + Plain(notes) + ")";
  return s + ".\n";
}

std::string CommandPage(const CommandInfo& c) {
  std::string s =
      Header("adze-" + c.name, c.description) + ".SH SYNOPSIS\n\\fBadze " + Plain(c.name) + "\\fR";
  for (const OptionInfo& a : c.arguments) {
    const std::string name = "\\fI" + Plain(Upper(a.name)) + "\\fR";
    s += a.required ? " " + name : " [" + name + "]";
  }
  for (const OptionInfo& o : c.options) {
    if (o.required) s += " \\fB" + Plain(o.name) + "\\fR \\fI" + Plain(o.value) + "\\fR";
  }
  s += " [\\fIoptions\\fR]\n";
  if (!c.arguments.empty()) {
    s += ".SH ARGUMENTS\n";
    for (const OptionInfo& a : c.arguments) s += Entry(a);
  }
  s += ".SH OPTIONS\n";
  for (const OptionInfo& o : c.options) s += Entry(o);
  return s + ".SH SEE ALSO\n\\fBadze\\fR(1)\n";
}

std::string MainPage(const CommandInfo& program, const std::vector<CommandInfo>& commands) {
  std::string s =
      Header("adze", "makes trained neural networks small and fast") +
      ".SH SYNOPSIS\n\\fBadze\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n.SH DESCRIPTION\n" +
      Plain(program.description) + "\n.SH COMMANDS\n";
  for (const CommandInfo& c : commands) {
    s += ".TP\n\\fB" + Plain(c.name) + "\\fR\n" + Plain(c.description) + ": see \\fBadze\\-" +
         Plain(c.name) + "\\fR(1).\n";
  }
  s += ".SH OPTIONS\n";
  for (const OptionInfo& o : program.options) s += Entry(o);
  s += ".SH ENVIRONMENT\n"
       ".TP\n\\fBADZE_ISA\\fR\nThe newest instruction set to use: generic, avx2 or avx512vnni.\n"
       ".TP\n\\fBNO_COLOR\\fR\nIf not empty, nothing is colored.\n"
       ".SH EXIT STATUS\n";
  const std::pair<const char*, const char*> codes[] = {
      {"0", "Done."},
      {"1", "A gate was not met, or doctor found a problem."},
      {"2", "Wrong usage: an option or argument."},
      {"3", "Wrong input or environment: a file, a model, data, disk or memory."},
      {"4", "A correct model or file that adze cannot process."},
      {"70", "An error in adze itself; please report it."}};
  for (const auto& [code, meaning] : codes)
    s += std::string(".TP\n") + code + "\n" + meaning + "\n";
  return s;
}

struct ManCommand {
  std::string command, out;
};

Status Man(const CLI::App& app, const ManCommand& o) {
  const std::vector<CommandInfo> commands = DescribeCommands(app);
  const std::string main_page = MainPage(Describe(app), commands);
  if (!o.out.empty()) {
    if (!o.command.empty())
      return UsageError("--out writes all pages: leave '" + o.command + "' out");
    ADZE_TRY(MakeDirectories(o.out));
    ADZE_TRY(WriteFileAtomic(o.out + "/adze.1", main_page));
    for (const CommandInfo& c : commands) {
      ADZE_TRY(WriteFileAtomic(o.out + "/adze-" + c.name + ".1", CommandPage(c)));
    }
    return OkStatus();
  }
  std::string page = o.command.empty() ? main_page : "";
  for (const CommandInfo& c : commands) {
    if (c.name == o.command) page = CommandPage(c);
  }
  if (page.empty()) return UsageError("there is no command '" + o.command + "'; see adze --help");
  std::fwrite(page.data(), 1, page.size(), stdout);
  return OkStatus();
}

}  // namespace

void RegisterMan(CLI::App& app, Action* action) {
  auto o = std::make_shared<ManCommand>();
  CLI::App* c = app.add_subcommand("man", "print a manual page: adze man quantize | man -l -");
  c->add_option("command", o->command, "page of this command instead of the program's");
  c->add_option("--out", o->out, "folder to write all pages to; made if missing");
  c->callback([&app, o, action] { *action = [&app, o] { return Man(app, *o); }; });
}

}  // namespace adze::cli
