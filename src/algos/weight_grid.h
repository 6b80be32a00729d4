// What a number format makes of a weight: scales per output channel or block, and for every element
// the codes around it. Scales minimise the squared error, weighted by how much each input matters.
#ifndef ADZE_ALGOS_WEIGHT_GRID_H_
#define ADZE_ALGOS_WEIGHT_GRID_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "formats/encodings/encodings.h"
#include "ir/graph.h"
#include "numerics/number_format.h"
#include "quant/quantization_plan.h"

namespace adze {

// The numbers at scale 1, ascending: those of the codebook, or the integers of the storage type.
std::vector<float> GridNumbers(const QuantType& q);

// Elements of one output channel that share a scale.
struct ScaleGroup {
  size_t scale = 0;              // its index in QuantType::scale
  std::vector<int32_t> members;  // positions in the channel
};
// `at[i]`: index in the tensor of the channel's element i.
std::vector<ScaleGroup> ScaleGroups(const ScaleIndex& index, std::span<const int64_t> at);

// The scale with the least sum of importance * (w - scale * number)^2 over a search, for weights
// `w` that take the nearest numbers. `importance` empty: 1 each.
float ChooseScale(std::span<const float> numbers, ScaleFormat format, float outer,
                  std::span<const float> w, std::span<const float> importance);

// The numbers around each w: `low` and `high` times scale, equal at the ends of the grid, and
// `nearest` of them.
void Neighbours(std::span<const float> numbers, float scale, float w, float* low, float* high,
                float* nearest);

// The encoding of a constant weight in `format`, without data: one scale per output channel, or per
// `block_size` inputs of it where the layer has at least that many (0: never). Learned codebooks
// are those of k-means over the tensor, relative to the largest magnitude of each channel or block.
// Refuses NaN and infinities.
Result<TensorEncoding> StoredWeightEncoding(const Graph& graph, const WeightUse& use,
                                            const NumberFormat& format, int64_t block_size,
                                            ThreadPool* pool);

// The largest magnitude of a tensor times what a two-level scale needs: NearestScale's `outer`.
float OuterScaleOf(const QuantType& q, ScaleFormat format, const Tensor& weight);

}  // namespace adze

#endif  // ADZE_ALGOS_WEIGHT_GRID_H_
