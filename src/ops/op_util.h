// Helpers shared by operator files: common shape rules and element-wise loops of the reference
// evaluations.
#ifndef ADZE_OPS_OP_UTIL_H_
#define ADZE_OPS_OP_UTIL_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "numerics/half.h"
#include "ops/op_def.h"

namespace adze {

// Output 0 has dtype and shape of input 0.
Status InferSameAsInput(InferContext& ctx);

// Multidirectional (NumPy) broadcasting of two shapes; InvalidInput when two constant dims clash. A
// symbolic dim against a constant > 1 takes the constant; two different symbols are refused as
// Unsupported.
Result<Shape> BroadcastShapes(const Shape& a, const Shape& b);
// Output 0: broadcast of inputs 0 and 1, which must have the same dtype; output dtype `dtype`, or
// the inputs' when kUndefined.
Status InferBroadcast(InferContext& ctx, DType dtype = DType::kUndefined);

// axis in [-rank, rank) -> [0, rank); InvalidInput otherwise.
Result<int> NormalizeAxis(int64_t axis, int rank);

// Calls fn(T{}) with the C++ type of `dtype` (all but fp16/bf16); false when the dtype has none.
template <typename Fn>
bool DispatchDType(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kFloat32:
      fn(float{});
      return true;
    case DType::kFloat64:
      fn(double{});
      return true;
    case DType::kInt8:
      fn(int8_t{});
      return true;
    case DType::kUInt8:
      fn(uint8_t{});
      return true;
    case DType::kInt16:
      fn(int16_t{});
      return true;
    case DType::kUInt16:
      fn(uint16_t{});
      return true;
    case DType::kInt32:
      fn(int32_t{});
      return true;
    case DType::kUInt32:
      fn(uint32_t{});
      return true;
    case DType::kInt64:
      fn(int64_t{});
      return true;
    case DType::kUInt64:
      fn(uint64_t{});
      return true;
    case DType::kBool:
      fn(bool{});
      return true;
    default:
      return false;
  }
}

// Reads element i of a float16/bfloat16/float32/float64 tensor as float (double narrows).
inline float FloatAt(const ConstTensorView& t, int64_t i) {
  switch (t.dtype) {
    case DType::kFloat16:
      return DecodeFloat16(static_cast<const uint16_t*>(t.data)[i]);
    case DType::kBFloat16:
      return DecodeBFloat16(static_cast<const uint16_t*>(t.data)[i]);
    case DType::kFloat64:
      return static_cast<float>(static_cast<const double*>(t.data)[i]);
    default:
      return static_cast<const float*>(t.data)[i];
  }
}
inline void SetFloatAt(const TensorView& t, int64_t i, float v) {
  switch (t.dtype) {
    case DType::kFloat16:
      static_cast<uint16_t*>(t.data)[i] = EncodeFloat16(v);
      break;
    case DType::kBFloat16:
      static_cast<uint16_t*>(t.data)[i] = EncodeBFloat16(v);
      break;
    case DType::kFloat64:
      static_cast<double*>(t.data)[i] = v;
      break;
    default:
      static_cast<float*>(t.data)[i] = v;
      break;
  }
}

Status UnsupportedDType(DType dtype);  // "element type float16 is not supported"
// Output 0 has as many elements as input 0: what an element-wise loop relies on.
Status CheckSameSize(const EvalContext& ctx);

// y[i] = fn(x[i]) for input 0 -> output 0 of equal dtype; 16-bit floats are computed in float32.
template <typename Fn>
Status MapUnary(const EvalContext& ctx, Fn&& fn) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  const int64_t n = x.size();
  ADZE_TRY(CheckSameSize(ctx));
  if (x.dtype == DType::kFloat16 || x.dtype == DType::kBFloat16) {
    for (int64_t i = 0; i < n; ++i) SetFloatAt(y, i, fn(FloatAt(x, i)));
    return OkStatus();
  }
  const bool known = DispatchDType(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      const T* const in = x.as<T>();
      T* const out = y.as<T>();
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(fn(in[i]));
    }
  });
  return known && x.dtype != DType::kBool ? OkStatus() : UnsupportedDType(x.dtype);
}
// The same for functions that make sense on floats only (Exp, Tanh …).
template <typename Fn>
Status MapUnaryFloat(const EvalContext& ctx, Fn&& fn) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (!IsFloat(x.dtype)) return UnsupportedDType(x.dtype);
  ADZE_TRY(CheckSameSize(ctx));
  const int64_t n = x.size();
  if (x.dtype == DType::kFloat64) {
    for (int64_t i = 0; i < n; ++i) y.as<double>()[i] = fn(x.as<double>()[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) SetFloatAt(y, i, fn(FloatAt(x, i)));
  }
  return OkStatus();
}

// Visits an output of shape `out_dims` in row-major order with the element offsets of two broadcast
// inputs: fn(out_offset, a_offset, b_offset). Ranks <= kMaxRank.
template <typename Fn>
void ForEachBroadcast(std::span<const int64_t> out_dims, std::span<const int64_t> a_dims,
                      std::span<const int64_t> b_dims, Fn&& fn) {
  const int rank = static_cast<int>(out_dims.size());
  int64_t a_stride[kMaxRank];
  int64_t b_stride[kMaxRank];
  int64_t index[kMaxRank] = {};
  const auto strides = [&](std::span<const int64_t> dims, int64_t* stride) {
    int64_t s = 1;
    const int shift = rank - static_cast<int>(dims.size());
    for (int i = rank - 1; i >= 0; --i) {
      const int64_t d = i >= shift ? dims[static_cast<size_t>(i - shift)] : 1;
      stride[i] = d == 1 ? 0 : s;
      s *= d;
    }
  };
  strides(a_dims, a_stride);
  strides(b_dims, b_stride);
  const int64_t n = NumElements(out_dims);
  int64_t a = 0;
  int64_t b = 0;
  for (int64_t i = 0; i < n; ++i) {
    fn(i, a, b);
    for (int d = rank - 1; d >= 0; --d) {
      a += a_stride[d];
      b += b_stride[d];
      if (++index[d] < out_dims[static_cast<size_t>(d)]) break;
      a -= a_stride[d] * index[d];
      b -= b_stride[d] * index[d];
      index[d] = 0;
    }
  }
}

// Spatial geometry of convolution and pooling on a [N, C, spatial...] input of 1 to 3 spatial
// dimensions. Filled from the attributes kernel_shape, strides, dilations, pads, auto_pad,
// ceil_mode.
struct WindowGeometry {
  int spatial_rank = 0;
  int64_t kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1};
  int64_t dilation[3] = {1, 1, 1};
  int64_t pad_begin[3] = {0, 0, 0};
  int64_t pad_end[3] = {0, 0, 0};
};
// The explicit attributes only (kernel_shape, strides, dilations, pads) for `spatial_rank`
// dimensions; `kernel_shape` gives the window when the attribute is absent (convolution weights).
Result<WindowGeometry> ReadWindowAttrs(const AttrMap& attrs, size_t spatial_rank,
                                       std::span<const int64_t> kernel_shape);
// The same with auto_pad resolved for the input `x`. SAME_* padding needs the input dims; they may
// be symbolic only where the padding does not depend on them (stride 1).
Result<WindowGeometry> ReadWindow(const AttrMap& attrs, const Shape& x,
                                  std::span<const int64_t> kernel_shape);
// For evaluations: concrete dims, no allocation on success.
Result<WindowGeometry> ReadWindow(const AttrMap& attrs, std::span<const int64_t> x_dims,
                                  std::span<const int64_t> kernel_shape);
// Output size of spatial dimension i.
Dim WindowOutput(const WindowGeometry& g, int i, const Dim& input, bool ceil_mode);

}  // namespace adze

#endif  // ADZE_OPS_OP_UTIL_H_
