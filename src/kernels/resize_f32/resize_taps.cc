#include <algorithm>
#include <cmath>

#include "kernels/resize_f32/resize_f32.h"

namespace adze {

void ResizeTaps(const ResizeArgs& args, float scale, int64_t in, int64_t out, ResizeTap* taps) {
  const double s = scale > 0 ? double{scale} : static_cast<double>(out) / static_cast<double>(in);
  for (int64_t i = 0; i < out; ++i) {
    const double at = static_cast<double>(i);
    double x = 0;
    switch (args.coordinates) {
      case ResizeCoordinates::kHalfPixel:
        x = (at + 0.5) / s - 0.5;
        break;
      case ResizeCoordinates::kPytorchHalfPixel:
        x = out > 1 ? (at + 0.5) / s - 0.5 : 0;
        break;
      case ResizeCoordinates::kAlignCorners:
        x = out > 1 ? at * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
        break;
      case ResizeCoordinates::kAsymmetric:
        x = at / s;
        break;
    }
    // Far outside gives the border anyway; the conversion below must not overflow.
    x = std::clamp(x, -1.0, static_cast<double>(in));
    double low = std::floor(x);
    ResizeTap& t = taps[i];
    if (args.mode == ResizeMode::kLinear) {
      t.frac = static_cast<float>(x - low);
    } else {
      const double half = x - low;
      const bool up = args.nearest == ResizeNearest::kRoundPreferFloor  ? half > 0.5
                      : args.nearest == ResizeNearest::kRoundPreferCeil ? half >= 0.5
                      : args.nearest == ResizeNearest::kCeil            ? half > 0
                                                                        : false;
      low += up ? 1 : 0;
      t.frac = 0;
    }
    const int64_t index = static_cast<int64_t>(low);
    t.low = static_cast<int32_t>(std::clamp<int64_t>(index, 0, in - 1));
    t.high = static_cast<int32_t>(std::clamp<int64_t>(index + 1, 0, in - 1));
  }
}

}  // namespace adze
