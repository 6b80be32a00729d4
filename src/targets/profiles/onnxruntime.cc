// ONNX Runtime's CPU provider. Measured in docs/benchmarks.md ("consumers").
#include "targets/target.h"

namespace adze {

extern constexpr TargetDef kOnnxRuntimeTarget = {
    .name = "onnxruntime",
    .summary = "ONNX Runtime on CPUs with VNNI or dot-product instructions",
    .qoperator = false,
    .fuses_activations = false,
    .weight_limit = 127,
};

extern constexpr TargetDef kOnnxRuntimeAvx2Target = {
    .name = "onnxruntime-avx2",
    .summary = "ONNX Runtime on x86 without VNNI: weights of 7 bits, which do not saturate there",
    .qoperator = false,
    .fuses_activations = false,
    .weight_limit = 63,
};

}  // namespace adze
