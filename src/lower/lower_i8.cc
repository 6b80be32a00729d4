// 8-bit forms: addition, subtraction, multiplication and pooling of quantized values.
#include <cmath>
#include <limits>

#include "kernels/binary_i8/binary_i8_args.h"
#include "kernels/pool_i8/pool_i8_args.h"
#include "lower/builder.h"
#include "lower/rules.h"

namespace adze {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// What the kernel broadcasts: equal shapes, one element, or one element per channel of a
// channels-last image.
bool CanBroadcast(const Shape& wide, const Shape& narrow) {
  if (wide == narrow || NumElements(narrow).IsConst(1)) return true;
  if (narrow.size() != wide.size() || wide.size() < 3 || narrow[0] != wide[0] ||
      narrow[1] != wide[1]) {
    return false;
  }
  for (size_t i = 2; i < narrow.size(); ++i) {
    if (!narrow[i].IsConst(1)) return false;
  }
  return true;
}

}  // namespace

Result<bool> LowerBinaryI8(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const std::string_view name = n.op.name();
  if (name != "Add" && name != "Sub" && name != "Mul") return false;
  ValueId left = n.inputs[0];
  ValueId right = n.inputs[1];
  const ValueId y = n.outputs[0];
  if (b.graph().value(left).is_constant() || b.graph().value(right).is_constant()) return false;
  float sign = name == "Sub" ? -1.0f : 1.0f;
  float left_sign = 1.0f;
  if (!CanBroadcast(b.ShapeOf(left), b.ShapeOf(right))) {
    if (!CanBroadcast(b.ShapeOf(right), b.ShapeOf(left))) return false;
    std::swap(left, right);
    std::swap(left_sign, sign);
  }
  if (b.ShapeOf(left) != b.ShapeOf(y)) return false;
  const auto p = b.QuantOf(left);
  const auto q = b.QuantOf(right);
  const auto out = b.QuantOf(y);
  if (!p || !q || !out) return false;
  BinaryI8Args args;
  args.a_zero_point = p->zero_point;
  args.b_zero_point = q->zero_point;
  args.y_zero_point = out->zero_point;
  args.act_min =
      QuantizeOne(n.attrs.Float("act_min", -kInf), out->scale, out->zero_point, out->lo, out->hi);
  args.act_max =
      QuantizeOne(n.attrs.Float("act_max", kInf), out->scale, out->zero_point, out->lo, out->hi);
  if (name == "Mul") {
    args.a_multiplier = p->scale * q->scale / out->scale;
  } else {
    args.a_multiplier = left_sign * p->scale / out->scale;
    args.b_multiplier = sign * q->scale / out->scale;
  }
  if (!std::isfinite(args.a_multiplier) || !std::isfinite(args.b_multiplier)) return false;
  const ValueId both[] = {left, right};
  const bool same_rank = b.ShapeOf(left).size() == b.ShapeOf(right).size();
  const Layout layout = b.ShapeOf(left) == b.ShapeOf(right) ? CommonLayout(b, both)
                        : same_rank                         ? Layout::kChannelsLast
                                                            : b.NativeLayout(left);
  const int32_t first = b.As(left, layout);
  const int32_t second = b.As(right, same_rank ? layout : Layout::kLogical);
  const int32_t result = b.Define(y, layout);
  Step& step =
      b.AddStep(name == "Mul" ? FamilyId::kMulI8 : FamilyId::kAddI8, id, {first, second}, {result});
  step.SetArgs(args);
  step.in_place = true;
  return true;
}

Result<bool> LowerPoolI8(PlanBuilder& b, NodeId id, const PoolF32Args& pool) {
  const Node& n = b.graph().node(id);
  const auto in = b.QuantOf(n.inputs[0]);
  const auto out = b.QuantOf(n.outputs[0]);
  if (!in || !out) return false;
  const bool max = pool.kind == PoolKind::kMax;
  PoolI8Args args;
  args.mode = max ? PoolI8Mode::kMax : PoolI8Mode::kAverage;
  args.global = pool.global;
  args.kernel_h = pool.window.kernel_h;
  args.kernel_w = pool.window.kernel_w;
  args.stride_h = pool.window.stride_h;
  args.stride_w = pool.window.stride_w;
  args.dilation_h = pool.window.dilation_h;
  args.dilation_w = pool.window.dilation_w;
  args.pad_top = pool.window.pad_top;
  args.pad_left = pool.window.pad_left;
  args.pad_bottom = pool.window.pad_bottom;
  args.pad_right = pool.window.pad_right;
  args.count_include_pad = pool.count_include_pad;
  args.x_zero_point = in->zero_point;
  args.y_zero_point = out->zero_point;
  args.x_scale = in->scale;
  args.y_scale = out->scale;
  // Maxima are compared as codes, so the quantizer must not change on the way.
  const int32_t source = max ? AsU8(b, id, n.inputs[0], *out, Layout::kChannelsLast)
                             : b.As(n.inputs[0], Layout::kChannelsLast);
  if (max) args.x_zero_point = out->zero_point;
  // Averages are rounded to the result's format; maxima are codes of it already.
  const int32_t result = max ? b.Define(n.outputs[0], Layout::kChannelsLast)
                             : b.DefineCodes(n.outputs[0], Layout::kChannelsLast);
  b.AddStep(FamilyId::kPoolI8, id, {source}, {result}).SetArgs(args);
  if (!max) b.FinishCodes(n.outputs[0], result);
  return true;
}

}  // namespace adze
