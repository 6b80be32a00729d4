// Conv, Gemm and MatMul with a constant weight, plain and fused (domain adze: act_min, act_max,
// residual), in float and in integers.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "kernels/conv_f32/conv_f32.h"
#include "kernels/conv_i8/conv_i8.h"
#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/depthwise_i8/depthwise_i8.h"
#include "lower/builder.h"
#include "lower/rules.h"
#include "numerics/rounding.h"
#include "ops/op_util.h"

namespace adze {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// One convolution to emit: Gemm and MatMul are brought into this form.
struct ConvForm {
  NodeId node = kNoId;
  ValueId x = kNoId, bias = kNoId, residual = kNoId, y = kNoId;
  ValueId weight = kNoId;
  Layout layout = Layout::kChannelsLast;
  ConvWindow window;
  bool transposed_weight = false;  // stored [K][N] (MatMul, Gemm without transB)
  float alpha = 1, beta = 1;       // Gemm, float only
  float act_min = -kInf, act_max = kInf;
  FusedActivation activation = FusedActivation::kNone;
  float act_alpha = 0, act_beta = 0;
  ValueId factor = kNoId;  // one element per output channel, behind the activation
  bool finishes() const { return activation != FusedActivation::kNone || factor != kNoId; }
  float inter_scale = 0;  // of the value between convolution and residual add, when it is quantized
  int32_t inter_zero_point = 0;  // uint8 view
};

bool IsDepthwise(const ConvWindow& w) {
  return w.groups > 1 && w.groups == w.in_channels && w.groups == w.out_channels;
}

// The weight as dense [out][in/groups][kh][kw] int8, if every code minus its zero point fits.
std::optional<std::vector<int8_t>> IntegerWeights(const PlanBuilder& b, const ConvForm& f) {
  const Value& w = b.graph().value(f.weight);
  const int64_t out = f.window.out_channels;
  const int64_t size = w.constant.size();
  const int64_t k = size / out;
  const QuantType& q = *w.type.quant;
  std::vector<int8_t> codes(static_cast<size_t>(size));
  const ConstTensorView view = w.constant.view();
  for (int64_t o = 0; o < out; ++o) {
    const int32_t zero = q.zero_point[q.per_tensor() ? 0 : static_cast<size_t>(o)];
    for (int64_t i = 0; i < k; ++i) {
      const int64_t code = IntegerAt(view, f.transposed_weight ? i * out + o : o * k + i) - zero;
      if (code < -128 || code > 127) return std::nullopt;
      codes[static_cast<size_t>(o * k + i)] = static_cast<int8_t>(code);
    }
  }
  return codes;
}

// bias in units of s_x * s_w[c], or nullopt when it cannot be exact int32.
std::optional<std::vector<int32_t>> IntegerBias(const PlanBuilder& b, const ConvForm& f,
                                                const std::vector<float>& acc_scale) {
  std::vector<int32_t> bias(acc_scale.size(), 0);
  if (f.bias == kNoId) return bias;
  const Value& v = b.graph().value(f.bias);
  if (!v.is_constant() || v.constant.size() != static_cast<int64_t>(bias.size()))
    return std::nullopt;
  const Tensor real = b.FloatConstant(f.bias);
  if (!real.defined()) return std::nullopt;
  for (size_t c = 0; c < bias.size(); ++c) {
    if (v.type.quant && v.constant.dtype() == DType::kInt32) {
      const QuantType& q = *v.type.quant;
      const size_t i = q.per_tensor() ? 0 : c;
      // Codes count as they stand when their scale is the accumulator's, up to float rounding of
      // the product.
      if (q.zero_point[i] == 0 && std::abs(q.scale[i] - acc_scale[c]) <= 1e-5f * acc_scale[c]) {
        bias[c] = v.constant.data<int32_t>()[c];
        continue;
      }
    }
    const double code = std::nearbyint(static_cast<double>(real.data<float>()[c]) / acc_scale[c]);
    if (!(std::abs(code) < 2147483647.0)) return std::nullopt;
    bias[c] = static_cast<int32_t>(code);
  }
  return bias;
}

// The integer form: false when a tensor does not have the types the kernels take, or the
// accumulator could overflow.
Result<bool> EmitInteger(PlanBuilder& b, const ConvForm& f) {
  const auto x = b.QuantOf(f.x);
  const Value& w = b.graph().value(f.weight);
  const int weight_axis = f.transposed_weight ? 1 : 0;
  if (!x || !w.type.quant || SizeOf(w.type.storage()) != 1 || w.type.quant->block_size != 0 ||
      !w.type.quant->codebook.empty() ||
      (!w.type.quant->per_tensor() && w.type.quant->axis != weight_axis) || f.alpha != 1 ||
      f.beta != 1) {
    return false;
  }
  const auto y = b.QuantOf(f.y);
  if (!y && b.IsQuantized(f.y)) return false;
  const bool inter = f.residual != kNoId;
  const Tensor factor = b.FloatConstant(f.factor);
  if (f.finishes() &&
      (!y || inter ||
       (f.factor != kNoId && (!factor.defined() || factor.size() != f.window.out_channels)))) {
    return false;
  }
  if (inter && (!y || f.inter_scale <= 0 || !b.QuantOf(f.residual))) return false;
  const size_t out = static_cast<size_t>(f.window.out_channels);
  std::vector<float> acc_scale(out);
  for (size_t c = 0; c < out; ++c) {
    acc_scale[c] = x->scale * w.type.quant->scale[w.type.quant->per_tensor() ? 0 : c];
  }
  const auto weights = IntegerWeights(b, f);
  const auto bias = IntegerBias(b, f, acc_scale);
  if (!weights || !bias) return false;
  const size_t k = weights->size() / out;
  const int64_t reach = std::max<int64_t>(x->zero_point - x->lo, x->hi - x->zero_point);
  std::vector<float> multiplier(out);
  for (size_t c = 0; c < out; ++c) {
    int64_t bound = std::abs(static_cast<int64_t>((*bias)[c]));
    for (size_t i = 0; i < k; ++i) bound += reach * std::abs(int{(*weights)[c * k + i]});
    if (bound > INT32_MAX) return false;
    const float target = inter ? f.inter_scale : (y && !f.finishes() ? y->scale : 1.0f);
    multiplier[c] = acc_scale[c] / target;
    if (!std::isfinite(multiplier[c])) return false;
    if (f.finishes() && std::abs(multiplier[c]) > kLargestRealMultiplier) return false;
  }
  ConvI8Args args;
  args.window = f.window;
  args.x_zero_point = x->zero_point;
  if (y) {
    args.y_zero_point = y->zero_point;
    args.act_min = QuantizeOne(f.act_min, y->scale, y->zero_point, y->lo, y->hi);
    args.act_max = QuantizeOne(f.act_max, y->scale, y->zero_point, y->lo, y->hi);
  } else {
    args.output_f32 = 1;
    args.act_min_f = f.act_min;
    args.act_max_f = f.act_max;
  }
  if (f.finishes()) {
    args.activation = f.activation;
    args.act_alpha = f.act_alpha;
    args.act_beta = f.act_beta;
    args.y_scale = y->scale;
    args.has_factor = factor.defined() ? 1 : 0;
  }
  std::vector<int32_t> inputs = {b.As(f.x, f.layout)};
  if (inter) {
    const auto r = b.QuantOf(f.residual);
    args.has_residual = 1;
    args.t_zero_point = f.inter_zero_point;
    args.r_zero_point = r->zero_point;
    args.t_multiplier = f.inter_scale / y->scale;
    args.r_multiplier = r->scale / y->scale;
    inputs.push_back(b.As(f.residual, f.layout));
  }
  const bool depthwise = IsDepthwise(f.window);
  ConvI8PackedSize size;
  if (depthwise) {
    args.packing = static_cast<int32_t>(DepthwiseI8PackingFor(b.isa()));
    size = DepthwiseI8Packed(f.window, static_cast<DepthwiseI8Packing>(args.packing));
  } else {
    args.packing = static_cast<int32_t>(ConvI8PackingFor(b.isa()));
    size = ConvI8Packed(f.window, static_cast<ConvI8Packing>(args.packing));
  }
  Tensor packed = Tensor::Allocate(DType::kInt8, {size.weight_bytes});
  Tensor offset = Tensor::Allocate(DType::kInt32, {size.channels});
  Tensor scale = Tensor::Allocate(DType::kFloat32, {size.channels});
  if (depthwise) {
    DepthwiseI8Pack(f.window, static_cast<DepthwiseI8Packing>(args.packing), x->zero_point,
                    weights->data(), bias->data(), multiplier.data(), packed.mutable_raw(),
                    offset.mutable_data<int32_t>(), scale.mutable_data<float>());
  } else {
    ConvI8Pack(f.window, static_cast<ConvI8Packing>(args.packing), x->zero_point, weights->data(),
               bias->data(), multiplier.data(), packed.mutable_raw(),
               offset.mutable_data<int32_t>(), scale.mutable_data<float>());
  }
  const int32_t result = b.Define(f.y, f.layout);
  Step& step = b.AddStep(depthwise ? FamilyId::kDepthwiseI8 : FamilyId::kConvI8, f.node,
                         std::move(inputs), {result});
  step.SetArgs(args);
  step.weights = {packed, offset, scale};
  if (factor.defined()) step.weights.push_back(factor);
  step.macs_per_output = static_cast<int64_t>(k);
  return true;
}

Result<bool> EmitFloat(PlanBuilder& b, const ConvForm& f) {
  const Tensor w = b.FloatConstant(f.weight);
  Tensor bias = b.FloatConstant(f.bias);
  const int64_t out = f.window.out_channels;
  if (!w.defined() || (f.bias != kNoId && !bias.defined())) return false;
  if (bias.defined() && bias.size() != out && bias.size() != 1) return false;
  if (f.inter_scale > 0 || f.finishes()) return false;
  std::vector<int32_t> inputs = {b.AsFloat(f.x, f.layout)};
  if (f.residual != kNoId) inputs.push_back(b.AsFloat(f.residual, f.layout));
  ConvF32Args args;
  args.window = f.window;
  args.act_min = f.act_min;
  args.act_max = f.act_max;
  args.has_residual = f.residual != kNoId;
  Tensor packed_bias = Tensor::Allocate(DType::kFloat32, {out});
  for (int64_t c = 0; bias.defined() && c < out; ++c) {
    packed_bias.mutable_data<float>()[c] = f.beta * bias.data<float>()[bias.size() == 1 ? 0 : c];
  }
  std::vector<float> scaled(w.data<float>(), w.data<float>() + w.size());
  if (f.alpha != 1) {
    for (float& v : scaled) v *= f.alpha;
  }
  const bool depthwise = IsDepthwise(f.window) && !f.transposed_weight;
  const ConvF32Packing packing = ConvF32PackingFor(b.isa());
  if (!depthwise) args.packing = static_cast<int32_t>(packing);
  Tensor packed = Tensor::Allocate(
      DType::kFloat32,
      {depthwise ? DepthwiseF32PackedFloats(f.window) : ConvF32PackedFloats(f.window, packing)});
  if (depthwise) {
    PackDepthwiseF32(f.window, scaled.data(), packed.mutable_data<float>());
  } else {
    const ConvWeightStrides strides = f.transposed_weight
                                          ? ConvWeightStrides{1, f.window.out_channels, 0, 0}
                                          : OihwStrides(f.window);
    PackConvF32(f.window, packing, scaled.data(), strides, packed.mutable_data<float>());
  }
  const int32_t result = b.DefineFloat(f.y, f.layout);
  Step& step = b.AddStep(depthwise ? FamilyId::kDepthwiseF32 : FamilyId::kConvF32, f.node,
                         std::move(inputs), {result});
  step.SetArgs(args);
  step.weights = {packed, packed_bias};
  step.macs_per_output = w.size() / out;
  b.FinishFloat(f.y, result);
  return true;
}

Result<bool> Emit(PlanBuilder& b, const ConvForm& f) {
  ADZE_ASSIGN(const bool integer, EmitInteger(b, f));
  return integer ? Result<bool>(true) : EmitFloat(b, f);
}

struct ActivationName {
  const char* name;
  FusedActivation activation;
};
constexpr ActivationName kActivations[] = {
    {"HardSigmoid", FusedActivation::kHardSigmoid},
    {"HardSwish", FusedActivation::kHardSwish},
    {"LeakyRelu", FusedActivation::kLeakyRelu},
    {"Sigmoid", FusedActivation::kSigmoid},
    {"Silu", FusedActivation::kSilu},
};

// False if the node asks for an activation that no kernel has.
bool ReadFusion(PlanBuilder& b, const Node& n, ConvForm* f) {
  f->act_min = n.attrs.Float("act_min", -kInf);
  f->act_max = n.attrs.Float("act_max", kInf);
  f->residual = b.graph().input(f->node, 3);
  f->factor = b.graph().input(f->node, 4);
  const std::string_view wanted = n.attrs.String("activation");
  const auto* const found = std::find_if(std::begin(kActivations), std::end(kActivations),
                                         [&](const auto& a) { return a.name == wanted; });
  if (found != std::end(kActivations)) f->activation = found->activation;
  const bool swish = f->activation == FusedActivation::kHardSwish;
  f->act_alpha = n.attrs.Float("act_alpha", swish ? 1.0f / 6.0f : 0.0f);
  f->act_beta = n.attrs.Float("act_beta", swish ? 0.5f : 0.0f);
  f->inter_scale = n.attrs.Float("inter_scale", 0);
  f->inter_zero_point = static_cast<int32_t>(n.attrs.Int("inter_zero_point", 0));
  return wanted.empty() || found != std::end(kActivations);
}

bool IsFloat32(const PlanBuilder& b, ValueId id) {
  return b.graph().value(id).type.dtype == DType::kFloat32;
}

}  // namespace

Result<bool> LowerConv(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  ConvForm f;
  f.node = id;
  f.x = n.inputs[0];
  f.weight = n.inputs[1];
  f.bias = b.graph().input(id, 2);
  f.y = n.outputs[0];
  const Value& w = b.graph().value(f.weight);
  const Shape& x_shape = b.ShapeOf(f.x);
  if (!w.is_constant() || !IsFloat32(b, f.x) || x_shape.size() < 3 || x_shape.size() > 4) {
    return false;
  }
  const std::vector<int64_t>& wd = w.constant.dims();
  ADZE_ASSIGN(const WindowGeometry g, ReadWindow(n.attrs, x_shape, std::span(wd).subspan(2)));
  f.window = ToConvWindow(g);
  f.window.out_channels = static_cast<int32_t>(wd[0]);
  f.window.groups = static_cast<int32_t>(n.attrs.Int("group", 1));
  f.window.in_channels = static_cast<int32_t>(wd[1]) * f.window.groups;
  if (!ReadFusion(b, n, &f)) return false;
  return Emit(b, f);
}

Result<bool> LowerGemm(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const bool gemm = n.op.name() == "Gemm";
  ConvForm f;
  f.node = id;
  f.x = n.inputs[0];
  f.weight = n.inputs[1];
  f.bias = b.graph().input(id, 2);
  f.y = n.outputs[0];
  f.layout = Layout::kLogical;
  const Value& w = b.graph().value(f.weight);
  if (!IsFloat32(b, f.x)) return false;
  if (!w.is_constant()) {
    if (gemm || n.op.domain() == kAdzeDomain || b.ShapeOf(f.x).size() < 2 ||
        b.ShapeOf(f.weight).size() < 2) {
      return false;
    }
    const std::vector<int32_t> inputs = {b.AsFloat(f.x, Layout::kLogical),
                                         b.AsFloat(f.weight, Layout::kLogical)};
    const int32_t y = b.DefineFloat(f.y, Layout::kLogical);
    b.AddStep(FamilyId::kMatMulF32, id, inputs, {y});
    b.FinishFloat(f.y, y);
    return true;
  }
  if (w.constant.rank() != 2 || b.ShapeOf(f.x).size() < 2 || n.attrs.Int("transA", 0) != 0) {
    return false;
  }
  f.transposed_weight = !gemm || n.attrs.Int("transB", 0) == 0;
  f.window.out_channels = static_cast<int32_t>(w.constant.dims()[f.transposed_weight ? 1 : 0]);
  f.window.in_channels = static_cast<int32_t>(w.constant.dims()[f.transposed_weight ? 0 : 1]);
  f.alpha = n.attrs.Float("alpha", 1);
  f.beta = f.bias == kNoId ? 1 : n.attrs.Float("beta", 1);
  // A bias with a row per output row is no per-channel bias.
  if (f.bias != kNoId && b.ShapeOf(f.bias).size() == 2 && !b.ShapeOf(f.bias)[0].IsConst(1)) {
    return false;
  }
  if (!ReadFusion(b, n, &f)) return false;
  return Emit(b, f);
}

}  // namespace adze
