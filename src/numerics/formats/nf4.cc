// NF4 (Dettmers et al., QLoRA, 2023): quantiles of a normal distribution, zero among them. The
// numbers follow from the paper's construction: inverse normal distribution at 8 probabilities
// evenly spaced from 0.9677083 down to above 0.5, and at 7 of them for the other sign, over the
// largest.
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kNf4Format = {
    .name = "nf4",
    .summary = "quantiles of a normal distribution, 64 share a scale (QLoRA)",
    .bits = 4,
    .storage = DType::kUInt4,
    .codebook =
        [] {
          return MakeCodebook({-1.0f, -0.6961929f, -0.52507305f, -0.3949175f, -0.28444135f,
                               -0.18477343f, -0.09104999f, 0.0f, 0.07958033f, 0.16093017f,
                               0.24611229f, 0.33791518f, 0.4407098f, 0.56261694f, 0.7229567f, 1.0f},
                              16);
        },
    .block_size = 64,
};

}  // namespace adze
