// Asking another program one question.
#ifndef ADZE_BASE_SUBPROCESS_H_
#define ADZE_BASE_SUBPROCESS_H_

#include <optional>
#include <string>
#include <vector>

namespace adze {

// The first line that `command` (its name is looked up in PATH) prints, printable ASCII of at most
// 100 characters. Null if it cannot be started, fails, or runs longer than `limit_s`; then it and
// its process group are killed. It reads nothing, and what it says on stderr is lost.
std::optional<std::string> FirstLineOf(const std::vector<std::string>& command, double limit_s);

}  // namespace adze

#endif  // ADZE_BASE_SUBPROCESS_H_
