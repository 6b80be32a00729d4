// adze completion: a script that teaches a shell the commands, options and names of this build.
#include <cstdio>

#include "cli/command.h"
#include "cli/command_table.h"

namespace adze::cli {
namespace {

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : " ") + w;
  return text;
}

std::string Names(const std::vector<OptionInfo>& options) {
  std::vector<std::string> names;
  for (const OptionInfo& o : options) names.push_back(o.name);
  return Join(names);
}

std::string Names(const std::vector<CommandInfo>& commands) {
  std::vector<std::string> names;
  for (const CommandInfo& c : commands) names.push_back(c.name);
  return Join(names);
}

// `text` with a backslash before each of `special`.
std::string Escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// For single quotes in bash and zsh.
std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Where the script has no words, `-o default` completes file names.
std::string Bash(const CommandInfo& program, const std::vector<CommandInfo>& commands) {
  std::string s =
      "# Completion of adze for bash, written by `adze completion bash`.\n"
      "_adze() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=\n"
      "  COMPREPLY=()\n"
      "  if [[ $word == = ]]; then word=; elif [[ $previous == = ]]; then "
      "previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    words=" +
      Quoted(Names(commands) + " " + Names(program.options)) +
      "\n"
      "  else\n"
      "    case \"${COMP_WORDS[1]} $previous\" in\n";
  for (const CommandInfo& c : commands) {
    for (const OptionInfo& o : c.options) {
      if (o.value.empty()) continue;
      s +=
          "      " + Quoted(c.name + " " + o.name) + ") words=" + Quoted(Join(o.choices)) + " ;;\n";
    }
  }
  s += "      *)\n"
       "        case \"${COMP_WORDS[1]} $word\" in\n";
  for (const CommandInfo& c : commands) {
    s += "          " + Quoted(c.name + " -") + "*) words=" + Quoted(Names(c.options)) + " ;;\n";
    if (!c.arguments.empty() && !c.arguments[0].choices.empty()) {
      s += "          " + Quoted(c.name + " ") +
           "*) words=" + Quoted(Join(c.arguments[0].choices)) + " ;;\n";
    }
  }
  s += "        esac ;;\n"
       "    esac\n"
       "  fi\n"
       "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
       "}\n"
       "complete -o default -F _adze adze\n";
  return s;
}

std::string Zsh(const std::vector<CommandInfo>& commands) {
  const auto values = [](const OptionInfo& o) {
    return o.choices.empty() ? std::string("_files") : "(" + Join(o.choices) + ")";
  };
  std::string s =
      "#compdef adze\n"
      "# Completion of adze for zsh, written by `adze completion zsh`.\n"
      "_adze() {\n"
      "  local -a commands=(\n";
  for (const CommandInfo& c : commands) {
    s += "    " + Quoted(c.name + ":" + Escaped(c.description, ":\\")) + "\n";
  }
  s += "  )\n"
       "  if ((CURRENT == 2)); then\n"
       "    _describe command commands\n"
       "    return\n"
       "  fi\n"
       "  shift words\n"
       "  ((CURRENT--))\n"
       "  case $words[1] in\n";
  for (const CommandInfo& c : commands) {
    s += "    " + c.name + ")\n      _arguments";
    for (const OptionInfo& o : c.options) {
      s += " \\\n        " + Quoted("*" + o.name + "[" + Escaped(o.description, "[]:\\") + "]" +
                                    (o.value.empty() ? "" : ":" + o.value + ":" + values(o)));
    }
    for (const OptionInfo& a : c.arguments) {
      s += " \\\n        " + Quoted(":" + a.name + ":" + values(a));
    }
    s += " ;;\n";
  }
  return s + "  esac\n}\n_adze \"$@\"\n";
}

std::string Fish(const std::vector<CommandInfo>& commands) {
  const auto quoted = [](const std::string& text) { return "'" + Escaped(text, "'\\") + "'"; };
  std::string s =
      "# Completion of adze for fish, written by `adze completion fish`.\n"
      "complete -c adze -n __fish_use_subcommand -f\n";
  for (const CommandInfo& c : commands) {
    s += "complete -c adze -n __fish_use_subcommand -a " + c.name + " -d " + quoted(c.description) +
         "\n";
    const std::string here = "complete -c adze -n '__fish_seen_subcommand_from " + c.name + "'";
    for (const OptionInfo& o : c.options) {
      s += here + " -l " + o.name.substr(2) + " -d " + quoted(o.description);
      if (!o.value.empty()) s += o.choices.empty() ? " -r" : " -x -a " + quoted(Join(o.choices));
      s += "\n";
    }
    for (const OptionInfo& a : c.arguments) {
      if (!a.choices.empty()) s += here + " -f -a " + quoted(Join(a.choices)) + "\n";
    }
  }
  return s;
}

}  // namespace

void RegisterCompletion(CLI::App& app, Action* action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand("completion", "print a completion script for a shell");
  c->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  c->callback([&app, shell, action] {
    *action = [&app, shell] {
      const std::vector<CommandInfo> commands = DescribeCommands(app);
      const std::string text = *shell == "bash"  ? Bash(Describe(app), commands)
                               : *shell == "zsh" ? Zsh(commands)
                                                 : Fish(commands);
      std::fwrite(text.data(), 1, text.size(), stdout);
      return OkStatus();
    };
  });
}

}  // namespace adze::cli
