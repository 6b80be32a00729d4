// What the lowering rules share.
#ifndef ADZE_LOWER_RULES_H_
#define ADZE_LOWER_RULES_H_

#include "kernels/conv_args.h"
#include "kernels/pool_f32/pool_f32.h"
#include "lower/builder.h"
#include "numerics/rounding.h"
#include "ops/op_util.h"

namespace adze {

#define ADZE_LOWER(domain, name, function) Result<bool> function(PlanBuilder& b, NodeId id);
#include "lower/lower_list.inc"
#undef ADZE_LOWER

// The 8-bit forms of a binary operator and of a pooling; false when the types ask for the float
// form.
Result<bool> LowerBinaryI8(PlanBuilder& b, NodeId id);
Result<bool> LowerPoolI8(PlanBuilder& b, NodeId id, const PoolF32Args& pool);

// One or two spatial dimensions as a 2-D window without channels; a 1-D window has height 1.
ConvWindow ToConvWindow(const WindowGeometry& g);

// The 256 results of a function of one uint8 value. `fn` maps the real number; `out` quantizes it.
template <typename Fn>
Tensor MakeTable(const U8Quant& in, const U8Quant& out, Fn&& fn) {
  Tensor table = Tensor::Allocate(DType::kUInt8, {256});
  for (int32_t q = 0; q < 256; ++q) {
    table.mutable_data<uint8_t>()[q] = static_cast<uint8_t>(QuantizeOne(
        fn(DequantizeOne(q, in.scale, in.zero_point)), out.scale, out.zero_point, out.lo, out.hi));
  }
  return table;
}

// The value as uint8 with quantizer `q` in `layout`: as it is when it has it already, else through
// a table or a quantize step.
int32_t AsU8(PlanBuilder& b, NodeId user, ValueId id, const U8Quant& q, Layout layout);

// The layout in which moving and element-wise steps best run: channels-last as soon as one of the
// values is.
Layout CommonLayout(PlanBuilder& b, std::span<const ValueId> values);

}  // namespace adze

#endif  // ADZE_LOWER_RULES_H_
