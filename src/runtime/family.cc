#include "runtime/family.h"

namespace adze {

#define ADZE_FAMILY(symbol) extern const FamilyDef symbol;
#include "runtime/family_list.inc"
#undef ADZE_FAMILY

std::span<const FamilyDef* const> AllFamilies() {
  static constexpr const FamilyDef* kFamilies[] = {
#define ADZE_FAMILY(symbol) &symbol,
#include "runtime/family_list.inc"
#undef ADZE_FAMILY
  };
  return kFamilies;
}

const FamilyDef* FindFamily(FamilyId id) {
  for (const FamilyDef* def : AllFamilies()) {
    if (def->id == id) return def;
  }
  return nullptr;
}

}  // namespace adze
