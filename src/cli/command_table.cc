#include "cli/command_table.h"

#include "passes/pass.h"

namespace adze::cli {
namespace {

// Names of passes are too many for --help to show: the parser does not know them.
std::vector<std::string> PassNames() {
  std::vector<std::string> names;
  for (const PassDef* d : AllPasses()) names.push_back(d->name);
  return names;
}

OptionInfo DescribeOption(const CLI::Option& option) {
  OptionInfo info;
  info.name = option.nonpositional() ? option.get_name(false, true) : option.get_name(true);
  // "--help-all" style aliases do not occur; "-h,--help" does.
  if (const size_t comma = info.name.rfind(','); comma != std::string::npos) {
    info.name.erase(0, comma + 1);
  }
  info.description = option.get_description();
  info.default_value = option.get_default_str();
  info.required = option.get_required();
  if (option.get_expected_min() == 0) return info;  // a flag
  // "TEXT:{a,b}" or "INT:INT in [0 - 9]".
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  info.value = type.substr(0, colon);
  const std::string check = colon == std::string::npos ? "" : type.substr(colon + 1);
  if (check.size() > 1 && check.front() == '{') {
    info.choices = CLI::detail::split(check.substr(1, check.size() - 2), ',');
  } else {
    info.limits = check;
    if (info.name == "--pass" || info.name == "--disable-pass") info.choices = PassNames();
  }
  return info;
}

}  // namespace

CommandInfo Describe(const CLI::App& command) {
  CommandInfo info{command.get_name(), command.get_description(), {}, {}};
  for (const CLI::Option* o : command.get_options()) {
    (o->nonpositional() ? info.options : info.arguments).push_back(DescribeOption(*o));
  }
  return info;
}

std::vector<CommandInfo> DescribeCommands(const CLI::App& program) {
  std::vector<CommandInfo> list;
  for (const CLI::App* c : program.get_subcommands({})) list.push_back(Describe(*c));
  return list;
}

}  // namespace adze::cli
