#include "calib/observers/observer.h"

#include <algorithm>

namespace adze {

#define ADZE_OBSERVER(symbol) extern const ObserverDef symbol;
#include "calib/observers/observer_list.inc"
#undef ADZE_OBSERVER

namespace {
#define ADZE_OBSERVER(symbol) &symbol,
constexpr const ObserverDef* kObservers[] = {
#include "calib/observers/observer_list.inc"
};
#undef ADZE_OBSERVER
}  // namespace

std::span<const ObserverDef* const> AllObservers() { return kObservers; }

const ObserverDef* FindObserver(std::string_view name) {
  const auto it = std::find_if(std::begin(kObservers), std::end(kObservers),
                               [&](const ObserverDef* o) { return name == o->name; });
  return it == std::end(kObservers) ? nullptr : *it;
}

AffineParams Finish(const ObserverDef& observer, const TensorRecord& record,
                    const ObserverSpec& spec) {
  const RealRange range = observer.finish(record, spec);
  return ChooseAffineParams(range.min, range.max, spec.storage, spec.symmetric);
}

}  // namespace adze
