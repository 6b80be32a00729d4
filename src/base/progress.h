// Progress of long work. The library reports to a sink and never prints; what a terminal shows is
// the program's business (src/cli/terminal_progress.h).
#ifndef ADZE_BASE_PROGRESS_H_
#define ADZE_BASE_PROGRESS_H_

#include <cstdint>
#include <string_view>

namespace adze {

// Receives one stage of work at a time. Calls come from one thread: Begin, any number of Advance,
// End.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // `total` units of work named `unit` ("images") follow, described by `label` ("calibrating");
  // total 0: unknown.
  virtual void Begin(int64_t total, std::string_view unit, std::string_view label) = 0;
  virtual void Advance(int64_t n) = 0;
  virtual void End() = 0;
};

// One stage as a scope: Begin on construction, End on every way out. A null sink is silent.
class ProgressScope {
 public:
  ProgressScope(ProgressSink* sink, int64_t total, std::string_view unit, std::string_view label)
      : sink_(sink) {
    if (sink_ != nullptr) sink_->Begin(total, unit, label);
  }
  ~ProgressScope() {
    if (sink_ != nullptr) sink_->End();
  }
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;
  void Advance(int64_t n) {
    if (sink_ != nullptr) sink_->Advance(n);
  }

 private:
  ProgressSink* sink_;
};

}  // namespace adze

#endif  // ADZE_BASE_PROGRESS_H_
