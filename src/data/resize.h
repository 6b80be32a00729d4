// Antialiased bilinear resizing of 8-bit images, to the bit as Pillow's Image.resize(size,
// BILINEAR).
#ifndef ADZE_DATA_RESIZE_H_
#define ADZE_DATA_RESIZE_H_

#include <cstdint>

#include "formats/image/image.h"

namespace adze {

// Each output pixel is the weighted mean of input pixels under a triangle of half-width max(1, in /
// out) centred on it:
//   centre = (x + 0.5) * in / out,  w(i) = max(0, 1 - |i + 0.5 - centre| / halfwidth), normalised
//   to sum 1,
// one direction after the other, with an 8-bit intermediate image. Weights are rounded to 22
// fractional bits and sums to the nearest integer. A direction of equal size is left as it is. Rows
// are resized first unless the height shrinks by more than twice as many pixels as the width:
// Pillow does so from release 13 on (found by probing it with 2955 sizes); older releases always
// begin with rows and then differ by 1 on some pixels. Sizes must be >= 1.
Image ResizeBilinear(const Image& image, int64_t height, int64_t width);

}  // namespace adze

#endif  // ADZE_DATA_RESIZE_H_
