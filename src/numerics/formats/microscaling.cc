// The OCP Microscaling (MX) specification 1.0: blocks of 32 elements share an E8M0 scale.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kMxFp8E4M3Format = {
    .name = "mxfp8_e4m3",
    .summary = "FP8 E4M3, 32 share a power of two (OCP MX)",
    .bits = 8,
    .storage = DType::kUInt8,
    .codebook = [] { return MiniFloats(4, 3, 7, 1); },
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};
extern const NumberFormat kMxFp8E5M2Format = {
    .name = "mxfp8_e5m2",
    .summary = "FP8 E5M2, 32 share a power of two (OCP MX)",
    .bits = 8,
    .storage = DType::kUInt8,
    .codebook = [] { return MiniFloats(5, 2, 15, 4); },
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};
extern const NumberFormat kMxFp6E3M2Format = {
    .name = "mxfp6_e3m2",
    .summary = "FP6 E3M2, 32 share a power of two (OCP MX)",
    .bits = 6,
    .storage = DType::kUInt6,
    .codebook = [] { return MiniFloats(3, 2, 3, 0); },
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};
extern const NumberFormat kMxFp6E2M3Format = {
    .name = "mxfp6_e2m3",
    .summary = "FP6 E2M3, 32 share a power of two (OCP MX)",
    .bits = 6,
    .storage = DType::kUInt6,
    .codebook = [] { return MiniFloats(2, 3, 1, 0); },
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};
extern const NumberFormat kMxFp4Format = {
    .name = "mxfp4",
    .summary = "FP4 E2M1, 32 share a power of two (OCP MX)",
    .bits = 4,
    .storage = DType::kUInt4,
    .codebook = [] { return MiniFloats(2, 1, 1, 0); },
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};
extern const NumberFormat kMxInt8Format = {
    .name = "mxint8",
    .summary = "integers of 8 bits, 32 share a power of two (OCP MX)",
    .bits = 8,
    .storage = DType::kInt8,
    .block_size = 32,
    .scale = ScaleFormat::kPowerOfTwo,
};

}  // namespace adze
