#include "targets/target.h"

namespace adze {

#define ADZE_TARGET(symbol) extern const TargetDef symbol;
#include "targets/target_list.inc"
#undef ADZE_TARGET

std::span<const TargetDef* const> AllTargets() {
  static constexpr const TargetDef* kTargets[] = {
#define ADZE_TARGET(symbol) &symbol,
#include "targets/target_list.inc"
#undef ADZE_TARGET
  };
  return kTargets;
}

const TargetDef* FindTarget(std::string_view name) {
  for (const TargetDef* t : AllTargets()) {
    if (name == t->name) return t;
  }
  return nullptr;
}

}  // namespace adze
