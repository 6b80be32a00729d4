// A progress bar on standard error, when that is a terminal that can redraw a line.
#ifndef ADZE_CLI_TERMINAL_PROGRESS_H_
#define ADZE_CLI_TERMINAL_PROGRESS_H_

#include <memory>

#include "base/progress.h"

namespace adze {

// One line, redrawn at most ten times a second: label, bar, count, rate, time left. Silent when
// standard error is no terminal, so that logs stay clean. Wiped at the end of each stage.
std::unique_ptr<ProgressSink> MakeTerminalProgress();

}  // namespace adze

#endif  // ADZE_CLI_TERMINAL_PROGRESS_H_
