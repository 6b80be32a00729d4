// Resize: interpolation onto a grid of another size, separable over the axes. Every output
// coordinate maps to a (fractional) coordinate of the input (coordinate_transformation_mode);
// `mode` says which neighbours are weighted.
#include <algorithm>
#include <cmath>

#include "numerics/rounding.h"
#include "ops/convert.h"
#include "ops/op_util.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

enum class Mode { kNearest, kLinear, kCubic };
enum class Nearest { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };
enum class Coordinates {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfCropAndResize
};
enum class Aspect { kStretch, kNotLarger, kNotSmaller };

struct Options {
  Mode mode;
  Nearest nearest;
  Coordinates coordinates;
  Aspect aspect;
  double cubic_a;
  bool exclude_outside;
  bool antialias;
  float extrapolation;
};

// The position of attribute `name` in `values`, whose first entry is the default.
template <size_t n>
Result<int> ReadEnum(const AttrMap& attrs, const char* name, const char* const (&values)[n]) {
  const std::string_view v = attrs.String(name, values[0]);
  for (size_t i = 0; i < n; ++i) {
    if (v == values[i]) return static_cast<int>(i);
  }
  return InvalidInput(std::string(name) + " = '" + std::string(v) + "' is unknown");
}

Result<Options> ReadOptions(const AttrMap& attrs) {
  static constexpr const char* kModes[] = {"nearest", "linear", "cubic"};
  static constexpr const char* kNearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                             "ceil"};
  static constexpr const char* kCoordinates[] = {"half_pixel",         "half_pixel_symmetric",
                                                 "pytorch_half_pixel", "align_corners",
                                                 "asymmetric",         "tf_crop_and_resize"};
  static constexpr const char* kAspects[] = {"stretch", "not_larger", "not_smaller"};
  ADZE_ASSIGN(const int mode, ReadEnum(attrs, "mode", kModes));
  ADZE_ASSIGN(const int nearest, ReadEnum(attrs, "nearest_mode", kNearest));
  ADZE_ASSIGN(const int coordinates,
              ReadEnum(attrs, "coordinate_transformation_mode", kCoordinates));
  ADZE_ASSIGN(const int aspect, ReadEnum(attrs, "keep_aspect_ratio_policy", kAspects));
  return Options{static_cast<Mode>(mode),
                 static_cast<Nearest>(nearest),
                 static_cast<Coordinates>(coordinates),
                 static_cast<Aspect>(aspect),
                 attrs.Float("cubic_coeff_a", -0.75f),
                 attrs.Int("exclude_outside") != 0,
                 attrs.Int("antialias") != 0,
                 attrs.Float("extrapolation_value", 0.0f)};
}

// One axis: `scale` is output over input, possibly fractional where `out` had to be rounded; the
// region of interest is in units of the axis.
struct Axis {
  int64_t in = 1;
  int64_t out = 1;
  double scale = 1;
  double roi_begin = 0;
  double roi_end = 1;
};

// The axes that scales, sizes and roi speak of.
Result<SmallInts> ReadAxes(const AttrMap& attrs, size_t rank) {
  SmallInts axes;
  const std::span<const int64_t> given = attrs.Ints("axes");
  axes.size = static_cast<int>(given.empty() ? rank : given.size());
  if (!given.empty()) ADZE_TRY(AxisMask(given, static_cast<int>(rank)));
  for (int i = 0; i < axes.size; ++i) {
    const int64_t a = given.empty() ? i : given[static_cast<size_t>(i)];
    axes[i] = a < 0 ? a + static_cast<int64_t>(rank) : a;
  }
  return axes;
}

bool Given(const ConstTensorView& t) { return t.present() && t.size() != 0; }

Status CheckCount(const char* what, int64_t n, int64_t expected) {
  if (n == expected) return OkStatus();
  return InvalidInput(std::string(what) + " has " + std::to_string(n) + " values, must have " +
                      std::to_string(expected));
}

// Fills axis[0 .. rank) for an input of known dims. Exactly one of scales and sizes is given (not
// empty).
Status Configure(const AttrMap& attrs, const Options& options, std::span<const int64_t> dims,
                 const ConstTensorView& roi, const ConstTensorView& scales,
                 const ConstTensorView& sizes, Axis* axis) {
  if (Given(scales) == Given(sizes)) {
    return InvalidInput("exactly one of scales and sizes must be given");
  }
  ADZE_ASSIGN(const SmallInts axes, ReadAxes(attrs, dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    axis[i] = Axis{.in = dims[i], .out = dims[i]};
    if (dims[i] == 0) return InvalidInput("cannot resize the empty " + DimsToString(dims));
  }
  if (Given(scales)) {
    if (scales.dtype != DType::kFloat32) return InvalidInput("scales must be float32");
    ADZE_TRY(CheckCount("scales", scales.size(), axes.size));
    for (int i = 0; i < axes.size; ++i) {
      const float scale = scales.as<float>()[i];
      Axis& a = axis[axes[i]];
      const float out = std::floor(static_cast<float>(a.in) * scale);
      if (!(scale > 0) || !(out <= static_cast<float>(kMaxElements))) {
        return InvalidInput("scale = " + std::to_string(scale) + " must be positive and finite");
      }
      a.scale = scale;
      a.out = static_cast<int64_t>(out);
    }
  } else {
    ADZE_TRY(CheckCount("sizes", sizes.size(), axes.size));
    double uniform = 0;
    for (int i = 0; i < axes.size; ++i) {
      Axis& a = axis[axes[i]];
      a.out = IntegerAt(sizes, i);
      if (a.out < 0 || a.out > kMaxElements) {
        return InvalidInput("size = " + std::to_string(a.out) + " is out of range");
      }
      a.scale = static_cast<double>(a.out) / static_cast<double>(a.in);
      uniform = i == 0                                 ? a.scale
                : options.aspect == Aspect::kNotLarger ? std::min(uniform, a.scale)
                                                       : std::max(uniform, a.scale);
    }
    for (int i = 0; options.aspect != Aspect::kStretch && i < axes.size; ++i) {
      Axis& a = axis[axes[i]];
      a.scale = uniform;
      a.out = TruncateTo<int64_t>(uniform * static_cast<double>(a.in) + 0.5);
      if (a.out > kMaxElements) return InvalidInput("the resized tensor is too large");
    }
  }
  for (int i = 0; options.coordinates == Coordinates::kTfCropAndResize && i < axes.size; ++i) {
    Axis& a = axis[axes[i]];
    if (!roi.present() || !IsFloat(roi.dtype)) {
      return InvalidInput("tf_crop_and_resize needs roi in floating point");
    }
    ADZE_TRY(CheckCount("roi", roi.size(), 2 * static_cast<int64_t>(axes.size)));
    a.roi_begin = NumberAt(roi, i);
    a.roi_end = NumberAt(roi, i + axes.size);
  }
  return OkStatus();
}

// floor(d * scale) for a symbolic d, where the scale is a ratio of small integers.
std::optional<Dim> ScaleDim(const Dim& d, float scale) {
  for (int64_t q = 1; q <= 32; ++q) {
    const float p = std::nearbyintf(scale * static_cast<float>(q));
    if (p >= 1 && p <= 1 << 20 && p / static_cast<float>(q) == scale) {
      return (d * Dim(static_cast<int64_t>(p))).FloorDiv(q);
    }
  }
  return std::nullopt;
}

// Output dims where the input's are symbolic or sizes are computed: nullopt when they stay unknown.
Result<std::optional<Shape>> SymbolicShape(const InferContext& ctx, const Options& options,
                                           const ConstTensorView& scales) {
  const Shape& x = *ctx.shape(0);
  ADZE_ASSIGN(const SmallInts axes, ReadAxes(ctx.attrs, x.size()));
  Shape out = x;
  if (Given(scales)) {
    ADZE_TRY(CheckCount("scales", scales.size(), axes.size));
    if (scales.dtype != DType::kFloat32) return InvalidInput("scales must be float32");
    for (int i = 0; i < axes.size; ++i) {
      Dim& d = out[static_cast<size_t>(axes[i])];
      const float scale = scales.as<float>()[i];
      if (!(scale > 0)) return InvalidInput("scale = " + std::to_string(scale));
      if (d.is_const()) {
        const float size = std::floor(static_cast<float>(d.value()) * scale);
        d = Dim(TruncateTo<int64_t>(size));
        continue;
      }
      const std::optional<Dim> scaled = ScaleDim(d, scale);
      if (!scaled) return std::optional<Shape>();
      d = *scaled;
    }
    return std::optional<Shape>(std::move(out));
  }
  if (ctx.input(3) == nullptr || options.aspect != Aspect::kStretch) return std::optional<Shape>();
  ADZE_ASSIGN(const auto sizes, ShapeInput(ctx, 3, "sizes"));
  if (!sizes || sizes->empty()) return std::optional<Shape>();
  ADZE_TRY(CheckCount("sizes", static_cast<int64_t>(sizes->size()), axes.size));
  for (int i = 0; i < axes.size; ++i) {
    out[static_cast<size_t>(axes[i])] = (*sizes)[static_cast<size_t>(i)];
  }
  return std::optional<Shape>(std::move(out));
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  ADZE_ASSIGN(const Options options, ReadOptions(ctx.attrs));
  if (dtype == DType::kBool && options.mode != Mode::kNearest) return UnsupportedDType(dtype);
  ConstTensorView views[4];
  bool all_constant = true;
  for (int i = 1; i < 4; ++i) {
    const ValueInfo* const v = ctx.input(i);
    if (v == nullptr) continue;
    if (i == 3 && !IsInteger(v->dtype)) return InvalidInput("sizes must be integers");
    if (v->constant != nullptr) {
      views[i] = v->constant->view();
    } else {
      all_constant = false;
    }
  }
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  const auto dims = ToConstDims(*x);
  Shape out;
  if (dims && all_constant) {
    if (dims->size() > static_cast<size_t>(kMaxRank)) return Unsupported("input has rank above 8");
    Axis axis[kMaxRank];
    ADZE_TRY(Configure(ctx.attrs, options, *dims, views[1], views[2], views[3], axis));
    for (size_t i = 0; i < dims->size(); ++i) out.push_back(axis[i].out);
  } else {
    ADZE_ASSIGN(auto symbolic, SymbolicShape(ctx, options, views[2]));
    if (!symbolic) return OkStatus();
    out = std::move(*symbolic);
  }
  return SetShape(ctx, 0, dtype, std::move(out));
}

// The input coordinate of output position x.
double Source(Coordinates mode, const Axis& a, int64_t x) {
  const double length = a.scale * static_cast<double>(a.in);  // of the output before rounding
  const double last = static_cast<double>(a.in - 1);
  const double at = static_cast<double>(x);
  switch (mode) {
    case Coordinates::kHalfPixel:
      return (at + 0.5) / a.scale - 0.5;
    case Coordinates::kHalfPixelSymmetric: {
      const double adjustment = static_cast<double>(a.out) / length;
      return static_cast<double>(a.in) / 2 * (1 - adjustment) + (at + 0.5) / a.scale - 0.5;
    }
    case Coordinates::kPytorchHalfPixel:
      return length == 1 ? -0.5 : (at + 0.5) / a.scale - 0.5;
    case Coordinates::kAlignCorners:
      return length == 1 ? 0.0 : at * last / (length - 1);
    case Coordinates::kAsymmetric:
      return at / a.scale;
    case Coordinates::kTfCropAndResize: {
      const double span = (a.roi_end - a.roi_begin) * last;
      return (length == 1 ? span / 2 : at * span / (length - 1)) + a.roi_begin * last;
    }
  }
  return 0;
}

// Keys' cubic convolution kernel and the triangle of linear interpolation at distance t.
double Kernel(const Options& o, double t) {
  t = std::fabs(t);
  if (o.mode == Mode::kLinear) return std::max(0.0, 1 - t);
  const double a = o.cubic_a;
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

// The weighted neighbours of one output position along one axis: n of them from `first` on; beyond
// the edges stands the edge. Antialiasing widens the kernel by 1 / scale and has any number of
// taps, so weights are computed on the fly; otherwise there are at most 4, precomputed.
struct Taps {
  int64_t n = 1;
  int64_t first = 0;
  int64_t last = 0;      // of the axis
  int64_t stride = 0;    // in elements of the input tensor
  bool outside = false;  // takes the extrapolation value
  double weight[4] = {1, 0, 0, 0};
  double kernel_scale = 0;  // < 1 when antialiasing, else 0
  double source = 0;
  double norm = 1;

  int64_t Offset(int64_t k) const { return std::clamp<int64_t>(first + k, 0, last) * stride; }
  double Weight(const Options& o, int64_t k) const {
    if (kernel_scale == 0) return weight[k];
    if (Excluded(o, k)) return 0;
    return Kernel(o, kernel_scale * (static_cast<double>(first + k) - source)) * norm;
  }
  bool Excluded(const Options& o, int64_t k) const {
    return o.exclude_outside && (first + k < 0 || first + k > last);
  }
};

Taps MakeTaps(const Options& o, const Axis& a, int64_t x, int64_t stride) {
  Taps t;
  t.stride = stride;
  t.last = a.in - 1;
  double source = Source(o.coordinates, a, x);
  if (o.coordinates == Coordinates::kTfCropAndResize) {
    t.outside = !(source >= 0 && source <= static_cast<double>(t.last));
  }
  // Beyond the edges every neighbour is the edge; NaN and infinity (absurd scales) end here.
  source = std::clamp(std::isnan(source) ? 0.0 : source, -4.0, static_cast<double>(a.in) + 4.0);
  t.source = source;
  const double below = std::floor(source);
  t.first = static_cast<int64_t>(below);
  if (o.mode == Mode::kNearest) {
    const double f = source - below;
    const bool up = o.nearest == Nearest::kRoundPreferFloor  ? f > 0.5
                    : o.nearest == Nearest::kRoundPreferCeil ? f >= 0.5
                                                             : o.nearest == Nearest::kCeil && f > 0;
    t.first += up ? 1 : 0;
    return t;
  }
  int64_t reach = o.mode == Mode::kLinear ? 1 : 2;  // taps on either side
  double scale = 1;
  if (o.antialias && a.scale < 1) {
    scale = t.kernel_scale = a.scale;
    reach = TruncateTo<int64_t>(std::ceil(static_cast<double>(reach) / scale));
    reach = std::min(reach, 4 * a.in + 8);  // never reached by an output of one element or more
  }
  t.first -= reach - 1;
  t.n = 2 * reach;
  double sum = 0;
  for (int64_t k = 0; k < t.n; ++k) {
    const double w =
        t.Excluded(o, k) ? 0 : Kernel(o, scale * (static_cast<double>(t.first + k) - source));
    if (t.kernel_scale == 0) t.weight[k] = w;
    sum += w;
  }
  // Plain weights sum to 1 unless some are left out.
  if (sum == 0 || (t.kernel_scale == 0 && !o.exclude_outside)) return t;
  t.norm = 1 / sum;
  for (double& w : t.weight) w /= sum;
  return t;
}

double Interpolate(const ConstTensorView& x, const Options& o, const Taps* taps, int rank,
                   int64_t offset) {
  if (rank == 0) return NumberAt(x, offset);
  if (taps->n == 1) return Interpolate(x, o, taps + 1, rank - 1, offset + taps->Offset(0));
  double sum = 0;
  for (int64_t k = 0; k < taps->n; ++k) {
    const double w = taps->Weight(o, k);
    if (w != 0) sum += w * Interpolate(x, o, taps + 1, rank - 1, offset + taps->Offset(k));
  }
  return sum;
}

void Store(const TensorView& y, int64_t i, double v) {
  if (y.dtype == DType::kFloat64) {
    y.as<double>()[i] = v;
  } else if (IsFloat(y.dtype)) {
    SetFloatAt(y, i, static_cast<float>(v));
  } else {
    DispatchDType(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      y.as<T>()[i] = TruncateTo<T>(std::nearbyint(v));
    });
  }
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const Options options, ReadOptions(ctx.attrs));
  Axis axis[kMaxRank];
  ADZE_TRY(Configure(ctx.attrs, options, x.dims, ctx.in(1), ctx.in(2), ctx.in(3), axis));
  const int rank = x.rank();
  SmallInts expected;
  expected.size = rank;
  for (int d = 0; d < rank; ++d) expected[d] = axis[d].out;
  ADZE_TRY(CheckDims(y.dims, expected.span()));
  int64_t stride[kMaxRank];
  DenseStrides(x.dims, stride);
  Taps taps[kMaxRank];
  const size_t bytes = SizeOf(x.dtype);
  StridedBox one;
  one.Add(1, 1, 1);
  ForEachIndex(y.dims, [&](int64_t i, const int64_t* at) {
    // The taps of an axis change only when its index does: always for the last, rarely for the
    // others.
    for (int d = rank - 1; d >= 0; --d) {
      const bool resized = axis[d].in != axis[d].out || axis[d].scale != 1 ||
                           options.coordinates == Coordinates::kTfCropAndResize;
      if (resized) {
        taps[d] = MakeTaps(options, axis[d], at[d], stride[d]);
      } else {
        taps[d].first = taps[d].last = at[d];
        taps[d].stride = stride[d];
      }
      if (at[d] != 0) break;
    }
    bool outside = false;
    for (int d = 0; d < rank; ++d) outside |= taps[d].outside;
    if (outside) {
      Store(y, i, options.extrapolation);
    } else if (options.mode == Mode::kNearest) {
      int64_t from = 0;
      for (int d = 0; d < rank; ++d) from += taps[d].Offset(0);
      CopyStrided(one, bytes, static_cast<char*>(y.data) + static_cast<size_t>(i) * bytes,
                  static_cast<const char*>(x.data) + static_cast<size_t>(from) * bytes);
    } else {
      Store(y, i, Interpolate(x, options, taps, rank, 0));
    }
  });
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"antialias", AttrKind::kInt},
                              {"axes", AttrKind::kInts},
                              {"coordinate_transformation_mode", AttrKind::kString},
                              {"cubic_coeff_a", AttrKind::kFloat},
                              {"exclude_outside", AttrKind::kInt},
                              {"extrapolation_value", AttrKind::kFloat},
                              {"keep_aspect_ratio_policy", AttrKind::kString},
                              {"mode", AttrKind::kString},
                              {"nearest_mode", AttrKind::kString}};

// Whether output i of a nearest upsampling by a whole factor reads input floor(i / factor).
bool RepeatsPixels(const AttrMap& attrs) {
  const std::string_view from = attrs.String("coordinate_transformation_mode", "half_pixel");
  const std::string_view nearest = attrs.String("nearest_mode", "round_prefer_floor");
  return attrs.String("mode", "nearest") == "nearest" &&
         ((from == "half_pixel" && nearest.starts_with("round")) ||
          (from == "asymmetric" && nearest == "floor"));
}

// Repeated pixels: the sum over each block, as its mean times its size.
Status Vjp(VjpContext& c) {
  const Shape x = vjp::ShapeOf(c, c.input(0));
  const Shape y = vjp::ShapeOf(c, c.output(0));
  std::vector<int64_t> factor;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::optional<Dim> f = y[i].DivExact(x[i]);
    if (!f || !f->is_const() || (i < 2 && !f->IsConst(1))) break;
    if (i >= 2) factor.push_back(f->value());
  }
  if (x.size() < 3 || factor.size() + 2 != x.size() || !RepeatsPixels(c.attrs)) {
    return Unsupported("only nearest upsampling of an image by whole factors has a gradient rule");
  }
  double size = 1;
  for (const int64_t f : factor) size *= static_cast<double>(f);
  const VjpValue mean =
      vjp::Onnx(c, "AveragePool", {c.gradient(0)}, {{"kernel_shape", factor}, {"strides", factor}});
  c.SetGradient(0, vjp::Times(c, mean, size));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kResizeOp = {
    .name = "Resize",
    .summary = "Interpolates onto a grid of another size",
    .max_inputs = 4,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
