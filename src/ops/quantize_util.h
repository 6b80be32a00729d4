// Layout of the parameters of QuantizeLinear and DequantizeLinear, and checks of the quantization
// parameters that the QLinear operators take as inputs.
#ifndef ADZE_OPS_QUANTIZE_UTIL_H_
#define ADZE_OPS_QUANTIZE_UTIL_H_

#include <cstdint>
#include <optional>

#include "numerics/rounding.h"
#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {

// Attributes that both operators have.
inline constexpr AttrDef kAxisAttr = {"axis", AttrKind::kInt};
inline constexpr AttrDef kBlockSizeAttr = {"block_size", AttrKind::kInt};

// Checks inputs 0 (x), 1 (scale) and 2 (zero point, optional) against each other: scale of one
// element (per tensor), of rank 1 (per axis) or, with block_size, of x's rank with dimension `axis`
// divided by the block size, rounded up.
Status CheckQuantizeInputs(const InferContext& ctx);

// Which element of scale and zero point belongs to an element of x.
struct QuantLayout {
  int64_t channels = 1;  // size of x along the axis
  int64_t inner = 1;     // elements behind the axis
  int64_t blocks = 1;    // size of scale along the axis
  int64_t block = 1;     // elements of x along the axis that share a scale
  bool per_tensor = true;
  bool per_axis = false;  // neither: blocked

  int64_t At(int64_t i) const {
    if (per_tensor) return 0;
    const int64_t c = i / inner % channels;
    if (per_axis) return c;
    return (i / inner / channels * blocks + c / block) * inner + i % inner;
  }
};
// Sizes are checked: At(i) is inside scale for every i of x. Absent zero points are fine.
Result<QuantLayout> ReadQuantLayout(const AttrMap& attrs, const ConstTensorView& x,
                                    const ConstTensorView& scale,
                                    const ConstTensorView& zero_point);

// For gradient rules: the axis of the parameters, or -1 for one set; blocked ones are refused.
Result<int> ParameterAxis(const VjpContext& c);

// Checks the quantized tensor at input `tensor` (int8 or uint8) with its scale and zero point
// inputs, each of one element or, if `channels` is given, a vector of that many. `zero_point` may
// be absent.
Status RequireQuantized(const InferContext& ctx, int tensor, int scale, int zero_point,
                        const char* name, std::optional<Dim> channels = std::nullopt);
// The same for an output, whose dtype is that of the zero point, or `fallback` without one.
Result<DType> RequireOutputParams(const InferContext& ctx, int scale, int zero_point,
                                  DType fallback = DType::kUndefined);

// Lowest and highest code of an integer type of at most 16 bits.
struct CodeRange {
  int32_t lo, hi;
};
inline CodeRange CodesOf(DType dtype) {
  const IntRange r = RangeOf(dtype);
  return {static_cast<int32_t>(r.min), static_cast<int32_t>(r.max)};
}

}  // namespace adze

#endif  // ADZE_OPS_QUANTIZE_UTIL_H_
