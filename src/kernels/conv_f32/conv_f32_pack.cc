// Packing and unpacking of float convolution weights: plain C++, so that a plan can be made for, or
// come from, an instruction set that this processor lacks.
#include "kernels/conv_f32/conv_f32.h"

namespace adze {
namespace {

// Calls fn(output channel, or -1 for padding; input channel in its group; kh; kw) for every packed
// float in order.
template <typename Fn>
void ForPacked(const ConvWindow& w, ConvF32Packing packing, Fn&& fn) {
  const int64_t cg = w.in_channels / w.groups;
  const int64_t og = w.out_channels / w.groups;
  const int64_t panel = static_cast<int64_t>(packing);
  for (int64_t g = 0; g < w.groups; ++g) {
    for (int64_t first = 0; first < og; first += panel) {
      const int64_t width = og - first > panel / 2 ? panel : panel / 2;
      for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
        for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
          for (int64_t c = 0; c < cg; ++c) {
            for (int64_t o = first; o < first + width; ++o) {
              fn(o < og ? g * og + o : -1, c, kh, kw);
            }
          }
        }
      }
    }
  }
}

}  // namespace

bool IsKnownConvF32Packing(int32_t packing) {
  return packing == 2 || packing == 8 || packing == 16 || packing == 32;
}

int64_t ConvF32PackedFloats(const ConvWindow& w, ConvF32Packing packing) {
  const int64_t lanes = static_cast<int64_t>(packing) / 2;
  const int64_t og = w.out_channels / w.groups;
  return int64_t{w.in_channels / w.groups} * w.kernel_h * w.kernel_w * w.groups *
         ((og + lanes - 1) / lanes * lanes);
}

void PackConvF32(const ConvWindow& window, ConvF32Packing packing, const float* weights,
                 const ConvWeightStrides& s, float* packed) {
  ForPacked(window, packing, [&](int64_t o, int64_t c, int64_t kh, int64_t kw) {
    *packed++ = o < 0 ? 0.0f : weights[o * s.out + c * s.in + kh * s.kernel_h + kw * s.kernel_w];
  });
}

void UnpackConvF32(const ConvWindow& window, ConvF32Packing packing, const float* packed,
                   float* weights) {
  const ConvWeightStrides s = OihwStrides(window);
  ForPacked(window, packing, [&](int64_t o, int64_t c, int64_t kh, int64_t kw) {
    if (o >= 0) weights[o * s.out + c * s.in + kh * s.kernel_h + kw * s.kernel_w] = *packed;
    ++packed;
  });
}

}  // namespace adze
