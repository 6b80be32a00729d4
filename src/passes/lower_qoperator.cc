// lower_qoperator: types of values become operators on integers, for consumers of the QOperator
// form. A quantized value keeps its name and becomes a tensor of its storage type:
//   Conv                    QLinearConv (s8 or u8 weights per tensor or channel, int32 bias)
//   MatMul, Gemm            QLinearMatMul, QGemm; a Gemm may have a float result
//   Add, Mul, Concat        QLinearAdd, QLinearMul, QLinearConcat (Concat if nothing is rescaled)
//   AveragePool, GlobalAveragePool, Sigmoid, LeakyRelu    their QLinear operator
//   MaxPool, Reshape, Transpose …    themselves on integers, when in and out are quantized alike
//   adze.Requantize         QuantizeLinear, DequantizeLinear or both
// A Relu or Clip behind a Conv, Gemm, MatMul or Add whose own result is not quantized disappears
// where the range of the storage type implies it; else it is a Clip on integers, which is exact.
// Everything else, a Conv with a float result among it, is what lower_qdq makes: DequantizeLinear
// -> float operator -> QuantizeLinear. So are accumulators that could overflow 32 bits, and Add and
// Mul with a constant, which adze computes in float as well.
// QLinearAdd, QLinearMul, QLinearConcat, QGemm, QLinear*Pool, QLinearSigmoid and QLinearLeakyRelu
// are of domain com.microsoft.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "numerics/rounding.h"
#include "passes/qdq_util.h"

namespace adze {
namespace {

int32_t Quantized(float x, const QuantType& q) {
  const IntRange range = RangeOf(q.storage);
  return QuantizeOne(x, q.scale[0], q.zero_point[0], static_cast<int32_t>(range.min),
                     static_cast<int32_t>(range.max));
}

Tensor CodeScalar(int32_t code, DType storage) {
  return storage == DType::kInt8
             ? Tensor::FromValues<int8_t>({}, std::vector{static_cast<int8_t>(code)})
             : Tensor::FromValues<uint8_t>({}, std::vector{static_cast<uint8_t>(code)});
}

class Lowering {
 public:
  explicit Lowering(Graph& graph) : graph_(graph) {}

  Result<int64_t> Run() {
    const int num_nodes = graph_.num_nodes();  // those added here need no lowering
    ADZE_TRY(LowerSources());
    const int num_regions = graph_.num_regions();
    for (RegionId region = 0; region < num_regions; ++region) {
      for (NodeId id : std::vector(graph_.region(region).nodes)) {
        if (id >= num_nodes || graph_.node(id).dead) continue;
        if (Status s = LowerNode(id); !s.ok()) return s.WithContext(DescribeNode(graph_, id));
      }
    }
    for (RegionId region = 0; region < num_regions; ++region) LowerOutputs(region);
    return changes_;
  }

 private:
  // How a value was quantized: `quant` once it lies in the graph as plain integers, else its type.
  struct Format {
    QuantPtr quant;
    QuantConstants params;  // made when first asked for
  };
  // Where the result of a node is quantized: its own output, or that of the Relu or Clip behind it.
  struct Target {
    NodeId node;
    ValueId y;
    Bounds bounds;
  };

  Format* FormatOf(ValueId id) {
    if (id == kNoId) return nullptr;
    if (const auto it = formats_.find(id); it != formats_.end()) return &it->second;
    const QuantPtr& quant = graph_.value(id).type.quant;
    return quant ? &formats_.emplace(id, Format{quant, {}}).first->second : nullptr;
  }
  const QuantType& QuantOf(ValueId id) { return *FormatOf(id)->quant; }
  const QuantConstants& ParamsOf(ValueId id) {
    Format& f = *FormatOf(id);
    if (f.params.scale == kNoId) {
      const Value& v = graph_.value(id);
      const std::vector<int64_t> dims =
          v.is_constant() ? v.constant.dims() : std::vector<int64_t>();
      f.params = AddQuantConstants(graph_, std::string(v.name), *f.quant, dims);
    }
    return f.params;
  }
  bool Is8Bit(ValueId id) {
    const Format* const f = FormatOf(id);
    return f != nullptr && f->quant->per_tensor() && SizeOf(f->quant->storage) == 1;
  }
  // Quantized with 8 bits, both in the same storage type: what one kernel of ONNX Runtime takes.
  bool Are8Bit(ValueId a, ValueId b) {
    return Is8Bit(a) && Is8Bit(b) && QuantOf(a).storage == QuantOf(b).storage;
  }

  // `from`, typed, is represented by the integers of `to`.
  void MoveFormat(ValueId from, ValueId to) {
    const Format f = *FormatOf(from);
    formats_.erase(from);
    formats_[to] = f;
  }

  // --- constants and inputs
  Status LowerSources() {
    const int num_values = graph_.num_values();
    for (ValueId id = 0; id < num_values; ++id) {
      const Value v = graph_.value(id);
      if (v.dead || !v.type.quant) continue;
      ++changes_;
      if (v.is_constant()) {
        if (!v.type.quant->codebook.empty()) {
          return Unsupported("constant '" + v.name +
                             "' has a codebook: operators on integers take none; Q/DQ form does");
        }
        if (IsNarrow(v.type.quant->storage)) WidenConstant(graph_, id, 8);
        const ValueId integers =
            graph_.AddConstant(graph_.UniqueName(v.name + "_quantized"), graph_.value(id).constant);
        MoveFormat(id, integers);
        graph_.ReplaceUses(id, integers);
        TakeName(graph_, integers, v.name);
        for (const std::string& origin : v.origins) graph_.AddOrigin(integers, origin);
        continue;
      }
      if (!v.type.quant->per_tensor()) {
        return Unsupported("value '" + v.name + "' is not a constant and quantized per channel");
      }
      if (IsNarrow(v.type.quant->storage)) {
        return Unsupported("value '" + v.name + "' has " +
                           std::to_string(BitsOf(v.type.quant->storage)) +
                           " bits: operators on integers take 8; Q/DQ form takes 4");
      }
      if (v.producer != kNoId) continue;
      const std::vector<ValueId>& inputs = graph_.top().inputs;
      if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) {
        return Unsupported("value '" + v.name + "' is a quantized input of an inner graph");
      }
      QuantizeBehind(id, 0, Front());
    }
    return OkStatus();
  }

  NodeId Front() const { return graph_.top().nodes.empty() ? kNoId : graph_.top().nodes.front(); }

  // `x` becomes a float; whoever read it reads its QuantizeLinear.
  void QuantizeBehind(ValueId x, RegionId region, NodeId before) {
    const QuantConstants params = ParamsOf(x);
    const QuantPtr q = FormatOf(x)->quant;
    const ValueId integers =
        AddQuantize(graph_, x, *q, params, region, before, graph_.value(x).name + "_quantized");
    graph_.SetType(integers, {q->storage, graph_.value(x).type.shape, nullptr});
    MoveFormat(x, integers);
    graph_.SetQuant(x, nullptr);
    graph_.ReplaceUses(x, integers);
    graph_.SetInput(graph_.value(integers).producer, 0, x);
  }

  ValueId Dequantized(ValueId integers) {
    const QuantConstants params = ParamsOf(integers);
    const Value v = graph_.value(integers);
    const RegionId region = v.producer == kNoId ? 0 : graph_.node(v.producer).parent;
    const NodeId before = v.producer == kNoId ? Front() : NodeAfter(graph_, v.producer);
    const ValueId real = AddDequantize(graph_, integers, QuantOf(integers), params, region, before,
                                       v.name + "_dequantized");
    graph_.SetType(real, {DType::kFloat32, v.type.shape, nullptr});
    return real;
  }
  // The same, one for all float readers.
  ValueId Real(ValueId integers) {
    const auto [it, added] = reals_.try_emplace(integers, kNoId);
    if (added) it->second = Dequantized(integers);
    return it->second;
  }

  void LowerOutputs(RegionId region) {
    for (size_t i = 0; i < graph_.region(region).outputs.size(); ++i) {
      const ValueId out = graph_.region(region).outputs[i];
      if (FormatOf(out) == nullptr) continue;
      const std::string name = graph_.value(out).name;
      const ValueId real = Dequantized(out);
      graph_.SetOutput(region, static_cast<int>(i), real);
      if (region != 0) continue;
      graph_.Rename(out, graph_.UniqueName(name + "_quantized"));
      graph_.DropOrigin(out, name);
      TakeName(graph_, real, name);
    }
  }

  // --- nodes
  // A new node with `outputs` outputs at the place of `at`.
  Result<NodeId> Emit(OpType op, const std::string& name, std::vector<ValueId> inputs,
                      AttrMap attrs, NodeId at) {
    while (!inputs.empty() && inputs.back() == kNoId) inputs.pop_back();
    std::vector<std::string> outputs;
    for (ValueId out : graph_.node(at).outputs) {
      outputs.push_back(out == kNoId ? "" : graph_.UniqueName(graph_.value(out).name));
    }
    const NodeId id = graph_.AddNode(op, name, std::move(inputs), std::move(outputs),
                                     std::move(attrs), graph_.node(at).parent, at);
    ADZE_TRY(InferNode(graph_, id));
    return id;
  }

  // `now` takes over the outputs of `old`, their names and formats.
  void Supersede(NodeId old, NodeId now) {
    const std::vector<ValueId> before = graph_.node(old).outputs;
    std::vector<Value> values;
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i] == kNoId) continue;
      const ValueId y = graph_.node(now).outputs[i];
      values.push_back(graph_.value(before[i]));
      if (FormatOf(before[i]) != nullptr) MoveFormat(before[i], y);
      graph_.ReplaceUses(before[i], y);
    }
    graph_.EraseNode(old);
    size_t k = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i] == kNoId) continue;
      const Value& v = values[k++];
      const ValueId y = graph_.node(now).outputs[i];
      TakeName(graph_, y, v.name);
      for (const std::string& origin : v.origins) graph_.AddOrigin(y, origin);
    }
  }

  std::optional<Target> TargetOf(NodeId id) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const ValueId y = graph_.node(id).outputs[0];
    if (FormatOf(y) != nullptr) return Target{id, y, {-kInf, kInf}};
    if (graph_.users(y).size() != 1 || graph_.IsRegionOutput(y)) return std::nullopt;
    const NodeId user = graph_.users(y)[0];
    const Node& n = graph_.node(user);
    const std::optional<Bounds> bounds = ClampBounds(graph_, user);
    if (n.parent != graph_.node(id).parent || n.inputs[0] != y || !bounds ||
        !(bounds->lo <= bounds->hi) || FormatOf(n.outputs[0]) == nullptr) {
      return std::nullopt;
    }
    return Target{user, n.outputs[0], *bounds};
  }

  Status Clamp(NodeId at, ValueId x, const QuantType& q, Bounds bounds) {
    const std::string name = graph_.value(graph_.node(at).outputs[0]).name;
    std::vector<ValueId> inputs = {x};
    for (const auto& [suffix, bound] :
         {std::pair{"_min", bounds.lo}, std::pair{"_max", bounds.hi}}) {
      inputs.push_back(graph_.AddConstant(graph_.UniqueName(name + suffix),
                                          CodeScalar(Quantized(bound, q), q.storage)));
    }
    ADZE_ASSIGN(const NodeId clip,
                Emit(OpType::Intern("", "Clip"), graph_.node(at).name, std::move(inputs), {}, at));
    Supersede(at, clip);
    return OkStatus();
  }

  // `op` computes what node `id` and the activation that `target` may be computed.
  Status Finish(NodeId id, const Target& target, OpType op, std::vector<ValueId> inputs,
                AttrMap attrs) {
    const QuantType q = QuantOf(target.y);
    const IntRange range = RangeOf(q.storage);
    ADZE_ASSIGN(const NodeId now,
                Emit(op, graph_.node(id).name, std::move(inputs), std::move(attrs), target.node));
    if (Quantized(target.bounds.lo, q) > range.min || Quantized(target.bounds.hi, q) < range.max) {
      ADZE_TRY(Clamp(target.node, graph_.node(now).outputs[0], q, target.bounds));
    } else {
      Supersede(target.node, now);
    }
    if (target.node != id) graph_.EraseNode(id);
    return OkStatus();
  }

  // The bias of a multiply-accumulate node as int32 in units of the accumulator, `scale` per output
  // channel. `bound` gets |bias| added. False when it is no such constant.
  bool Bias(ValueId bias, const std::vector<float>& scale, std::vector<double>& bound,
            ValueId* result) {
    *result = kNoId;
    if (bias == kNoId) return true;
    const Value v = graph_.value(bias);
    const Format* const f = FormatOf(bias);
    const int64_t channels = static_cast<int64_t>(scale.size());
    if (!v.is_constant() || (v.constant.size() != channels && v.constant.size() != 1)) return false;
    if (v.constant.size() != 1 && v.constant.dims().back() != channels) return false;
    if (f == nullptr ? v.constant.dtype() != DType::kFloat32 : f->quant->block_size != 0) {
      return false;
    }
    Tensor codes = Tensor::Allocate(DType::kInt32, {channels});
    for (size_t c = 0; c < scale.size(); ++c) {
      const size_t i = v.constant.size() == 1 ? 0 : c;
      double code = 0;
      if (f == nullptr) {
        code = std::nearbyint(double{v.constant.data<float>()[i]} / scale[c]);
      } else {
        const QuantType& q = *f->quant;
        const size_t k = q.per_tensor() ? 0 : i;
        code = static_cast<double>(IntegerAt(v.constant.view(), static_cast<int64_t>(i)) -
                                   q.zero_point[k]);
        // Codes count as they stand when their scale is the accumulator's up to float rounding.
        if (std::abs(q.scale[k] - scale[c]) > 1e-5f * scale[c]) {
          code = std::nearbyint(double{static_cast<float>(code) * q.scale[k]} / scale[c]);
        }
      }
      if (!(std::abs(code) < 2147483647.0)) return false;
      bound[c] += std::abs(code);
      codes.mutable_data<int32_t>()[c] = static_cast<int32_t>(code);
    }
    if (f != nullptr && BitEqual(codes, v.constant)) {
      *result = bias;
    } else {
      *result = graph_.AddConstant(graph_.UniqueName(v.name + "_int32"), std::move(codes));
    }
    return true;
  }

  // Conv, MatMul and Gemm.
  Result<bool> LowerCompute(NodeId id) {
    const Node n = graph_.node(id);
    const bool conv = n.op.Is("Conv");
    const bool gemm = n.op.Is("Gemm");
    const ValueId x = n.inputs[0];
    const ValueId w = n.inputs[1];
    if (!Is8Bit(x) || !graph_.value(w).is_constant() || FormatOf(w) == nullptr) return false;
    const QuantType xq = QuantOf(x);
    const QuantType wq = QuantOf(w);
    const Tensor weight = graph_.value(w).constant;
    const int axis = conv || (gemm && n.attrs.Int("transB") != 0) ? 0 : 1;
    if (SizeOf(wq.storage) != 1 || wq.block_size != 0 || weight.rank() < 2 ||
        (!conv && weight.rank() != 2) || (!wq.per_tensor() && wq.axis != axis) ||
        (xq.storage == DType::kInt8 && wq.storage != DType::kInt8)) {
      return false;
    }
    const std::optional<Target> target = TargetOf(id);
    if (target ? !Are8Bit(x, target->y) : !gemm) return false;
    const float alpha = gemm ? n.attrs.Float("alpha", 1) : 1;
    if (!(alpha > 0) || (graph_.input(id, 2) != kNoId && n.attrs.Float("beta", 1) != 1)) {
      return false;
    }

    const int64_t channels = weight.dims()[static_cast<size_t>(axis)];
    int64_t inner = 1;
    for (int d = axis + 1; d < weight.rank(); ++d) inner *= weight.dims()[static_cast<size_t>(d)];
    std::vector<float> scale;
    for (int64_t c = 0; c < channels; ++c) {
      scale.push_back(alpha * xq.scale[0] * wq.scale[wq.per_tensor() ? 0 : static_cast<size_t>(c)]);
      if (!std::isnormal(scale.back())) return false;
    }
    const IntRange range = RangeOf(xq.storage);
    const auto reach =
        static_cast<double>(std::max(range.max - xq.zero_point[0], xq.zero_point[0] - range.min));
    std::vector<double> bound(scale.size());
    for (int64_t i = 0; i < weight.size(); ++i) {
      const auto c = static_cast<size_t>(i / inner % channels);
      const int64_t code = IntegerAt(weight.view(), i) - wq.zero_point[wq.per_tensor() ? 0 : c];
      bound[c] += reach * static_cast<double>(std::abs(code));
    }
    ValueId bias = kNoId;
    if (!Bias(n.op.Is("MatMul") ? kNoId : graph_.input(id, 2), scale, bound, &bias)) return false;
    if (std::any_of(bound.begin(), bound.end(), [](double b) { return b > INT32_MAX; })) {
      return false;
    }

    const QuantConstants xp = ParamsOf(x);
    const QuantConstants wp = ParamsOf(w);
    std::vector<ValueId> inputs = {x, xp.scale, xp.zero_point, w, wp.scale, wp.zero_point};
    AttrMap attrs = n.attrs;
    OpType op = OpType::Intern("", conv ? "QLinearConv" : "QLinearMatMul");
    if (gemm) {
      op = OpType::Intern(kMicrosoftDomain, "QGemm");
      attrs.Erase("beta");
      inputs.push_back(bias);
    }
    if (!target) {
      ADZE_ASSIGN(const NodeId now, Emit(op, n.name, std::move(inputs), std::move(attrs), id));
      Supersede(id, now);
      return true;
    }
    const QuantConstants yp = ParamsOf(target->y);
    inputs.insert(inputs.end(), {yp.scale, yp.zero_point});
    if (conv) inputs.push_back(bias);
    ADZE_TRY(Finish(id, *target, op, std::move(inputs), std::move(attrs)));
    return true;
  }

  // Add and Mul.
  Result<bool> LowerBinary(NodeId id) {
    const Node n = graph_.node(id);
    const ValueId a = n.inputs[0];
    const ValueId b = n.inputs[1];
    const std::optional<Target> target = TargetOf(id);
    if (!target || (target->node != id && !n.op.Is("Add")) || !Are8Bit(a, b) ||
        !Are8Bit(a, target->y) || graph_.value(a).is_constant() || graph_.value(b).is_constant()) {
      return false;
    }
    const QuantConstants ap = ParamsOf(a);
    const QuantConstants bp = ParamsOf(b);
    const QuantConstants yp = ParamsOf(target->y);
    ADZE_TRY(Finish(
        id, *target, Microsoft(n),
        {a, ap.scale, ap.zero_point, b, bp.scale, bp.zero_point, yp.scale, yp.zero_point}, {}));
    return true;
  }

  static OpType Microsoft(const Node& n) {
    return OpType::Intern(kMicrosoftDomain, "QLinear" + std::string(n.op.name()));
  }

  Result<bool> LowerConcat(NodeId id) {
    const Node n = graph_.node(id);
    const ValueId y = n.outputs[0];
    const QuantConstants yp = ParamsOf(y);
    std::vector<ValueId> inputs = {yp.scale, yp.zero_point};
    bool equal = true;
    for (ValueId x : n.inputs) {
      if (!Are8Bit(x, y)) return false;
      equal = equal && QuantOf(x) == QuantOf(y);
      const QuantConstants xp = ParamsOf(x);
      inputs.insert(inputs.end(), {x, xp.scale, xp.zero_point});
    }
    if (equal) return KeepOnIntegers(id);
    ADZE_ASSIGN(const NodeId now, Emit(Microsoft(n), n.name, std::move(inputs), n.attrs, id));
    Supersede(id, now);
    return true;
  }

  // AveragePool, GlobalAveragePool, Sigmoid, LeakyRelu.
  Result<bool> LowerUnary(NodeId id) {
    const Node n = graph_.node(id);
    const ValueId x = n.inputs[0];
    const ValueId y = n.outputs[0];
    AttrMap attrs = n.attrs;
    const std::span<const int64_t> dilations = attrs.Ints("dilations");
    if (!Are8Bit(x, y) ||
        std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d != 1; }) ||
        // There the two operators count differently.
        (attrs.Int("ceil_mode") != 0 && attrs.Int("count_include_pad") != 0)) {
      return false;
    }
    attrs.Erase("dilations");
    const QuantConstants xp = ParamsOf(x);
    const QuantConstants yp = ParamsOf(y);
    ADZE_ASSIGN(const NodeId now,
                Emit(Microsoft(n), n.name, {x, xp.scale, xp.zero_point, yp.scale, yp.zero_point},
                     std::move(attrs), id));
    Supersede(id, now);
    return true;
  }

  // A Relu or Clip with a value of the same format on either side.
  Result<bool> LowerClamp(NodeId id) {
    const ValueId x = graph_.node(id).inputs[0];
    const ValueId y = graph_.node(id).outputs[0];
    const std::optional<Bounds> bounds = ClampBounds(graph_, id);
    if (!bounds || !(bounds->lo <= bounds->hi) || !Are8Bit(x, y) || QuantOf(x) != QuantOf(y)) {
      return false;
    }
    ADZE_TRY(Clamp(id, x, QuantType(QuantOf(y)), *bounds));
    return true;
  }

  // The node stays; its data are integers now.
  Result<bool> KeepOnIntegers(NodeId id) {
    for (ValueId y : graph_.node(id).outputs) {
      if (FormatOf(y) == nullptr) continue;
      graph_.SetType(y, {QuantOf(y).storage, graph_.value(y).type.shape, nullptr});
    }
    ADZE_TRY(InferNode(graph_, id));
    return true;
  }

  // Operators that only move or compare values.
  Result<bool> LowerMove(NodeId id) {
    const Node n = graph_.node(id);
    const ValueId x = n.inputs[0];
    for (ValueId y : n.outputs) {
      if (y == kNoId) continue;
      if (!Are8Bit(x, y) || QuantOf(x) != QuantOf(y)) return false;
    }
    if (!n.op.Is("Pad") || n.attrs.String("mode", "constant") != "constant") {
      return KeepOnIntegers(id);
    }
    const ValueId fill = graph_.input(id, 2);
    const std::optional<float> real = fill == kNoId               ? 0.0f
                                      : FormatOf(fill) != nullptr ? std::nullopt
                                                                  : UniformFloat(graph_, fill);
    if (!real) return false;
    const QuantType q = QuantOf(x);
    graph_.SetInput(id, 2,
                    graph_.AddConstant(graph_.UniqueName(graph_.value(n.outputs[0]).name + "_fill"),
                                       CodeScalar(Quantized(*real, q), q.storage)));
    return KeepOnIntegers(id);
  }

  Status LowerRequantize(NodeId id) {
    const Node n = graph_.node(id);
    const ValueId y = n.outputs[0];
    const bool from = FormatOf(n.inputs[0]) != nullptr;
    const bool to = FormatOf(y) != nullptr;
    const ValueId x = from && to ? Real(n.inputs[0]) : n.inputs[0];
    const char* const name = to ? "QuantizeLinear" : from ? "DequantizeLinear" : "Identity";
    std::vector<ValueId> inputs = {x};
    if (from || to) {
      const QuantConstants params = ParamsOf(to ? y : x);
      inputs.insert(inputs.end(), {params.scale, params.zero_point});
    }
    AttrMap attrs;
    if (!to && from && !QuantOf(x).per_tensor()) attrs.Set("axis", int64_t{QuantOf(x).axis});
    if (!to && from && QuantOf(x).block_size != 0) attrs.Set("block_size", QuantOf(x).block_size);
    ADZE_ASSIGN(const NodeId now,
                Emit(OpType::Intern("", name), n.name, std::move(inputs), std::move(attrs), id));
    Supersede(id, now);
    return OkStatus();
  }

  Result<bool> LowerOnIntegers(NodeId id) {
    const Node& n = graph_.node(id);
    if (!n.op.domain().empty() || FormatOf(n.inputs.empty() ? kNoId : n.inputs[0]) == nullptr) {
      return false;
    }
    const std::string_view op = n.op.name();
    if (op == "Conv" || op == "MatMul" || op == "Gemm") return LowerCompute(id);
    if (op == "Add" || op == "Mul") return LowerBinary(id);
    if (op == "Relu" || op == "Clip") return LowerClamp(id);
    if (FormatOf(n.outputs[0]) == nullptr) return false;
    if (op == "Concat") return LowerConcat(id);
    if (op == "AveragePool" || op == "GlobalAveragePool" || op == "Sigmoid" || op == "LeakyRelu") {
      return LowerUnary(id);
    }
    return MovesValues(n) ? LowerMove(id) : Result<bool>(false);
  }

  Status LowerNode(NodeId id) {
    const Node n = graph_.node(id);
    if (n.op.Is(kAdzeDomain, "Requantize")) {
      ++changes_;
      return LowerRequantize(id);
    }
    const auto quantized = [&](ValueId v) { return FormatOf(v) != nullptr; };
    if (std::none_of(n.inputs.begin(), n.inputs.end(), quantized) &&
        std::none_of(n.outputs.begin(), n.outputs.end(), quantized)) {
      return OkStatus();
    }
    ++changes_;
    ADZE_ASSIGN(const bool done, LowerOnIntegers(id));
    if (done) return OkStatus();
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      if (quantized(n.inputs[i])) graph_.SetInput(id, static_cast<int>(i), Real(n.inputs[i]));
    }
    for (ValueId y : n.outputs) {
      if (quantized(y)) QuantizeBehind(y, n.parent, NodeAfter(graph_, id));
    }
    return OkStatus();
  }

  Graph& graph_;
  std::map<ValueId, Format> formats_;
  std::map<ValueId, ValueId> reals_;  // integers -> their DequantizeLinear
  int64_t changes_ = 0;
};

Result<int64_t> Run(Graph& graph, const PassContext&) { return Lowering(graph).Run(); }

}  // namespace

extern constexpr PassDef kLowerQoperatorPass = {
    .name = "lower_qoperator",
    .summary = "Types of values become integer operators: QLinearConv, QLinearMatMul …",
    .run = Run,
};

}  // namespace adze
