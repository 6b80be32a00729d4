// Two and three numbers.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kTernaryFormat = {
    "ternary", "-1, 0 and 1 (Li et al., Ternary Weight Networks, 2016)", 2, DType::kUInt2, [] {
      return MakeCodebook({-1, 0, 1}, 4);
    }};
extern const NumberFormat kBinaryFormat = {
    "binary", "-1 and 1 (Rastegari et al., XNOR-Net, 2016); files take 2 bits", 2, DType::kUInt2,
    [] {
      return MakeCodebook({-1, 1}, 4);
    }};

}  // namespace adze
