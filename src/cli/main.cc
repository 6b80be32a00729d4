// adze: the command line. Parses, calls one command, turns its Status into a sentence and an exit
// code.
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "cli/command.h"
#include "cli/terminal.h"

namespace adze::cli {

#define ADZE_COMMAND(function) void function(CLI::App& app, Action* action);
#include "cli/command_list.inc"
#undef ADZE_COMMAND

namespace {

// One sentence on standard error. Names come from files: a newline or an escape sequence in one
// must not reach the terminal.
int Refuse(StatusCode code, std::string message) {
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  std::fprintf(stderr, "%s %s\n", Painted("adze:", Paint::kError, stderr).c_str(), message.c_str());
  return static_cast<int>(code);
}

int RefuseArguments(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> called = app.get_subcommands();
  const std::string command = called.empty() ? "" : called[0]->get_name();
  return Refuse(StatusCode::kUsage, (command.empty() ? "" : command + ": ") + error.what() +
                                        "; see adze " + (command.empty() ? "" : command + " ") +
                                        "--help");
}

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app(
      "adze makes trained neural networks small and fast: it reads a float ONNX network, quantizes "
      "it on your data, "
      "writes the int8 network, runs both, and says what it cost.",
      "adze");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("adze ") + ADZE_VERSION);
  app.footer(
      "Exit codes: 0 done, 1 gate not met, 2 wrong usage, 3 bad input, 4 unsupported.\n"
      "ADZE_ISA=generic|avx2|avx512vnni forces an instruction set. docs/cli.md explains every "
      "option.");
  Action action;
#define ADZE_COMMAND(function) function(app, &action);
#include "cli/command_list.inc"
#undef ADZE_COMMAND
  std::string commands;
  bool known = argc < 2 || argv[1][0] == '-';
  for (const CLI::App* c : app.get_subcommands({})) {
    commands += " " + c->get_name();
    known = known || c->get_name() == argv[1];
  }
  if (!known) {
    return Refuse(StatusCode::kUsage,
                  "there is no command '" + std::string(argv[1]) + "'; there are:" + commands);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // --help and --version arrive here too, with exit code 0.
    return e.get_exit_code() == 0 ? app.exit(e) : RefuseArguments(app, e);
  }
  Status status;
  try {
    status = action();
  } catch (const std::bad_alloc&) {
    status = InvalidInput("out of memory");
  } catch (const std::system_error& e) {  // threads
    status = InvalidInput(std::string("the system refused a resource: ") + e.what());
  } catch (const std::exception& e) {
    status = InternalError(std::string("unexpected: ") + e.what());
  }
  if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && status.ok()) {
    status = InvalidInput("standard output cannot be written");
  }
  return status.ok() ? 0 : Refuse(status.code(), status.message());
}

}  // namespace adze::cli

int main(int argc, char** argv) {
  // Buffers go back to the system when they are freed, always: with glibc's growing threshold the
  // peak of a long job depends on the order in which threads happened to free.
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
#endif
  return adze::cli::Main(argc, argv);
}
