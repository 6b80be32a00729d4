// Argument checks shared by the convolution families: arguments may come from a hostile plan file.
#ifndef ADZE_KERNELS_CONV_CHECK_H_
#define ADZE_KERNELS_CONV_CHECK_H_

#include "base/status.h"
#include "kernels/conv_args.h"

namespace adze {

// Every field positive (padding >= 0), groups divide both channel counts, and window, padding and
// channels small enough that products of any three of them with an image size fit int64.
Status CheckConvWindow(const ConvWindow& window);

// One input and one output channel per group.
Status CheckDepthwise(const ConvWindow& window);

// CheckConvWindow, and out_h, out_w follow from the window and the image, all sizes >= 0, and every
// tensor has at most 2^40 elements. An empty output is fine.
Status CheckConvSizes(const ConvWindow& window, const ConvSizes& sizes);

// CheckConvSizes, and the scalars of the integer epilogue lie in their ranges.
Status CheckConvI8Args(const ConvI8Args& args, const ConvSizes& sizes);

// Whether finish_i8 makes the codes of such a step.
inline bool Finishes(const ConvI8Args& args) {
  return args.activation != FusedActivation::kNone || args.has_factor != 0;
}

// What the multiply-accumulate kernel of a step that finishes so is told: float results, unclamped.
ConvI8Args RealResults(const ConvI8Args& args);

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_CHECK_H_
