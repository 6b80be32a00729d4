#include "cli/terminal.h"

#include <unistd.h>

#include <cstdlib>

namespace adze::cli {
namespace {

const char* Code(Paint paint) {
  switch (paint) {
    case Paint::kError:
      return "\x1b[1;31m";
    case Paint::kWarning:
      return "\x1b[1;33m";
    case Paint::kGood:
      return "\x1b[32m";
    case Paint::kHeading:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

bool IsTerminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

bool HasEscapes(std::FILE* stream) {
  const char* const term = std::getenv("TERM");
  if (term == nullptr || *term == '\0' || std::string_view(term) == "dumb") return false;
  return IsTerminal(stream);
}

bool HasColor(std::FILE* stream) {
  const char* const no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && HasEscapes(stream);
}

std::string Painted(std::string_view text, Paint paint, std::FILE* stream) {
  if (!HasColor(stream)) return std::string(text);
  return Code(paint) + std::string(text) + "\x1b[0m";
}

}  // namespace adze::cli
