// The commands and options as data, read from the parser that --help prints: what completions and
// manual pages are made from, so that neither can disagree with the program.
#ifndef ADZE_CLI_COMMAND_TABLE_H_
#define ADZE_CLI_COMMAND_TABLE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace adze::cli {

struct OptionInfo {
  std::string name;    // "--data"; of an argument "model"
  std::string value;   // kind of its value as --help says it, such as "TEXT"; empty: a flag
  std::string limits;  // "INT in [0 - 1024]" or empty
  std::string description;
  std::string default_value;         // or empty
  std::vector<std::string> choices;  // all values it can have; empty: anything, such as a file
  bool required = false;
};

struct CommandInfo {
  std::string name;  // "quantize"; of the program itself "adze"
  std::string description;
  std::vector<OptionInfo> options;    // with leading dashes
  std::vector<OptionInfo> arguments;  // by position
};

// `command` is the program's App or one of its sub-commands.
CommandInfo Describe(const CLI::App& command);
// Those of the program, in the order of --help.
std::vector<CommandInfo> DescribeCommands(const CLI::App& program);

}  // namespace adze::cli

#endif  // ADZE_CLI_COMMAND_TABLE_H_
