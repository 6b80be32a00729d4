// OpenVINO's CPU plugin. It refuses the QOperator form. Measured in docs/benchmarks.md
// ("consumers").
#include "targets/target.h"

namespace adze {

extern constexpr TargetDef kOpenVinoTarget = {
    .name = "openvino",
    .summary = "OpenVINO on CPUs with VNNI",
    .qoperator = false,
    .fuses_activations = false,
    .weight_limit = 127,
};

extern constexpr TargetDef kOpenVinoAvx2Target = {
    .name = "openvino-avx2",
    .summary = "OpenVINO on x86 without VNNI: weights of 7 bits, which do not saturate there",
    .qoperator = false,
    .fuses_activations = false,
    .weight_limit = 63,
};

}  // namespace adze
