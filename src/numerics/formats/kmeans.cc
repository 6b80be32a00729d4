// Codebooks learned from each tensor by k-means (Han et al., Deep Compression, 2016).
#include "numerics/number_format.h"

namespace adze {

extern const NumberFormat kKMeans8Format = {
    .name = "kmeans8",
    .summary = "256 numbers per tensor, learned by k-means",
    .bits = 8,
    .storage = DType::kUInt8,
    .learned = true,
};
extern const NumberFormat kKMeans6Format = {
    .name = "kmeans6",
    .summary = "64 numbers per tensor, learned by k-means",
    .bits = 6,
    .storage = DType::kUInt6,
    .learned = true,
};
extern const NumberFormat kKMeans4Format = {
    .name = "kmeans4",
    .summary = "16 numbers per tensor, learned by k-means",
    .bits = 4,
    .storage = DType::kUInt4,
    .learned = true,
};
extern const NumberFormat kKMeans3Format = {
    .name = "kmeans3",
    .summary = "8 numbers per tensor, learned by k-means",
    .bits = 3,
    .storage = DType::kUInt3,
    .learned = true,
};
extern const NumberFormat kKMeans2Format = {
    .name = "kmeans2",
    .summary = "4 numbers per tensor, learned by k-means",
    .bits = 2,
    .storage = DType::kUInt2,
    .learned = true,
};

}  // namespace adze
