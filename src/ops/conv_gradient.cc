// The gradients of a convolution as matrix products over its windows (adze.Unfold, adze.Fold), with
// channels last throughout: what the float kernels make is then read as it lies. Where the weight
// is constant, the gradient of the image is itself a convolution, with the weight turned around.
#include <algorithm>

#include "ops/conv_util.h"

namespace adze {
namespace {

// Sizes of a convolution whose weight has constant dims.
struct ConvForm {
  std::vector<int64_t> weight;  // dims
  std::vector<int64_t> kernel;
  int64_t groups = 1;
  int64_t out = 0, in = 0;  // channels of one group
  int64_t window = 1;
  WindowGeometry geometry;
  AttrMap attrs;  // of adze.Unfold for its windows

  size_t spatial() const { return kernel.size(); }
  bool depthwise() const { return groups > 1 && out == 1 && in == 1; }
  // One pixel a window, each pixel once: unfolding changes nothing.
  bool pointwise() const {
    bool one = window == 1;
    for (size_t i = 0; i < spatial(); ++i) {
      one &= geometry.stride[i] == 1 && geometry.pad_begin[i] == 0 && geometry.pad_end[i] == 0;
    }
    return one;
  }
  bool unit_stride() const {
    return std::all_of(geometry.stride, geometry.stride + 3, [](int64_t s) { return s == 1; });
  }
};

Result<ConvForm> ReadForm(const VjpContext& c, VjpValue x, VjpValue w) {
  const auto dims = ToConstDims(vjp::ShapeOf(c, w));
  if (!dims) return Unsupported("the weight's dims must be constant");
  ConvForm f;
  f.weight = *dims;
  f.kernel.assign(dims->begin() + 2, dims->end());
  f.groups = c.attrs.Int("group", 1);
  f.out = (*dims)[0] / f.groups;
  f.in = (*dims)[1];
  for (const int64_t k : f.kernel) f.window *= k;
  for (const char* const name : {"auto_pad", "dilations", "pads", "strides"}) {
    if (const AttrValue* const value = c.attrs.Find(name)) f.attrs.Set(name, *value);
  }
  f.attrs.Set("kernel_shape", f.kernel);
  ADZE_ASSIGN(f.geometry, ReadWindow(f.attrs, vjp::ShapeOf(c, x), f.kernel));
  return f;
}

VjpValue ChannelsLast(VjpContext& c, VjpValue v) {
  std::vector<int64_t> perm = {0};
  for (int i = 2; i < vjp::RankOf(c, v); ++i) perm.push_back(i);
  perm.push_back(1);
  return vjp::Transpose(c, v, std::move(perm));
}
VjpValue ChannelsSecond(VjpContext& c, VjpValue v) {
  std::vector<int64_t> perm = {0, vjp::RankOf(c, v) - 1};
  for (int i = 1; i + 1 < vjp::RankOf(c, v); ++i) perm.push_back(i);
  return vjp::Transpose(c, v, std::move(perm));
}

// [head..., each of `middle`, tail].
std::vector<int64_t> Joined(std::vector<int64_t> head, const std::vector<int64_t>& middle,
                            int64_t tail) {
  head.insert(head.end(), middle.begin(), middle.end());
  head.push_back(tail);
  return head;
}

// The weight with input and output channels of each group exchanged and every kernel turned around.
VjpValue TurnedWeight(VjpContext& c, const ConvForm& f, VjpValue w) {
  std::vector<int64_t> perm = {0, 2, 1};
  std::vector<int64_t> axes;
  std::vector<int64_t> by_group = {f.groups, f.out, f.in};
  std::vector<int64_t> turned = {f.groups * f.in, f.out};
  for (size_t i = 0; i < f.spatial(); ++i) {
    perm.push_back(static_cast<int64_t>(i) + 3);
    axes.push_back(static_cast<int64_t>(i) + 2);
    by_group.push_back(f.kernel[i]);
    turned.push_back(f.kernel[i]);
  }
  if (!f.depthwise()) {
    w = vjp::Reshape(c, vjp::Transpose(c, vjp::Reshape(c, w, by_group), perm), turned);
  }
  if (f.window == 1) return w;
  const auto all = [&](int64_t v) { return vjp::Ints(c, std::vector<int64_t>(f.spatial(), v)); };
  return vjp::Onnx(c, "Slice", {w, all(-1), all(INT64_MIN), vjp::Ints(c, axes), all(-1)});
}

// The gradient of the image as a convolution of g with the turned weight. With a stride, zeros keep
// the pixels of g apart. Absent where the pads would be negative or a size is needed and symbolic.
VjpValue TurnedConvolution(VjpContext& c, const ConvForm& f, VjpValue x, VjpValue w, VjpValue g) {
  const Shape image = vjp::ShapeOf(c, x);
  std::vector<int64_t> begin, end, spread, strides, dilations;
  for (size_t i = 0; i < f.spatial(); ++i) {
    const int64_t reach = f.geometry.dilation[i] * (f.kernel[i] - 1);
    begin.push_back(reach - f.geometry.pad_begin[i]);
    end.push_back(reach - f.geometry.pad_end[i]);
    strides.push_back(f.geometry.stride[i]);
    dilations.push_back(f.geometry.dilation[i]);
    if (begin.back() < 0 || end.back() < 0) return {};
    if (f.unit_stride()) continue;
    if (!image[i + 2].is_const()) return {};
    spread.push_back(image[i + 2].value() + f.geometry.pad_begin[i] + f.geometry.pad_end[i] -
                     reach);
  }
  if (!f.unit_stride()) {
    const int64_t channels = f.groups * f.out;
    const VjpValue pixels = vjp::Reshape(c, ChannelsLast(c, g), {-1, channels});
    VjpValue shape = vjp::Ints(c, Joined({}, spread, channels));
    const VjpValue batch =
        image[0].is_const()
            ? vjp::Ints(c, {image[0].value()})
            : vjp::Onnx(c, "Slice", {vjp::ShapeValue(c, x), vjp::Ints(c, {0}), vjp::Ints(c, {1})});
    shape = vjp::Onnx(c, "Concat", {batch, shape}, {{"axis", int64_t{0}}});
    const std::vector<int64_t> one(f.spatial(), 1);
    g = ChannelsSecond(
        c, vjp::Adze(c, "Fold", {pixels, shape}, {{"kernel_shape", one}, {"strides", strides}}));
  }
  begin.insert(begin.end(), end.begin(), end.end());
  return vjp::Onnx(
      c, "Conv", {g, TurnedWeight(c, f, w)},
      {{"dilations", dilations}, {"group", f.groups}, {"kernel_shape", f.kernel}, {"pads", begin}});
}

}  // namespace

Result<VjpValue> ConvDataGradient(VjpContext& c, VjpValue x, VjpValue w, VjpValue g) {
  ADZE_ASSIGN(const ConvForm f, ReadForm(c, x, w));
  // Zeros between pixels cost more products than they save moves, except where a product is cheap.
  if (c.Info(w).constant != nullptr && (f.unit_stride() || f.depthwise())) {
    const VjpValue dx = TurnedConvolution(c, f, x, w, g);
    if (dx.present()) return dx;
  }
  // rows = g * W, group by group: [pixels, out] * [out, window * in].
  const VjpValue pixels = ChannelsLast(c, g);
  const VjpValue weight = ChannelsLast(c, w);
  VjpValue rows;
  if (f.groups == 1) {
    rows = vjp::MatMul(c, vjp::Reshape(c, pixels, {-1, f.out}),
                       vjp::Reshape(c, weight, {f.out, f.window * f.in}));
  } else {
    const VjpValue by_group =
        vjp::Transpose(c, vjp::Reshape(c, pixels, {-1, f.groups, f.out}), {1, 0, 2});
    rows = vjp::MatMul(c, by_group, vjp::Reshape(c, weight, {f.groups, f.out, f.window * f.in}));
    rows = vjp::Transpose(c, vjp::Reshape(c, rows, {f.groups, -1, f.window, f.in}), {1, 2, 0, 3});
    rows = vjp::Reshape(c, rows, {-1, f.window * f.groups * f.in});
  }
  const VjpValue like = ChannelsLast(c, x);
  if (f.pointwise()) return ChannelsSecond(c, vjp::ReshapeLike(c, rows, like));
  return ChannelsSecond(c, vjp::Adze(c, "Fold", {rows, vjp::ShapeValue(c, like)}, f.attrs));
}

Result<VjpValue> ConvWeightGradient(VjpContext& c, VjpValue x, VjpValue g, VjpValue w) {
  ADZE_ASSIGN(const ConvForm f, ReadForm(c, x, w));
  const VjpValue image = ChannelsLast(c, x);
  const VjpValue pixels = ChannelsLast(c, g);
  // g^T * rows, group by group and over the pixels of all samples: [out, pixels] * [pixels, window
  // * in].
  VjpValue product;
  if (f.depthwise()) {
    product =
        vjp::Transpose(c, vjp::Adze(c, "DepthwiseGradient", {image, pixels}, f.attrs), {1, 0});
  } else {
    VjpValue rows = f.pointwise() ? vjp::Reshape(c, image, {-1, f.groups * f.in})
                                  : vjp::Adze(c, "Unfold", {image}, f.attrs);
    if (f.groups == 1) {
      product = vjp::MatMul(c, vjp::SwapLastTwo(c, vjp::Reshape(c, pixels, {-1, f.out})), rows);
    } else {
      rows = vjp::Transpose(c, vjp::Reshape(c, rows, {-1, f.window, f.groups, f.in}), {2, 0, 1, 3});
      rows = vjp::Reshape(c, rows, {f.groups, -1, f.window * f.in});
      const VjpValue by_group =
          vjp::Transpose(c, vjp::Reshape(c, pixels, {-1, f.groups, f.out}), {1, 2, 0});
      product = vjp::MatMul(c, by_group, rows);
    }
  }
  return ChannelsSecond(c, vjp::Reshape(c, product, Joined({f.weight[0]}, f.kernel, f.in)));
}

}  // namespace adze
