// What the pooling operators share: the shape rule and the walk over windows.
#ifndef ADZE_OPS_POOL_UTIL_H_
#define ADZE_OPS_POOL_UTIL_H_

#include <cstdint>
#include <optional>

#include "ops/nn_util.h"

namespace adze {

// Output shape of pooling input 0 with the attributes of the node; nullopt when the input's shape
// is unknown.
Result<std::optional<Shape>> InferPoolShape(const InferContext& ctx);
// Output shape of pooling input 0 over all its spatial dimensions: they become 1.
Result<std::optional<Shape>> InferGlobalPoolShape(const InferContext& ctx);

// Sizes of one pooling, checked against each other.
struct PoolDims {
  WindowGeometry window;
  ImageDims x;
  ImageDims y;
};
Result<PoolDims> ReadPoolDims(const AttrMap& attrs, std::span<const int64_t> x,
                              std::span<const int64_t> y);

// Visits every output element: fn(y index, index of the channel's first pixel in x, taps).
template <typename Fn>
void ForEachPoolWindow(const PoolDims& d, Fn&& fn) {
  const int64_t planes = d.y.batch * d.y.channels;
  for (int64_t p = 0; p < planes; ++p) {
    ForEachWindow(d.window, d.x.size, d.y.size, [&](int64_t pixel, const TapRange* taps) {
      fn(p * d.y.pixels() + pixel, p * d.x.pixels(), taps);
    });
  }
}

// By how many elements an average divides: the taps inside the input or, with count_include_pad,
// inside the padded input (a last window of ceil_mode may reach beyond even that, which never
// counts).
int64_t AverageCount(const PoolDims& d, const TapRange taps[3], bool count_include_pad);

// Planes (batch * channels) and elements per plane of a global pooling, checked; rank >= 2.
struct GlobalPoolDims {
  int64_t planes = 0;
  int64_t plane_size = 0;
};
Result<GlobalPoolDims> ReadGlobalPoolDims(std::span<const int64_t> x, std::span<const int64_t> y);

}  // namespace adze

#endif  // ADZE_OPS_POOL_UTIL_H_
