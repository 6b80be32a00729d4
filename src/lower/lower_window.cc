// Pooling, resampling and softmax.
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/resize_f32/resize_f32.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "lower/builder.h"
#include "lower/rules.h"

namespace adze {

ConvWindow ToConvWindow(const WindowGeometry& g) {
  ConvWindow w;
  const int v = g.spatial_rank == 1 ? -1 : 0;  // index of the vertical dimension, -1: none
  const int h = g.spatial_rank == 1 ? 0 : 1;
  if (v >= 0) {
    w.kernel_h = static_cast<int32_t>(g.kernel[v]);
    w.stride_h = static_cast<int32_t>(g.stride[v]);
    w.dilation_h = static_cast<int32_t>(g.dilation[v]);
    w.pad_top = static_cast<int32_t>(g.pad_begin[v]);
    w.pad_bottom = static_cast<int32_t>(g.pad_end[v]);
  }
  w.kernel_w = static_cast<int32_t>(g.kernel[h]);
  w.stride_w = static_cast<int32_t>(g.stride[h]);
  w.dilation_w = static_cast<int32_t>(g.dilation[h]);
  w.pad_left = static_cast<int32_t>(g.pad_begin[h]);
  w.pad_right = static_cast<int32_t>(g.pad_end[h]);
  return w;
}

Result<bool> LowerPool(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  const ValueId y = n.outputs[0];
  const Shape& shape = b.ShapeOf(x);
  if (n.outputs.size() != 1 || b.graph().value(x).type.dtype != DType::kFloat32 ||
      shape.size() < 3 || shape.size() > 4) {
    return false;
  }
  PoolF32Args args;
  const std::string_view name = n.op.name();
  args.global = name.starts_with("Global");
  args.kind = name.ends_with("MaxPool") ? PoolKind::kMax : PoolKind::kAverage;
  args.count_include_pad = static_cast<int32_t>(n.attrs.Int("count_include_pad", 0));
  if (args.global == 0) {
    ADZE_ASSIGN(const WindowGeometry g, ReadWindow(n.attrs, shape, {}));
    args.window = ToConvWindow(g);
  }
  ADZE_ASSIGN(const bool integer, LowerPoolI8(b, id, args));
  if (integer) return true;
  const int32_t source = b.AsFloat(x, Layout::kChannelsLast);
  const int32_t result = b.DefineFloat(y, Layout::kChannelsLast);
  b.AddStep(FamilyId::kPoolF32, id, {source}, {result}).SetArgs(args);
  b.FinishFloat(y, result);
  return true;
}

Result<bool> LowerSoftmax(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  if (b.graph().value(x).type.dtype != DType::kFloat32) return false;
  SoftmaxF32Args args;
  ADZE_ASSIGN(args.axis,
              NormalizeAxis(n.attrs.Int("axis", -1), static_cast<int>(b.ShapeOf(x).size())));
  args.log = n.op.Is("LogSoftmax");
  const Layout layout = b.NativeLayout(x);
  const int32_t source = b.AsFloat(x, layout);
  const int32_t result = b.DefineFloat(n.outputs[0], layout);
  b.AddStep(FamilyId::kSoftmaxF32, id, {source}, {result}).SetArgs(args);
  b.FinishFloat(n.outputs[0], result);
  return true;
}

Result<bool> LowerResize(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  const ValueId y = n.outputs[0];
  const Shape& in = b.ShapeOf(x);
  if (b.graph().value(x).type.dtype != DType::kFloat32 || in.size() != 4 ||
      b.ShapeOf(y)[0] != in[0] || b.ShapeOf(y)[1] != in[1] || !n.attrs.Ints("axes").empty() ||
      n.attrs.Int("antialias", 0) != 0 || n.attrs.Int("exclude_outside", 0) != 0) {
    return false;
  }
  if (n.attrs.String("keep_aspect_ratio_policy", "stretch") != "stretch") return false;
  ResizeArgs args;
  const std::string_view mode = n.attrs.String("mode", "nearest");
  if (mode == "linear") {
    args.mode = ResizeMode::kLinear;
  } else if (mode != "nearest") {
    return false;
  }
  const std::string_view where = n.attrs.String("coordinate_transformation_mode", "half_pixel");
  if (where == "half_pixel") {
    args.coordinates = ResizeCoordinates::kHalfPixel;
  } else if (where == "pytorch_half_pixel") {
    args.coordinates = ResizeCoordinates::kPytorchHalfPixel;
  } else if (where == "align_corners") {
    args.coordinates = ResizeCoordinates::kAlignCorners;
  } else if (where == "asymmetric") {
    args.coordinates = ResizeCoordinates::kAsymmetric;
  } else {
    return false;
  }
  const std::string_view nearest = n.attrs.String("nearest_mode", "round_prefer_floor");
  args.nearest = nearest == "floor"               ? ResizeNearest::kFloor
                 : nearest == "ceil"              ? ResizeNearest::kCeil
                 : nearest == "round_prefer_ceil" ? ResizeNearest::kRoundPreferCeil
                                                  : ResizeNearest::kRoundPreferFloor;
  const Tensor scales = b.FloatConstant(b.graph().input(id, 2));
  if (scales.defined() && scales.size() == 4) {
    args.scale_h = scales.data<float>()[2];
    args.scale_w = scales.data<float>()[3];
  } else if (b.graph().input(id, 3) == kNoId) {
    return false;
  }
  const int32_t source = b.AsFloat(x, Layout::kChannelsLast);
  const int32_t result = b.DefineFloat(y, Layout::kChannelsLast);
  b.AddStep(FamilyId::kResize, id, {source}, {result}).SetArgs(args);
  b.FinishFloat(y, result);
  return true;
}

}  // namespace adze
