// lift_qoperator: integer operators (the QOperator form, whoever wrote it) become float operators
// between DequantizeLinear and QuantizeLinear, which lift_qdq then makes types of values:
//   QLinearX(x, …, y_scale, y_zero_point)   Q(X(DQ(x), …))
//   MaxPool, Reshape, Concat … of integers  the same, when QuantizeLinear nodes made all of them
//   alike
// What is left as it was: parameters that are not constant, activations with one scale per channel.
// The float value is called as the integers were, without the suffix _quantized that ONNX Runtime
// appends.
#include <algorithm>
#include <map>

#include "passes/qdq_util.h"

namespace adze {
namespace {

class Lifting {
 public:
  explicit Lifting(Graph& graph) : graph_(graph) {}

  Result<int64_t> Run() {
    int64_t changes = 0;
    for (RegionId region = 0; region < graph_.num_regions(); ++region) {
      for (NodeId id : std::vector(graph_.region(region).nodes)) {
        Result<bool> changed = LiftNode(id);
        if (!changed.ok()) return changed.status().WithContext(DescribeNode(graph_, id));
        changes += *changed ? 1 : 0;
      }
    }
    return changes;
  }

 private:
  // An integer tensor and what its codes mean.
  struct Operand {
    ValueId value;
    QuantPtr quant;
  };

  // Inputs i (codes), i + 1 (scale) and i + 2 (zero point) of a node; null quant when that is not
  // constant, or per channel without being that of a constant.
  Operand Read(NodeId id, int i, int axis = 0) {
    const ValueId x = graph_.input(id, i);
    const Value& v = graph_.value(x);
    const DType storage = v.is_constant() ? v.constant.dtype() : v.type.dtype;
    QuantPtr q =
        ReadQuantParams(graph_, graph_.input(id, i + 1), graph_.input(id, i + 2), storage, axis);
    if (v.type.quant || (q && !q->per_tensor() && !v.is_constant())) q = nullptr;
    return {x, std::move(q)};
  }
  // The quantizer of the output, whose parameters are inputs i and i + 1.
  QuantPtr ReadOutput(NodeId id, int i) {
    return ReadQuantParams(graph_, graph_.input(id, i), graph_.input(id, i + 1),
                           graph_.value(graph_.node(id).outputs[0]).type.dtype, 0);
  }

  // `real`, dequantized, is what integers called `name` stand for: it is called so without
  // "_quantized".
  void NameReal(ValueId real, const std::string& name) {
    constexpr std::string_view kSuffix = "_quantized";
    std::string base = name;
    if (base.ends_with(kSuffix)) base.resize(base.size() - kSuffix.size());
    if (base.empty() || (base != name && graph_.FindValue(base) != kNoId)) base = name;
    TakeName(graph_, real, base);
  }

  // The real numbers of `operand`, before node `before`.
  Result<ValueId> Real(const Operand& operand, NodeId before) {
    const std::string name = graph_.value(operand.value).name;
    const QuantConstants params = AddQuantConstants(graph_, name, *operand.quant, {});
    const ValueId real = AddDequantize(graph_, operand.value, *operand.quant, params,
                                       graph_.node(before).parent, before, name + "_dequantized");
    ADZE_TRY(InferNode(graph_, graph_.value(real).producer));
    if (graph_.value(operand.value).is_constant()) NameReal(real, name);
    return real;
  }
  Result<std::vector<ValueId>> Reals(const std::vector<Operand>& operands, NodeId before) {
    std::vector<ValueId> reals;
    for (const Operand& operand : operands) {
      if (operand.value == kNoId) {
        reals.push_back(kNoId);
        continue;
      }
      ADZE_ASSIGN(const ValueId real, Real(operand, before));
      reals.push_back(real);
    }
    return reals;
  }

  // Float value `real` computes what integer value `y` was; who read y reads the integers of
  // `real`.
  void Quantize(ValueId real, ValueId y, const QuantType& q) {
    const NodeId producer = graph_.value(real).producer;
    const Value old = graph_.value(y);
    const std::string name = old.name;
    const bool is_output = graph_.IsRegionOutput(y);
    const QuantConstants params = AddQuantConstants(graph_, name, q, {});
    const ValueId integers = AddQuantize(graph_, real, q, params, graph_.node(producer).parent,
                                         NodeAfter(graph_, producer), name + "_integers");
    graph_.SetType(integers, {q.storage, old.type.shape, nullptr});
    graph_.ReplaceUses(y, integers);
    graph_.SetInput(graph_.value(integers).producer, 0, real);
    if (is_output) {
      TakeName(graph_, integers, name);
      return;
    }
    NameReal(real, name);
    if (graph_.value(real).name != name) graph_.AddOrigin(real, name);
    for (const std::string& origin : old.origins) graph_.AddOrigin(real, origin);
  }

  // Node `id` becomes `op`, a standard operator, of the operands' real numbers. `q` null: its
  // output is float already.
  Result<bool> Replace(NodeId id, std::string_view op, const std::vector<Operand>& operands,
                       AttrMap attrs, const QuantPtr& q) {
    ADZE_ASSIGN(std::vector<ValueId> inputs, Reals(operands, id));
    const ValueId y = graph_.node(id).outputs[0];
    const NodeId now = graph_.AddNode(OpType::Intern("", op), graph_.node(id).name,
                                      std::move(inputs), {graph_.UniqueName(graph_.value(y).name)},
                                      std::move(attrs), graph_.node(id).parent, id);
    ADZE_TRY(InferNode(graph_, now));
    const ValueId real = graph_.node(now).outputs[0];
    if (q) {
      Quantize(real, y, *q);
    } else {
      const std::string name = graph_.value(y).name;
      graph_.ReplaceUses(y, real);
      TakeName(graph_, real, name);
    }
    graph_.EraseNode(id);
    return true;
  }

  // The int32 bias of a multiply-accumulate operator, in units of the accumulator. False when its
  // channels are not those of the weight.
  bool ReadBias(ValueId bias, float alpha, const Operand& x, const Operand& w, Operand* result) {
    *result = {bias, nullptr};
    if (bias == kNoId) return true;
    const Value& b = graph_.value(bias);
    if (!b.is_constant() || b.type.quant) return false;
    auto q = std::make_shared<QuantType>();
    q->storage = DType::kInt32;
    for (float scale : w.quant->scale) q->scale.push_back(alpha * x.quant->scale[0] * scale);
    q->zero_point.assign(q->scale.size(), 0);
    if (q->scale.size() > 1) {
      q->axis = b.constant.rank() - 1;
      if (q->axis < 0 || b.constant.dims().back() != static_cast<int64_t>(q->scale.size())) {
        return false;
      }
    }
    if (!VerifyQuantType(*q, static_cast<int64_t>(q->scale.size())).ok()) return false;
    result->quant = std::move(q);
    return true;
  }

  // QLinearConv, QLinearMatMul, QGemm.
  Result<bool> LiftCompute(NodeId id) {
    const Node n = graph_.node(id);
    const bool gemm = n.op.name() == "QGemm";
    const bool conv = n.op.name() == "QLinearConv";
    const Operand x = Read(id, 0);
    const Operand w = Read(id, 3, conv || (gemm && n.attrs.Int("transB") != 0) ? 0 : 1);
    if (!x.quant || !x.quant->per_tensor() || !w.quant) return false;
    if (!conv && !w.quant->per_tensor() && graph_.value(w.value).constant.rank() != 2) return false;
    const int y = gemm ? 7 : 6;
    const bool is_float = gemm && graph_.input(id, y) == kNoId;
    const QuantPtr q = is_float ? nullptr : ReadOutput(id, y);
    if (!is_float && !q) return false;
    std::vector<Operand> operands = {x, w};
    const ValueId bias = conv ? graph_.input(id, 8) : gemm ? graph_.input(id, 6) : kNoId;
    if (bias != kNoId) {
      operands.emplace_back();
      const float alpha = gemm ? n.attrs.Float("alpha", 1) : 1;
      if (!ReadBias(bias, alpha, x, w, &operands.back())) return false;
    }
    return Replace(id, conv ? "Conv" : gemm ? "Gemm" : "MatMul", operands, n.attrs, q);
  }

  // QLinearX of domain com.microsoft.
  Result<bool> LiftOther(NodeId id) {
    const Node n = graph_.node(id);
    const std::string_view op = n.op.name().substr(std::string_view("QLinear").size());
    AttrMap attrs = n.attrs;
    std::vector<Operand> operands;
    QuantPtr q;
    if (op == "Concat") {
      q = ReadOutput(id, 0);
      for (int i = 2; i + 2 < static_cast<int>(n.inputs.size()); i += 3) {
        operands.push_back(Read(id, i));
      }
    } else if (op == "Add" || op == "Mul") {
      operands = {Read(id, 0), Read(id, 3)};
      q = ReadOutput(id, 6);
    } else if (op == "Sigmoid" || op == "LeakyRelu" || op == "AveragePool" ||
               op == "GlobalAveragePool" || op == "Softmax") {
      // Where the operators differ: the average counts and Softmax's runs of old opsets.
      if (attrs.Int("ceil_mode") != 0 && attrs.Int("count_include_pad") != 0) return false;
      if (op == "Softmax" && attrs.Int("opset") < 13) return false;
      attrs.Erase("channels_last");
      attrs.Erase("opset");
      operands = {Read(id, 0)};
      q = ReadOutput(id, 3);
    }
    if (!q || std::any_of(operands.begin(), operands.end(), [](const Operand& o) {
          return o.quant == nullptr || !o.quant->per_tensor();
        })) {
      return false;
    }
    return Replace(id, op, operands, std::move(attrs), q);
  }

  // What the QuantizeLinear that made `integers` says; null when there is none.
  QuantPtr MadeBy(ValueId integers) {
    const NodeId producer = integers == kNoId ? kNoId : graph_.value(integers).producer;
    if (producer == kNoId || !IsQuantize(graph_.node(producer))) return nullptr;
    const QuantPtr q = ReadQuantNode(graph_, producer);
    return q && q->per_tensor() ? q : nullptr;
  }

  // Operators on the integers themselves. The node stays and works on real numbers now.
  Result<bool> LiftMove(NodeId id) {
    const Node n = graph_.node(id);
    const bool clip = n.op.Is("Clip");
    const bool concat = n.op.Is("Concat");
    const QuantPtr q = n.inputs.empty() ? nullptr : MadeBy(n.inputs[0]);
    if (!q || (!clip && !concat && !MovesValues(n))) return false;
    std::vector<Operand> operands = {{n.inputs[0], q}};
    for (size_t i = 1; i < n.inputs.size(); ++i) {
      const ValueId in = n.inputs[i];
      if (in == kNoId || !(concat || clip || (n.op.Is("Pad") && i == 2))) {
        operands.push_back({in, nullptr});
        continue;
      }
      const QuantPtr p = concat ? MadeBy(in) : ConstantOrNull(graph_, in) != nullptr ? q : nullptr;
      if (!p || *p != *q) return false;
      operands.push_back({in, q});
    }
    for (ValueId y : n.outputs) {
      if (y != kNoId && graph_.value(y).type.dtype != q->storage)
        return false;  // MaxPool's indices
    }
    const bool fill = n.op.Is("Pad") && graph_.input(id, 2) == kNoId && q->zero_point[0] != 0 &&
                      n.attrs.String("mode", "constant") == "constant";
    if (fill) return false;  // pads with code 0, which is not real 0
    for (size_t i = 0; i < operands.size(); ++i) {
      if (!operands[i].quant) continue;
      ADZE_ASSIGN(ValueId real, Real(operands[i], id));
      if (i > 0 && !concat) {  // bounds and fills: a float constant
        ADZE_ASSIGN(real, Folded(real));
      }
      graph_.SetInput(id, static_cast<int>(i), real);
    }
    for (ValueId y : n.outputs) {
      if (y == kNoId) continue;
      graph_.SetType(y, {DType::kFloat32, graph_.value(y).type.shape, nullptr});
    }
    ADZE_TRY(InferNode(graph_, id));
    for (ValueId y : n.outputs) {
      if (y != kNoId) Quantize(y, y, *q);
    }
    return true;
  }

  // The constant that DequantizeLinear of a constant computes, in its place.
  Result<ValueId> Folded(ValueId real) {
    const NodeId id = graph_.value(real).producer;
    const Node& n = graph_.node(id);
    std::vector<Tensor> inputs;
    for (ValueId in : n.inputs) inputs.push_back(graph_.value(in).constant);
    ADZE_ASSIGN(std::vector<Tensor> y, EvaluateOp(*FindOp(n.op), n.attrs, inputs, 1));
    const ValueId constant =
        graph_.AddConstant(graph_.UniqueName(graph_.value(real).name), std::move(y[0]));
    graph_.EraseNode(id);
    return constant;
  }

  Result<bool> LiftNode(NodeId id) {
    const Node& n = graph_.node(id);
    if (n.op.Is("QLinearConv") || n.op.Is("QLinearMatMul") || n.op.Is(kMicrosoftDomain, "QGemm")) {
      return LiftCompute(id);
    }
    if (n.op.domain() == kMicrosoftDomain && n.op.name().starts_with("QLinear")) {
      return LiftOther(id);
    }
    return LiftMove(id);
  }

  Graph& graph_;
};

Result<int64_t> Run(Graph& graph, const PassContext&) { return Lifting(graph).Run(); }

}  // namespace

extern constexpr PassDef kLiftQoperatorPass = {
    .name = "lift_qoperator",
    .summary = "QLinearConv, QLinearMatMul … become float operators between Q/DQ nodes",
    .run = Run,
};

}  // namespace adze
