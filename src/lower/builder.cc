#include "lower/builder.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/quantize/quantize_args.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

// Offset that turns signed 8-bit codes into unsigned ones.
constexpr int32_t kSignedOffset = 128;

// True when both layouts put the bytes in the same order: at most one of C and the spatial extent
// is not 1.
bool SameBytes(const Shape& shape) {
  if (shape.size() < 3) return true;
  if (shape[1].IsConst(1)) return true;
  return std::all_of(shape.begin() + 2, shape.end(), [](const Dim& d) { return d.IsConst(1); });
}

}  // namespace

PlanBuilder::PlanBuilder(const Graph& graph, Isa isa)
    : graph_(graph), native_(static_cast<size_t>(graph.num_values()), -1) {
  plan_.isa = isa;
}

std::optional<U8Quant> PlanBuilder::QuantOf(ValueId id) const {
  const auto& q = graph_.value(id).type.quant;
  if (!q || !q->per_tensor() || SizeOf(q->storage) != 1) return std::nullopt;
  const int32_t offset = ContainerOf(q->storage) == DType::kInt8 ? kSignedOffset : 0;
  const IntRange range = RangeOf(q->storage);
  return U8Quant{q->scale[0], q->zero_point[0] + offset, static_cast<int32_t>(range.min) + offset,
                 static_cast<int32_t>(range.max) + offset};
}

Tensor PlanBuilder::StoredConstant(ValueId id) const {
  return id == kNoId ? Tensor() : graph_.value(id).constant;
}

Tensor PlanBuilder::FloatConstant(ValueId id) const {
  if (id == kNoId || !graph_.value(id).is_constant()) return Tensor();
  const Value& v = graph_.value(id);
  if (!v.type.quant) return v.constant.dtype() == DType::kFloat32 ? v.constant : Tensor();
  Tensor out = Tensor::Allocate(DType::kFloat32, v.constant.dims());
  adze::Dequantize(*v.type.quant, v.constant.dims(), v.constant.raw(), out.mutable_data<float>());
  return out;
}

int32_t PlanBuilder::NewTemporary(DType dtype, Shape shape, Layout layout) {
  PlanValue v;
  v.dtype = dtype;
  v.shape = std::move(shape);
  v.layout = layout;
  plan_.values.push_back(std::move(v));
  return static_cast<int32_t>(plan_.values.size()) - 1;
}

int32_t PlanBuilder::AddConstant(Tensor tensor, Layout layout) {
  const int32_t i = NewTemporary(tensor.dtype(), ToShape(tensor.dims()), layout);
  plan_value(i).kind = PlanValueKind::kConstant;
  plan_value(i).constant = std::move(tensor);
  return i;
}

int32_t PlanBuilder::Define(ValueId id, Layout layout) {
  ADZE_CHECK(native_[static_cast<size_t>(id)] < 0);
  const Value& v = graph_.value(id);
  const std::optional<U8Quant> q = QuantOf(id);
  const int32_t i = NewTemporary(q ? DType::kUInt8 : v.type.storage(), ShapeOf(id),
                                 ShapeOf(id).size() < 3 ? Layout::kLogical : layout);
  PlanValue& p = plan_value(i);
  p.name = v.name;
  if (q) {
    p.scale = q->scale;
    p.zero_point = q->zero_point;
  }
  native_[static_cast<size_t>(id)] = i;
  return i;
}

int32_t PlanBuilder::DefineFloat(ValueId id, Layout layout) {
  if (!IsQuantized(id)) return Define(id, layout);
  return NewTemporary(DType::kFloat32, ShapeOf(id),
                      ShapeOf(id).size() < 3 ? Layout::kLogical : layout);
}

void PlanBuilder::FinishFloat(ValueId id, int32_t float_value) {
  if (!IsQuantized(id)) return;
  AddQuantize(current_, float_value, Define(id, plan_value(float_value).layout), *QuantOf(id));
}

int32_t PlanBuilder::DefineCodes(ValueId id, Layout layout) {
  if (!QuantOf(id)->narrow()) return Define(id, layout);
  return NewTemporary(DType::kUInt8, ShapeOf(id),
                      ShapeOf(id).size() < 3 ? Layout::kLogical : layout);
}

void PlanBuilder::FinishCodes(ValueId id, int32_t codes) {
  if (!QuantOf(id)->narrow()) return;
  AddClamp(current_, codes, Define(id, plan_value(codes).layout), *QuantOf(id));
}

// Codes beyond the range become its ends, as if they had been rounded to it at once.
void PlanBuilder::AddClamp(NodeId id, int32_t from, int32_t to, const U8Quant& q) {
  Tensor table = Tensor::Allocate(DType::kUInt8, {256});
  for (int32_t code = 0; code < 256; ++code) {
    table.mutable_data<uint8_t>()[code] = static_cast<uint8_t>(std::clamp(code, q.lo, q.hi));
  }
  AddStep(FamilyId::kTableI8, id, {from}, {to}).weights = {std::move(table)};
}

int32_t PlanBuilder::Native(ValueId id) {
  int32_t& i = native_[static_cast<size_t>(id)];
  if (i >= 0) return i;
  const Value& v = graph_.value(id);
  if (v.is_constant()) {
    // Quantized constants are read as floats here; the integer rules take StoredConstant.
    const Tensor t = v.type.quant ? FloatConstant(id) : v.constant;
    ADZE_CHECK(t.defined());
    i = AddConstant(t);
  } else {
    // Not produced by a step: its contents follow from the input dims.
    ADZE_CHECK(v.has_elements);
    i = NewTemporary(v.type.dtype, ShapeOf(id), Layout::kLogical);
    plan_value(i).kind = PlanValueKind::kSymbolic;
    plan_value(i).elements = v.elements;
  }
  plan_value(i).name = v.name;
  return i;
}

Layout PlanBuilder::NativeLayout(ValueId id) { return plan_value(Native(id)).layout; }

int32_t PlanBuilder::Convert(int32_t from, Layout layout) {
  if (plan_value(from).layout == layout || plan_value(from).shape.size() < 3) return from;
  const auto [it, is_new] = layouts_.try_emplace({from, layout}, -1);
  if (!is_new) return it->second;
  const PlanValue source = plan_value(from);
  const int32_t to = NewTemporary(source.dtype, source.shape, layout);
  it->second = to;
  plan_value(to).scale = source.scale;
  plan_value(to).zero_point = source.zero_point;
  AddStep(SameBytes(source.shape) ? FamilyId::kAlias : FamilyId::kLayout, current_, {from}, {to});
  return to;
}

int32_t PlanBuilder::Dequantize(int32_t from, Layout layout) {
  if (plan_value(from).shape.size() < 3) layout = Layout::kLogical;
  // The kernel converts channels-last integers to logical floats, not the other way round.
  if (plan_value(from).layout == Layout::kLogical && layout != Layout::kLogical) {
    return Convert(Dequantize(from, Layout::kLogical), layout);
  }
  const auto [it, is_new] = floats_.try_emplace({from, layout}, -1);
  if (!is_new) return it->second;
  it->second = NewTemporary(DType::kFloat32, plan_value(from).shape, layout);
  AddDequantize(current_, from, it->second);
  return it->second;
}

void PlanBuilder::AddQuantize(NodeId id, int32_t from, int32_t to, const U8Quant& q) {
  int32_t codes = to;
  if (q.narrow()) {
    codes = NewTemporary(DType::kUInt8, plan_value(to).shape, plan_value(to).layout);
    plan_value(codes).scale = q.scale;
    plan_value(codes).zero_point = q.zero_point;
  }
  AddStep(FamilyId::kQuantize, id, {from}, {codes}).SetArgs(QuantizeArgs{q.scale, q.zero_point});
  if (q.narrow()) AddClamp(id, codes, to, q);
}

void PlanBuilder::AddDequantize(NodeId id, int32_t from, int32_t to) {
  const QuantizeArgs args{plan_value(from).scale, plan_value(from).zero_point};
  AddStep(FamilyId::kDequantize, id, {from}, {to}).SetArgs(args);
}

int32_t PlanBuilder::As(ValueId id, Layout layout) { return Convert(Native(id), layout); }

int32_t PlanBuilder::AsFloat(ValueId id, Layout layout) {
  const int32_t i = Native(id);
  return plan_value(i).scale > 0 ? Dequantize(i, layout) : Convert(i, layout);
}

int32_t PlanBuilder::AsLogical(ValueId id) {
  return IsQuantized(id) ? AsFloat(id, Layout::kLogical) : As(id, Layout::kLogical);
}

Step& PlanBuilder::AddStep(FamilyId family, NodeId id, std::vector<int32_t> inputs,
                           std::vector<int32_t> outputs) {
  Step step;
  step.family = family;
  step.inputs = std::move(inputs);
  step.outputs = std::move(outputs);
  if (id != kNoId) {
    step.op = graph_.node(id).op;
    step.name = graph_.node(id).name;
    if (step.name.empty() && !graph_.node(id).outputs.empty() &&
        graph_.node(id).outputs[0] != kNoId) {
      step.name = graph_.value(graph_.node(id).outputs[0]).name;
    }
    current_ = id;
  }
  plan_.steps.push_back(std::move(step));
  return plan_.steps.back();
}

Status LowerGeneric(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const OpDef* const def = FindOp(n.op);
  ADZE_CHECK(def != nullptr);
  const bool one_layout = def->elementwise && n.inputs.size() == 1 && n.outputs.size() == 1;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  Layout layout = Layout::kLogical;
  for (ValueId in : n.inputs) {
    if (in == kNoId) {
      inputs.push_back(-1);
      continue;
    }
    const auto& q = b.graph().value(in).type.quant;
    if (q && !b.graph().value(in).is_constant() && !b.QuantOf(in)) {
      return Unsupported("reads '" + b.graph().value(in).name + "' quantized as " +
                         QuantTypeSummary(*q) +
                         ": only per-tensor activations of at most 8 bits can run");
    }
    inputs.push_back(b.AsLogical(in));
  }
  if (one_layout) layout = Layout::kLogical;
  for (ValueId out : n.outputs) {
    if (out == kNoId) {
      return Unsupported("omits an output, which only its own kernel could");
    }
    if (b.IsQuantized(out) && !b.QuantOf(out)) {
      return Unsupported("computes '" + b.graph().value(out).name + "' quantized as " +
                         QuantTypeSummary(*b.graph().value(out).type.quant) +
                         ": only per-tensor activations of at most 8 bits can run");
    }
    outputs.push_back(b.DefineFloat(out, layout));
  }
  const std::vector<int32_t> floats = outputs;
  Step& step = b.AddStep(FamilyId::kOp, id, std::move(inputs), std::move(outputs));
  step.attrs = n.attrs;
  step.in_place = def->in_place;
  for (size_t i = 0; i < n.outputs.size(); ++i) b.FinishFloat(n.outputs[i], floats[i]);
  return OkStatus();
}

}  // namespace adze
