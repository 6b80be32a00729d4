// Two's complement integers: one real step from code to code.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kInt8Format = {"int8", "signed integers of 8 bits", 8, DType::kInt8};
extern const NumberFormat kInt7Format = {"int7", "signed integers of 7 bits", 7, DType::kInt7};
extern const NumberFormat kInt6Format = {"int6", "signed integers of 6 bits", 6, DType::kInt6};
extern const NumberFormat kInt5Format = {"int5", "signed integers of 5 bits", 5, DType::kInt5};
extern const NumberFormat kInt4Format = {"int4", "signed integers of 4 bits", 4, DType::kInt4};
extern const NumberFormat kInt3Format = {"int3", "signed integers of 3 bits", 3, DType::kInt3};
extern const NumberFormat kInt2Format = {"int2", "signed integers of 2 bits", 2, DType::kInt2};

}  // namespace adze
