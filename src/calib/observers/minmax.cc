// The extremes of everything seen: nothing is clipped.
#include "calib/observers/observer.h"

namespace adze {
namespace {

RealRange FinishMinMax(const TensorRecord& record, const ObserverSpec&) {
  return {record.range.min, record.range.max};
}

}  // namespace

extern constexpr ObserverDef kMinMaxObserver = {
    .name = "minmax",
    .summary = "the smallest and the largest value seen",
    .finish = FinishMinMax,
};

}  // namespace adze
