// Observers: pure functions from a tensor's record to the range that its quantizer should cover.
// One file each and one row in observer_list.inc.
#ifndef ADZE_CALIB_OBSERVERS_OBSERVER_H_
#define ADZE_CALIB_OBSERVERS_OBSERVER_H_

#include <span>
#include <string_view>
#include <vector>

#include "calib/records.h"
#include "numerics/quant_type.h"

namespace adze {

struct ObserverSpec {
  DType storage = DType::kUInt8;
  bool symmetric = false;
  double percentile = 99.99;  // of the percentile observer, over both tails together
};

// min <= 0 <= max not required; ChooseAffineParams widens to zero.
struct RealRange {
  float min = 0;
  float max = 0;
};

struct ObserverDef {
  const char* name;     // as on the command line
  const char* summary;  // one sentence
  // The record has at least one finite value. The result lies within [range.min, range.max].
  RealRange (*finish)(const TensorRecord& record, const ObserverSpec& spec);
};

// In list order, and by name (null when unknown). `auto` is not an observer: it chooses among them.
std::span<const ObserverDef* const> AllObservers();
const ObserverDef* FindObserver(std::string_view name);

// The quantizer of the range that `observer` finds.
AffineParams Finish(const ObserverDef& observer, const TensorRecord& record,
                    const ObserverSpec& spec);

}  // namespace adze

#endif  // ADZE_CALIB_OBSERVERS_OBSERVER_H_
