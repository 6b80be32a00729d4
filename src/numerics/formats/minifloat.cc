// Small floating-point numbers: FP8 as in Micikevicius et al., FP8 Formats for Deep Learning, 2022,
// and FP6 and FP4 of the OCP Microscaling specification 1.0.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kFp8E4M3Format = {
    "fp8_e4m3", "FP8 with 4 exponent and 3 mantissa bits, up to 448 (OCP FP8)", 8, DType::kUInt8,
    [] { return MiniFloats(4, 3, 7, 1); }};
extern const NumberFormat kFp8E5M2Format = {
    "fp8_e5m2", "FP8 with 5 exponent and 2 mantissa bits, up to 57344 (OCP FP8)", 8, DType::kUInt8,
    [] { return MiniFloats(5, 2, 15, 4); }};
extern const NumberFormat kFp6E3M2Format = {"fp6_e3m2",
                                            "FP6 with 3 exponent and 2 mantissa bits, up to 28", 6,
                                            DType::kUInt6, [] { return MiniFloats(3, 2, 3, 0); }};
extern const NumberFormat kFp6E2M3Format = {"fp6_e2m3",
                                            "FP6 with 2 exponent and 3 mantissa bits, up to 7.5", 6,
                                            DType::kUInt6, [] { return MiniFloats(2, 3, 1, 0); }};
extern const NumberFormat kFp4Format = {
    "fp4_e2m1", "FP4 with 2 exponent bits and 1 mantissa bit: 0, 0.5, 1, 1.5, 2, 3, 4, 6", 4,
    DType::kUInt4, [] { return MiniFloats(2, 1, 1, 0); }};

}  // namespace adze
