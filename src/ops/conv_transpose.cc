// ConvTranspose: the gradient of Conv with respect to its input, as an operator of its own:
// y[n,m,o] = sum over c,k with o = i*stride - pad + k*dilation of x[n,c,i] * w[c,m,k] + b[m].
#include "ops/conv_util.h"
#include "ops/nn_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"auto_pad", AttrKind::kString},     {"dilations", AttrKind::kInts},
    {"group", AttrKind::kInt},           {"kernel_shape", AttrKind::kInts},
    {"output_padding", AttrKind::kInts}, {"output_shape", AttrKind::kInts},
    {"pads", AttrKind::kInts},           {"strides", AttrKind::kInts},
};

// The window with final paddings, and the output size of each spatial dimension.
struct Geometry {
  WindowGeometry window;
  Dim out[3];
};

// ONNX: size = stride * (input - 1) + output_padding + extent - pads; with output_shape or SAME_*,
// the pads follow from the wanted size, their odd half at the end for SAME_UPPER and at the
// beginning otherwise. `size(i)` is input dimension i, as Dim.
template <typename SizeFn>
Result<Geometry> ReadGeometry(const AttrMap& attrs, size_t n, std::span<const int64_t> kernel,
                              SizeFn&& size) {
  Geometry g;
  ADZE_ASSIGN(g.window, ReadWindowAttrs(attrs, n, kernel));
  const std::string_view auto_pad = attrs.String("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID") {
    return InvalidInput("auto_pad = '" + std::string(auto_pad) + "' is unknown");
  }
  if (auto_pad != "NOTSET") {
    std::fill_n(g.window.pad_begin, 3, 0);
    std::fill_n(g.window.pad_end, 3, 0);
  }
  const std::span<const int64_t> wanted = attrs.Ints("output_shape");
  const std::span<const int64_t> extra = attrs.Ints("output_padding");
  if (!wanted.empty() && wanted.size() != n) {
    return InvalidInput("output_shape has " + std::to_string(wanted.size()) +
                        " values, must have " + std::to_string(n));
  }
  if (!extra.empty() && extra.size() != n) {
    return InvalidInput("output_padding has " + std::to_string(extra.size()) +
                        " values, must have " + std::to_string(n));
  }
  for (size_t i = 0; i < n; ++i) {
    const int64_t stride = g.window.stride[i];
    const int64_t extent = (g.window.kernel[i] - 1) * g.window.dilation[i] + 1;
    const int64_t more = extra.empty() ? 0 : extra[i];
    if (more < 0 || more >= std::max(stride, g.window.dilation[i])) {
      return InvalidInput("output_padding = " + std::to_string(more) +
                          " must be >= 0 and smaller than stride or dilation");
    }
    const Dim in = size(i);
    if (in.is_const() && in.value() > (int64_t{1} << 31)) {
      return InvalidInput("spatial dimension of size " + in.ToString() + " is too large");
    }
    const Dim full = Dim(stride) * (in - 1) + (more + extent);
    if (wanted.empty() && !same) {
      g.out[i] = full - (g.window.pad_begin[i] + g.window.pad_end[i]);
    } else {
      g.out[i] = wanted.empty() ? Dim(stride) * in : Dim(wanted[i]);
      const Dim total = full - g.out[i];
      if (!total.is_const()) {
        return Unsupported("output_shape on the symbolic dimension " + in.ToString());
      }
      // A wanted size above the full one leaves positions that no input reaches: pads stay 0.
      const int64_t pad = std::max<int64_t>(total.value(), 0);
      g.window.pad_begin[i] = auto_pad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      g.window.pad_end[i] = pad - g.window.pad_begin[i];
    }
    if (g.out[i].is_const() && g.out[i].value() < 1) {
      return InvalidInput("output size " + g.out[i].ToString() + " of a spatial dimension is < 1");
    }
  }
  return g;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "X"));
  ADZE_TRY(RequireInput(ctx, 1, "W"));
  ADZE_TRY(RequireSameDType(ctx, 1, "W", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "B", 0));
  const int64_t group = ctx.attrs.Int("group", 1);
  if (group < 1 || group > (int64_t{1} << 31)) {
    return InvalidInput("group = " + std::to_string(group) + ", must be >= 1");
  }
  const DType dtype = ctx.input(0)->dtype;
  const Shape* const x = ctx.shape(0);
  const Shape* const w = ctx.shape(1);
  if (x == nullptr || w == nullptr) {
    ctx.SetOutput(0, dtype, std::nullopt);
    return OkStatus();
  }
  if (w->size() != x->size() || x->size() < 3 || x->size() > 5) {
    return InvalidInput("weight " + ShapeToString(*w) + " does not suit input " +
                        ShapeToString(*x));
  }
  const size_t n = x->size() - 2;
  const std::span<const int64_t> kernel_attr = ctx.attrs.Ints("kernel_shape");
  int64_t kernel[3];
  for (size_t i = 0; i < n; ++i) {
    const Dim& k = (*w)[i + 2];
    if (!k.is_const()) return Unsupported("the kernel size is not known");
    if (i < kernel_attr.size() && k.value() != kernel_attr[i]) {
      return InvalidInput("kernel_shape has " + std::to_string(kernel_attr[i]) +
                          " where the weight is " + ShapeToString(*w));
    }
    kernel[i] = k.value();
  }
  ADZE_ASSIGN(const Geometry g, ReadGeometry(ctx.attrs, n, {kernel, n},
                                             [&](size_t i) -> const Dim& { return (*x)[i + 2]; }));
  ADZE_ASSIGN(const Dim channels, SameDim((*x)[1], (*w)[0], "input channels and weight"));
  if (channels.is_const() && channels.value() % group != 0) {
    return InvalidInput("input channels " + channels.ToString() + " are not divisible by group " +
                        std::to_string(group));
  }
  Shape y = {(*x)[0], (*w)[1] * Dim(group)};
  ADZE_TRY(RequireVector(ctx, 2, "B", y[1]));
  for (size_t i = 0; i < n; ++i) y.push_back(g.out[i]);
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const ConstTensorView& w = ctx.in(1);
  const ConstTensorView& b = ctx.in(2);
  const TensorView& y = ctx.out(0);
  const int64_t group = ctx.attrs.Int("group", 1);
  if (y.size() == 0) return OkStatus();
  ADZE_ASSIGN(const Geometry geometry, ReadGeometry(ctx.attrs, x.dims.size() - 2, w.dims.subspan(2),
                                                    [&](size_t i) { return Dim(x.dims[i + 2]); }));
  const WindowGeometry& g = geometry.window;
  const ImageDims in = ReadImageDims(x.dims);
  const ImageDims out = ReadImageDims(y.dims);
  const int64_t group_in = in.channels / group;
  const int64_t group_out = out.channels / group;
  if (in.batch != out.batch || w.dims[0] != in.channels || in.channels % group != 0 ||
      w.dims[1] * group != out.channels) {
    return InvalidInput("input, weight and output sizes contradict each other");
  }
  ADZE_TRY(CheckSize(b, out.channels, "B"));
  // The input position along dimension i that tap k carries to output o, or -1.
  const auto source = [&](int i, int64_t o, int64_t k) -> int64_t {
    const int64_t t = o + g.pad_begin[i] - k * g.dilation[i];
    if (t < 0 || t % g.stride[i] != 0 || t / g.stride[i] >= in.size[i]) return -1;
    return t / g.stride[i];
  };
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    const int64_t kernel_size = g.kernel[0] * g.kernel[1] * g.kernel[2];
    const auto at = [&](int64_t n, int64_t m, const int64_t* o) {
      Real acc = 0;
      const int64_t first = m / group_out * group_in;
      for (int64_t c = first; c < first + group_in; ++c) {
        const int64_t w_base = (c * group_out + m % group_out) * kernel_size;
        const int64_t x_base = (n * in.channels + c) * in.pixels();
        int64_t k = 0;
        for (int64_t k0 = 0; k0 < g.kernel[0]; ++k0) {
          const int64_t i0 = source(0, o[0], k0);
          for (int64_t k1 = 0; k1 < g.kernel[1]; ++k1) {
            const int64_t i1 = source(1, o[1], k1);
            for (int64_t k2 = 0; k2 < g.kernel[2]; ++k2, ++k) {
              const int64_t i2 = source(2, o[2], k2);
              if (i0 < 0 || i1 < 0 || i2 < 0) continue;
              acc += Io::Load(x.data, x_base + (i0 * in.size[1] + i1) * in.size[2] + i2) *
                     Io::Load(w.data, w_base + k);
            }
          }
        }
      }
      return b.present() ? acc + Io::Load(b.data, m) : acc;
    };
    int64_t index = 0;
    for (int64_t n = 0; n < out.batch; ++n) {
      for (int64_t m = 0; m < out.channels; ++m) {
        int64_t o[3];
        for (o[0] = 0; o[0] < out.size[0]; ++o[0]) {
          for (o[1] = 0; o[1] < out.size[1]; ++o[1]) {
            for (o[2] = 0; o[2] < out.size[2]; ++o[2]) Io::Store(y.data, index++, at(n, m, o));
          }
        }
      }
    }
  });
}

int64_t Macs(const AttrMap&, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  (void)outputs;
  const std::span<const int64_t> w = inputs[1].dims;
  return w.empty() ? 0 : MulCount(NumElements(inputs[0].dims), NumElements(w.subspan(1)));
}

// The roles of Conv's image and result are swapped: dx is a convolution of dY, and dW pairs the
// windows of dY with the pixels of x.
Status Vjp(VjpContext& c) {
  const VjpValue g = c.gradient(0);
  const std::string_view auto_pad = c.attrs.String("auto_pad", "NOTSET");
  const std::span<const int64_t> strides = c.attrs.Ints("strides");
  const std::span<const int64_t> extra = c.attrs.Ints("output_padding");
  bool plain = (auto_pad == "NOTSET" || auto_pad == "VALID") && !c.attrs.Has("output_shape");
  for (size_t i = 0; i < extra.size(); ++i) plain &= extra[i] < (strides.empty() ? 1 : strides[i]);
  if (!plain) {
    return Unsupported(
        "output_shape, auto_pad and output_padding beyond the stride have no gradient rule");
  }
  if (c.wanted(0)) {
    AttrMap conv = c.attrs;
    conv.Erase("output_padding");
    c.SetGradient(0, vjp::Onnx(c, "Conv", {g, c.input(1)}, std::move(conv)));
  }
  if (c.wanted(1)) {
    ADZE_ASSIGN(const VjpValue dw, ConvWeightGradient(c, g, c.input(0), c.input(1)));
    c.SetGradient(1, dw);
  }
  if (c.wanted(2)) c.SetGradient(2, vjp::SumToAxis(c, g, 1, c.input(2)));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kConvTransposeOp = {
    .name = "ConvTranspose",
    .summary = "transposed convolution over 1 to 3 spatial dimensions",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kCompute, .weight_input = 1, .bias_input = 2},
    .macs = Macs,
};

}  // namespace adze
