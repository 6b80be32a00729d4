// What Conv, QLinearConv and ConvInteger share: the shape rule and the loop nest.
#ifndef ADZE_OPS_CONV_UTIL_H_
#define ADZE_OPS_CONV_UTIL_H_

#include <array>
#include <cstdint>
#include <optional>

#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {

// Attributes of every convolution, in the order of the ONNX documentation.
inline constexpr std::array<AttrDef, 6> kConvAttrs = {{
    {"auto_pad", AttrKind::kString},
    {"dilations", AttrKind::kInts},
    {"group", AttrKind::kInt},
    {"kernel_shape", AttrKind::kInts},
    {"pads", AttrKind::kInts},
    {"strides", AttrKind::kInts},
}};

// Output shape of a convolution of input `x` [N, C, spatial...] with input `w` [M, C/group,
// kernel...]; nullopt when one of the shapes is unknown. Refuses every contradiction that the known
// dims show.
Result<std::optional<Shape>> InferConvShape(const InferContext& ctx, int x, int w);
// If input `i` is present: one value for each output channel of the weight input `w`.
Status RequirePerOutputChannel(const InferContext& ctx, int i, const char* name, int w);

// Sizes of one convolution, checked against each other: an evaluation that follows them stays in
// bounds.
struct ConvDims {
  WindowGeometry window;
  ImageDims x;
  ImageDims y;
  int64_t group = 1;
  int64_t group_in = 0;   // input channels per group
  int64_t group_out = 0;  // output channels per group
};
Result<ConvDims> ReadConvDims(const AttrMap& attrs, std::span<const int64_t> x,
                              std::span<const int64_t> w, std::span<const int64_t> y);

// acc = sum over taps of multiply(x index, w index, output channel), in the order input channel,
// kernel position; then finish(y index, output channel, acc).
template <typename Acc, typename Multiply, typename Finish>
void ForEachConvOutput(const ConvDims& d, Multiply&& multiply, Finish&& finish) {
  const int64_t kernel_size = d.window.kernel[0] * d.window.kernel[1] * d.window.kernel[2];
  const int64_t x_pixels = d.x.pixels();
  const int64_t y_pixels = d.y.pixels();
  for (int64_t n = 0; n < d.y.batch; ++n) {
    for (int64_t m = 0; m < d.y.channels; ++m) {
      const int64_t x_base = (n * d.x.channels + m / d.group_out * d.group_in) * x_pixels;
      const int64_t w_base = m * d.group_in * kernel_size;
      const int64_t y_base = (n * d.y.channels + m) * y_pixels;
      ForEachWindow(d.window, d.x.size, d.y.size, [&](int64_t pixel, const TapRange* taps) {
        Acc acc = 0;
        for (int64_t c = 0; c < d.group_in; ++c) {
          ForEachTap(d.window, d.x.size, taps, [&](int64_t in, int64_t k) {
            acc += multiply(x_base + c * x_pixels + in, w_base + c * kernel_size + k, m);
          });
        }
        finish(y_base + pixel, m, acc);
      });
    }
  }
}

// Gradient rules, for a Conv (or the Conv that a ConvTranspose is the transpose of) with the node's
// attributes, image x, weight w and the gradient g of its result. conv_gradient.cc.
Result<VjpValue> ConvDataGradient(VjpContext& c, VjpValue x, VjpValue w, VjpValue g);
Result<VjpValue> ConvWeightGradient(VjpContext& c, VjpValue x, VjpValue g, VjpValue w);

// Multiply-accumulates of a convolution whose weight has dims `w` and output dims `y`.
int64_t ConvMacs(std::span<const int64_t> w, std::span<const int64_t> y);

}  // namespace adze

#endif  // ADZE_OPS_CONV_UTIL_H_
