// Spatial resampling of NHWC float images: nearest and bilinear.
#ifndef ADZE_KERNELS_RESIZE_F32_RESIZE_F32_H_
#define ADZE_KERNELS_RESIZE_F32_RESIZE_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Values are stable: they are stored in plans. Names are those of ONNX Resize.
enum class ResizeMode : int32_t { kNearest = 0, kLinear = 1 };
enum class ResizeCoordinates : int32_t {
  kHalfPixel = 0,         // x = (i + 0.5) / scale - 0.5
  kPytorchHalfPixel = 1,  // the same, 0 when the output has one element
  kAlignCorners = 2,      // x = i * (in - 1) / (out - 1), 0 when the output has one element
  kAsymmetric = 3,        // x = i / scale
};
enum class ResizeNearest : int32_t {
  kRoundPreferFloor = 0,
  kRoundPreferCeil = 1,
  kFloor = 2,
  kCeil = 3,
};

// Step arguments of kResize. The scales are those of the node; 0: output size / input size.
struct ResizeArgs {
  ResizeMode mode = ResizeMode::kNearest;
  ResizeCoordinates coordinates = ResizeCoordinates::kHalfPixel;
  ResizeNearest nearest = ResizeNearest::kRoundPreferFloor;
  float scale_h = 0, scale_w = 0;
};

// Where one output coordinate reads: x[low] * (1 - frac) + x[high] * frac, both clamped to the
// image.
struct ResizeTap {
  int32_t low = 0, high = 0;
  float frac = 0;
};
// Fills taps[0 .. out) of one axis; scale 0: out / in. in > 0. Coordinates are computed in double.
void ResizeTaps(const ResizeArgs& args, float scale, int64_t in, int64_t out, ResizeTap* taps);

struct ResizeF32Call {
  int64_t in_h = 0, in_w = 0, out_h = 0, out_w = 0, channels = 0;
  const ResizeTap* taps_h = nullptr;
  const ResizeTap* taps_w = nullptr;
  ResizeMode mode = ResizeMode::kNearest;
  const float* x = nullptr;
  float* y = nullptr;
};
// Output rows [row_begin, row_end) of batch * out_h. Linear: the sum of the four corners times
// their weights, in float.
void ResizeF32Rows(Isa isa, const ResizeF32Call& call, int64_t row_begin, int64_t row_end);

}  // namespace adze

#endif  // ADZE_KERNELS_RESIZE_F32_RESIZE_F32_H_
