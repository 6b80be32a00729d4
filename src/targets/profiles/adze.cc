#include "targets/target.h"

namespace adze {

extern constexpr TargetDef kAdzeTarget = {
    .name = "adze",
    .summary = "adze's own runtime, on any CPU",
    .qoperator = false,
    .fuses_activations = true,
    .weight_limit = 127,
};

}  // namespace adze
