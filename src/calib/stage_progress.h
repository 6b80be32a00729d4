// Joins what calibration reports (`Progress`) to a sink that shows one stage at a time.
#ifndef ADZE_CALIB_STAGE_PROGRESS_H_
#define ADZE_CALIB_STAGE_PROGRESS_H_

#include <string>

#include "base/progress.h"
#include "calib/collect.h"

namespace adze {

// Give Function() to calibration; the last stage ends with this object. A null sink is silent.
class StageProgress {
 public:
  explicit StageProgress(ProgressSink* sink) : sink_(sink) {}
  ~StageProgress() {
    if (!stage_.empty()) sink_->End();
  }
  StageProgress(const StageProgress&) = delete;
  StageProgress& operator=(const StageProgress&) = delete;

  Progress Function() {
    if (sink_ == nullptr) return nullptr;
    return [this](std::string_view stage, int64_t done, int64_t total) {
      if (stage != stage_) {
        if (!stage_.empty()) sink_->End();
        stage_ = stage;
        shown_ = 0;
        sink_->Begin(total, "steps", stage);
      }
      sink_->Advance(done - shown_);
      shown_ = done;
    };
  }

 private:
  ProgressSink* sink_;
  std::string stage_;
  int64_t shown_ = 0;
};

}  // namespace adze

#endif  // ADZE_CALIB_STAGE_PROGRESS_H_
