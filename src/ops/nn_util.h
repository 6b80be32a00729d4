// Helpers of the neural-network operators: loops over any float type, checks of inputs, and the
// walk of a convolution window. Shape rules see partly symbolic dims, so each evaluation checks
// again, on numbers, what keeps it in bounds.
#ifndef ADZE_OPS_NN_UTIL_H_
#define ADZE_OPS_NN_UTIL_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "numerics/half.h"
#include "ops/op_def.h"
#include "ops/op_util.h"

namespace adze {

// Element access of one float type; arithmetic is in Real. 16-bit floats compute in float32 and
// round once per store.
template <typename T>
struct FloatIo {
  using Real = T;
  static Real Load(const void* p, int64_t i) { return static_cast<const T*>(p)[i]; }
  static void Store(void* p, int64_t i, Real v) { static_cast<T*>(p)[i] = v; }
};
struct Float16Io {
  using Real = float;
  static float Load(const void* p, int64_t i) {
    return DecodeFloat16(static_cast<const uint16_t*>(p)[i]);
  }
  static void Store(void* p, int64_t i, float v) {
    static_cast<uint16_t*>(p)[i] = EncodeFloat16(v);
  }
};
struct BFloat16Io {
  using Real = float;
  static float Load(const void* p, int64_t i) {
    return DecodeBFloat16(static_cast<const uint16_t*>(p)[i]);
  }
  static void Store(void* p, int64_t i, float v) {
    static_cast<uint16_t*>(p)[i] = EncodeBFloat16(v);
  }
};

// Calls fn(Io{}) with the element access of a float dtype; Unsupported for any other dtype.
template <typename Fn>
Status DispatchFloat(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kFloat32:
      fn(FloatIo<float>{});
      return OkStatus();
    case DType::kFloat64:
      fn(FloatIo<double>{});
      return OkStatus();
    case DType::kFloat16:
      fn(Float16Io{});
      return OkStatus();
    case DType::kBFloat16:
      fn(BFloat16Io{});
      return OkStatus();
    default:
      return UnsupportedDType(dtype);
  }
}

// Checks of inputs in shape rules; `name` is the operator's own name for the input, used in the
// sentence.
Status RequireInput(const InferContext& ctx, int i, const char* name);
// Present and of a float type (Unsupported otherwise).
Status RequireFloat(const InferContext& ctx, int i, const char* name);
// Present and of one of the given types (Unsupported otherwise).
Status RequireDType(const InferContext& ctx, int i, const char* name,
                    std::initializer_list<DType> allowed);
// If present, of the type of input `other` (InvalidInput otherwise).
Status RequireSameDType(const InferContext& ctx, int i, const char* name, int other);
// If present with a known shape: one element, rank 0 or 1.
Status RequireScalar(const InferContext& ctx, int i, const char* name);
// If present with a known shape: rank 1 and, as far as known, `size` elements.
Status RequireVector(const InferContext& ctx, int i, const char* name, const Dim& size);
// Two dims that must be equal: InvalidInput when they certainly differ; else the one that says more
// (a number before a symbol).
Result<Dim> SameDim(const Dim& a, const Dim& b, const char* what);

// WindowOutput, refusing a window larger than the padded input (InvalidInput; ceil_mode allows a
// last window that is partly outside) and, with ceil_mode, a symbolic size whose formula would need
// the rule that drops a last window starting inside the end padding (Unsupported).
Result<Dim> CheckedWindowOutput(const WindowGeometry& g, int i, const Dim& input, bool ceil_mode);

// Checks of evaluations, on numbers.
// t has exactly `size` elements, or is absent.
Status CheckSize(const ConstTensorView& t, int64_t size, const char* name);
// Every dim of `from`, aligned at the right, is 1 or that of `to`: what ForEachBroadcast relies on.
Status CheckBroadcast(std::span<const int64_t> from, std::span<const int64_t> to);

// Parameters of one quantized tensor in an evaluation: scale and zero point per tensor (one
// element) or per channel. The zero point may be absent: 0.
struct QuantParamView {
  ConstTensorView scale;
  ConstTensorView zero_point;

  float ScaleAt(int64_t c) const { return FloatAt(scale, scale.size() == 1 ? 0 : c); }
  int32_t ZeroPointAt(int64_t c) const {
    if (!zero_point.present()) return 0;
    return static_cast<int32_t>(IntegerAt(zero_point, zero_point.size() == 1 ? 0 : c));
  }
};
// Scale and zero point have one element or, when `channels` >= 0 is given, that many.
Status CheckQuantParams(const QuantParamView& q, const char* name, int64_t channels = -1);

// Element i of an 8-bit tensor; `is_signed` is loop-invariant, so compilers split the loop.
inline int32_t Int8At(const ConstTensorView& t, int64_t i) {
  return t.dtype == DType::kInt8 ? static_cast<const int8_t*>(t.data)[i]
                                 : static_cast<const uint8_t*>(t.data)[i];
}
// Stores v, which must be in the range of the 8-bit type of t.
inline void SetInt8At(const TensorView& t, int64_t i, int32_t v) {
  static_cast<uint8_t*>(t.data)[i] = static_cast<uint8_t>(v);
}

// Kernel positions [begin, end) of a window that lie inside an input of `size` along spatial
// dimension i, for output position `out`; `start` is the input position of kernel position 0.
struct TapRange {
  int64_t start, begin, end;
};
inline TapRange InsideTaps(const WindowGeometry& g, int i, int64_t out, int64_t size) {
  const int64_t start = out * g.stride[i] - g.pad_begin[i];
  const int64_t d = g.dilation[i];
  const int64_t begin = start >= 0 ? 0 : std::min((-start + d - 1) / d, g.kernel[i]);
  const int64_t end = start >= size ? 0 : std::min(g.kernel[i], (size - start + d - 1) / d);
  return {start, begin, std::max(begin, end)};
}

// a * b for cost counts, saturating; factors that NumElements refused (-1) saturate as well.
inline int64_t MulCount(int64_t a, int64_t b) {
  int64_t product;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

// An image batch [batch, channels, size[0], size[1], size[2]]; unused trailing sizes are 1.
struct ImageDims {
  int64_t batch = 0, channels = 0;
  int64_t size[3] = {1, 1, 1};
  int64_t pixels() const { return size[0] * size[1] * size[2]; }
};
// `dims` of rank 2 to 5.
ImageDims ReadImageDims(std::span<const int64_t> dims);

// Visits every output position of a window walk: fn(output pixel, taps) with taps[3] clipped to the
// input.
template <typename Fn>
void ForEachWindow(const WindowGeometry& g, const int64_t in_size[3], const int64_t out_size[3],
                   Fn&& fn) {
  int64_t pixel = 0;
  TapRange taps[3];
  for (int64_t a = 0; a < out_size[0]; ++a) {
    taps[0] = InsideTaps(g, 0, a, in_size[0]);
    for (int64_t b = 0; b < out_size[1]; ++b) {
      taps[1] = InsideTaps(g, 1, b, in_size[1]);
      for (int64_t c = 0; c < out_size[2]; ++c, ++pixel) {
        taps[2] = InsideTaps(g, 2, c, in_size[2]);
        fn(pixel, taps);
      }
    }
  }
}
// Visits the taps of one window: fn(input pixel, kernel index), both row-major.
template <typename Fn>
void ForEachTap(const WindowGeometry& g, const int64_t in_size[3], const TapRange taps[3],
                Fn&& fn) {
  for (int64_t i = taps[0].begin; i < taps[0].end; ++i) {
    const int64_t x0 = taps[0].start + i * g.dilation[0];
    for (int64_t j = taps[1].begin; j < taps[1].end; ++j) {
      const int64_t x1 = x0 * in_size[1] + taps[1].start + j * g.dilation[1];
      const int64_t k1 = i * g.kernel[1] + j;
      for (int64_t k = taps[2].begin; k < taps[2].end; ++k) {
        fn(x1 * in_size[2] + taps[2].start + k * g.dilation[2], k1 * g.kernel[2] + k);
      }
    }
  }
}

}  // namespace adze

#endif  // ADZE_OPS_NN_UTIL_H_
