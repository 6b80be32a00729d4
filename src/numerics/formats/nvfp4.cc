// NVFP4: FP4 E2M1 in blocks of 16 whose scales are FP8 E4M3 times a float32 per tensor (NVIDIA,
// Introducing NVFP4, 2025). adze keeps the product of both scales.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kNvFp4Format = {
    .name = "nvfp4",
    .summary = "FP4 E2M1, 16 share an FP8 E4M3 scale times one float32 per tensor (NVIDIA)",
    .bits = 4,
    .storage = DType::kUInt4,
    .codebook = [] { return MiniFloats(2, 1, 1, 0); },
    .block_size = 16,
    .scale = ScaleFormat::kE4M3,
};

}  // namespace adze
