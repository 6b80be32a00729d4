// Element-wise functions of one or two tensors: float in any layout, 8-bit through tables and
// integer arithmetic.
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/fake_quant_f32/fake_quant_f32.h"
#include "lower/builder.h"
#include "lower/rules.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A scalar constant input, or `fallback` when it is omitted; nullopt when it is computed.
std::optional<float> ScalarInput(const PlanBuilder& b, NodeId id, int index, float fallback) {
  const ValueId v = b.graph().input(id, index);
  if (v == kNoId) return fallback;
  const Tensor t = b.FloatConstant(v);
  if (!t.defined() || t.size() != 1) return std::nullopt;
  return t.data<float>()[0];
}

struct UnaryName {
  const char* name;
  EltwiseOp op;
};
constexpr UnaryName kUnary[] = {
    {"Abs", EltwiseOp::kAbs},
    {"Ceil", EltwiseOp::kCeil},
    {"Elu", EltwiseOp::kElu},
    {"Erf", EltwiseOp::kErf},
    {"Exp", EltwiseOp::kExp},
    {"Floor", EltwiseOp::kFloor},
    {"HardSigmoid", EltwiseOp::kHardSigmoid},
    {"HardSwish", EltwiseOp::kHardSwish},
    {"LeakyRelu", EltwiseOp::kLeakyRelu},
    {"Log", EltwiseOp::kLog},
    {"Neg", EltwiseOp::kNeg},
    {"Reciprocal", EltwiseOp::kReciprocal},
    {"Relu", EltwiseOp::kRelu},
    {"Round", EltwiseOp::kRound},
    {"Sigmoid", EltwiseOp::kSigmoid},
    {"Silu", EltwiseOp::kSilu},
    {"Softplus", EltwiseOp::kSoftplus},
    {"Sqrt", EltwiseOp::kSqrt},
    {"Tanh", EltwiseOp::kTanh},
};

// nullopt: a form the float kernel does not have.
std::optional<EltwiseArgs> UnaryArgs(const PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  EltwiseArgs args;
  if (n.op.Is("Clip")) {
    const auto lo = ScalarInput(b, id, 1, -kInf);
    const auto hi = ScalarInput(b, id, 2, kInf);
    if (!lo || !hi) return std::nullopt;
    args.op = EltwiseOp::kClip;
    args.lo = *lo;
    args.hi = *hi;
    return args;
  }
  if (n.op.Is("Gelu")) {
    if (n.attrs.String("approximate", "none") != "none") return std::nullopt;
    args.op = EltwiseOp::kGelu;
    return args;
  }
  for (const UnaryName& u : kUnary) {
    if (n.op.name() != u.name) continue;
    args.op = u.op;
    const bool hard = u.op == EltwiseOp::kHardSigmoid;
    args.alpha = n.attrs.Float("alpha", hard ? 0.2f : u.op == EltwiseOp::kLeakyRelu ? 0.01f : 1.0f);
    args.beta = n.attrs.Float("beta", 0.5f);
    return args;
  }
  return std::nullopt;
}

// The table of a quantized unary operator: its reference evaluated on every code.
Result<Tensor> OperatorTable(PlanBuilder& b, NodeId id, const U8Quant& in, const U8Quant& out) {
  const Node& n = b.graph().node(id);
  Tensor x = Tensor::Allocate(DType::kFloat32, {256});
  for (int32_t q = 0; q < 256; ++q) {
    x.mutable_data<float>()[q] = DequantizeOne(q, in.scale, in.zero_point);
  }
  std::vector<Tensor> inputs = {x};
  for (size_t i = 1; i < n.inputs.size(); ++i) inputs.push_back(b.FloatConstant(n.inputs[i]));
  ADZE_ASSIGN(const std::vector<Tensor> y, EvaluateOp(*FindOp(n.op), n.attrs, inputs, 1));
  Tensor table = Tensor::Allocate(DType::kUInt8, {256});
  for (int32_t q = 0; q < 256; ++q) {
    table.mutable_data<uint8_t>()[q] = static_cast<uint8_t>(
        QuantizeOne(y[0].data<float>()[q], out.scale, out.zero_point, out.lo, out.hi));
  }
  return table;
}

bool IsFloat32(const PlanBuilder& b, ValueId id) {
  return b.graph().value(id).type.dtype == DType::kFloat32;
}

// Rank-aligned: can `id` be read beside a channels-last tensor of `rank` dimensions?
bool FitsChannelsLast(const PlanBuilder& b, ValueId id, size_t rank) {
  const Shape& s = b.ShapeOf(id);
  if (s.size() == rank) return true;
  if (NumElements(s).IsConst(1)) return true;
  // [C, 1, 1] against [N, C, H, W].
  if (s.size() + 1 != rank) return false;
  for (size_t i = 1; i < s.size(); ++i) {
    if (!s[i].IsConst(1)) return false;
  }
  return true;
}

struct BinaryName {
  const char* name;
  EltwiseOp op;
};
constexpr BinaryName kBinary[] = {
    {"Add", EltwiseOp::kAdd}, {"Div", EltwiseOp::kDiv}, {"Max", EltwiseOp::kMax},
    {"Min", EltwiseOp::kMin}, {"Mul", EltwiseOp::kMul}, {"PRelu", EltwiseOp::kPRelu},
    {"Pow", EltwiseOp::kPow}, {"Sub", EltwiseOp::kSub},
};

int32_t ReadOperand(PlanBuilder& b, ValueId id, size_t rank, Layout layout) {
  return b.AsFloat(id, b.ShapeOf(id).size() == rank ? layout : Layout::kLogical);
}

}  // namespace

Layout CommonLayout(PlanBuilder& b, std::span<const ValueId> values) {
  for (ValueId id : values) {
    if (!b.graph().value(id).is_constant() && b.NativeLayout(id) == Layout::kChannelsLast) {
      return Layout::kChannelsLast;
    }
  }
  return Layout::kLogical;
}

Result<bool> LowerUnary(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  const ValueId y = n.outputs[0];
  if (!IsFloat32(b, x) || n.outputs.size() != 1) return false;
  const Layout layout = b.NativeLayout(x);
  const auto in = b.QuantOf(x);
  const auto out = b.QuantOf(y);
  if (in && out) {
    for (size_t i = 1; i < n.inputs.size(); ++i) {
      if (n.inputs[i] != kNoId && !b.FloatConstant(n.inputs[i]).defined()) return false;
    }
    ADZE_ASSIGN(const Tensor table, OperatorTable(b, id, *in, *out));
    const int32_t source = b.Native(x);
    const int32_t result = b.Define(y, layout);
    Step& step = b.AddStep(FamilyId::kTableI8, id, {source}, {result});
    step.weights = {table};
    step.in_place = true;
    return true;
  }
  const std::optional<EltwiseArgs> args = UnaryArgs(b, id);
  if (!args) return false;
  const int32_t source = b.AsFloat(x, layout);
  const int32_t result = b.DefineFloat(y, layout);
  Step& step = b.AddStep(FamilyId::kElementwiseF32, id, {source}, {result});
  step.SetArgs(*args);
  step.in_place = true;
  b.FinishFloat(y, result);
  return true;
}

Result<bool> LowerBinary(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  if (n.inputs.size() != 2) return false;  // variadic Max, Min
  const ValueId p = n.inputs[0];
  const ValueId q = n.inputs[1];
  const ValueId y = n.outputs[0];
  if (!IsFloat32(b, p) || !IsFloat32(b, q)) return false;
  ADZE_ASSIGN(const bool integer, LowerBinaryI8(b, id));
  if (integer) return true;
  if (n.op.domain() == kAdzeDomain) return false;  // a clamped addition has no float kernel
  const size_t rank = b.ShapeOf(y).size();
  Layout layout = CommonLayout(b, n.inputs);
  if (!FitsChannelsLast(b, p, rank) || !FitsChannelsLast(b, q, rank)) layout = Layout::kLogical;
  const int32_t left = ReadOperand(b, p, rank, layout);
  const int32_t right = ReadOperand(b, q, rank, layout);
  EltwiseArgs args;
  for (const BinaryName& name : kBinary) {
    if (n.op.Is(name.name)) args.op = name.op;
  }
  const int32_t result = b.DefineFloat(y, layout);
  Step& step = b.AddStep(FamilyId::kElementwiseF32, id, {left, right}, {result});
  step.SetArgs(args);
  step.in_place = b.ShapeOf(p) == b.ShapeOf(y);
  b.FinishFloat(y, result);
  return true;
}

Result<bool> LowerGate(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  if (!IsFloat32(b, n.inputs[0])) return false;
  const Layout layout = CommonLayout(b, n.inputs);
  EltwiseArgs args;
  args.op = EltwiseOp::kGate;
  args.alpha = n.attrs.Int("closed") != 0 ? 1.0f : 0.0f;
  args.lo = n.attrs.Float("lo");
  args.hi = n.attrs.Float("hi");
  const int32_t gradient = b.AsFloat(n.inputs[0], layout);
  const int32_t x = b.AsFloat(n.inputs[1], layout);
  const int32_t result = b.DefineFloat(n.outputs[0], layout);
  Step& step = b.AddStep(FamilyId::kElementwiseF32, id, {gradient, x}, {result});
  step.SetArgs(args);
  step.in_place = true;
  b.FinishFloat(n.outputs[0], result);
  return true;
}

Result<bool> LowerFakeQuant(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  if (!IsFloat32(b, n.inputs[0]) || b.IsQuantized(n.outputs[0])) return false;
  const Layout layout = b.NativeLayout(n.inputs[0]);
  FakeQuantArgs args;
  args.scale = n.attrs.Float("scale");
  args.zero_point = static_cast<int32_t>(n.attrs.Int("zero_point"));
  args.qmin = static_cast<int32_t>(n.attrs.Int("qmin"));
  args.qmax = static_cast<int32_t>(n.attrs.Int("qmax"));
  const int32_t source = b.AsFloat(n.inputs[0], layout);
  const int32_t result = b.Define(n.outputs[0], layout);
  Step& step = b.AddStep(FamilyId::kFakeQuantF32, id, {source}, {result});
  step.SetArgs(args);
  step.in_place = true;
  return true;
}

// A normalization that nothing could fold: y = x * s + t per channel, as two broadcast steps.
Result<bool> LowerBatchNormalization(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  if (!IsFloat32(b, x) || n.outputs.size() != 1) return false;
  Tensor parts[4];
  for (int i = 0; i < 4; ++i) {
    parts[i] = b.FloatConstant(n.inputs[static_cast<size_t>(i) + 1]);
    if (!parts[i].defined()) return false;
  }
  const int64_t channels = parts[0].size();
  const size_t rank = b.ShapeOf(x).size();
  if (rank < 2) return false;
  std::vector<int64_t> dims(rank, 1);
  dims[1] = channels;
  Tensor scale = Tensor::Allocate(DType::kFloat32, dims);
  Tensor shift = Tensor::Allocate(DType::kFloat32, dims);
  const float epsilon = n.attrs.Float("epsilon", 1e-5f);
  for (int64_t c = 0; c < channels; ++c) {
    const double s = static_cast<double>(parts[0].data<float>()[c]) /
                     std::sqrt(static_cast<double>(parts[3].data<float>()[c]) + epsilon);
    scale.mutable_data<float>()[c] = static_cast<float>(s);
    shift.mutable_data<float>()[c] = static_cast<float>(
        static_cast<double>(parts[1].data<float>()[c]) - s * parts[2].data<float>()[c]);
  }
  const Layout layout = b.NativeLayout(x);
  const int32_t source = b.AsFloat(x, layout);
  const int32_t scaled = b.NewTemporary(DType::kFloat32, b.ShapeOf(x), layout);
  const int32_t scale_value = b.AddConstant(scale);
  const int32_t shift_value = b.AddConstant(shift);
  const int32_t result = b.DefineFloat(n.outputs[0], layout);
  EltwiseArgs args;
  args.op = EltwiseOp::kMul;
  Step& mul = b.AddStep(FamilyId::kElementwiseF32, id, {source, scale_value}, {scaled});
  mul.SetArgs(args);
  mul.in_place = true;
  args.op = EltwiseOp::kAdd;
  Step& add = b.AddStep(FamilyId::kElementwiseF32, id, {scaled, shift_value}, {result});
  add.SetArgs(args);
  add.in_place = true;
  b.FinishFloat(n.outputs[0], result);
  return true;
}

}  // namespace adze
