#include "cli/terminal_progress.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "cli/terminal.h"

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBarWidth = 30;
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);

class TerminalProgress : public ProgressSink {
 public:
  TerminalProgress() : terminal_(cli::HasEscapes(stderr)) {}

  void Begin(int64_t total, std::string_view unit, std::string_view label) override {
    total_ = total;
    unit_ = unit;
    label_ = label;
    done_ = 0;
    start_ = Clock::now();
    drawn_ = {};
  }

  void Advance(int64_t n) override {
    done_ += n;
    const Clock::time_point now = Clock::now();
    if (!terminal_ || now - drawn_ < kRedrawEvery) return;
    drawn_ = now;
    Draw(std::chrono::duration<double>(now - start_).count());
  }

  void End() override {
    if (terminal_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  void Draw(double seconds) const {
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    std::string line = "\r" + label_ + " ";
    if (total_ > 0) {
      const int filled = static_cast<int>(kBarWidth * std::min(done_, total_) / total_);
      line += "[" + std::string(static_cast<size_t>(filled), '#') +
              std::string(static_cast<size_t>(kBarWidth - filled), '.') + "] ";
    }
    line += std::to_string(done_);
    if (total_ > 0) line += "/" + std::to_string(total_);
    char tail[80];
    std::snprintf(tail, sizeof(tail), " %s, %.1f/s", unit_.c_str(), rate);
    line += tail;
    if (total_ > 0 && rate > 0) {
      const int64_t left = static_cast<int64_t>(
          static_cast<double>(std::max<int64_t>(0, total_ - done_)) / rate + 0.5);
      std::snprintf(tail, sizeof(tail), ", %lld:%02lld left", static_cast<long long>(left / 60),
                    static_cast<long long>(left % 60));
      line += tail;
    }
    std::fputs((line + "\x1b[K").c_str(), stderr);
    std::fflush(stderr);
  }

  const bool terminal_;
  int64_t total_ = 0;
  int64_t done_ = 0;
  std::string unit_;
  std::string label_;
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace

std::unique_ptr<ProgressSink> MakeTerminalProgress() {
  return std::make_unique<TerminalProgress>();
}

}  // namespace adze
