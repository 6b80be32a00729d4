// Colour on terminals, and nowhere else.
#ifndef ADZE_CLI_TERMINAL_H_
#define ADZE_CLI_TERMINAL_H_

#include <cstdio>
#include <string>
#include <string_view>

namespace adze::cli {

enum class Paint { kError, kWarning, kGood, kHeading };

bool IsTerminal(std::FILE* stream);
// A terminal that can move its cursor: TERM is set, and not to dumb.
bool HasEscapes(std::FILE* stream);
// The same, and NO_COLOR is unset or empty (https://no-color.org).
bool HasColor(std::FILE* stream);
// `text` as it is to be written to `stream`: painted if HasColor.
std::string Painted(std::string_view text, Paint paint, std::FILE* stream);

}  // namespace adze::cli

#endif  // ADZE_CLI_TERMINAL_H_
