#include "search/diagnosis/simulation.h"

#include <algorithm>
#include <cmath>

#include "algos/fake_quant.h"
#include "numerics/rounding.h"
#include "quant/integer_form.h"

namespace adze {

Result<Simulation> Simulate(const Graph& quantized) {
  Simulation s{quantized, {}};
  Graph& g = s.graph;
  for (ValueId v = 0; v < quantized.num_values(); ++v) {
    const Value& value = quantized.value(v);
    if (value.dead || value.type.quant == nullptr) continue;
    const QuantType type = *value.type.quant;
    g.SetQuant(v, nullptr);
    if (value.is_constant()) {
      if (type.block_size != 0) {
        return Unsupported("tensor '" + value.name + "' has blocks of scales: cannot be simulated");
      }
      ADZE_ASSIGN(Tensor real, RealConstant(value));
      g.SetConstant(v, std::move(real));
      continue;
    }
    const bool inner = value.producer != kNoId && quantized.node(value.producer).parent != 0;
    if (inner || !type.per_tensor() || SizeOf(type.storage) > 2) {
      return Unsupported("tensor '" + value.name + "' is " + QuantTypeSummary(type) +
                         (inner ? " in control flow" : "") + ": that cannot be simulated");
    }
    s.rounding[v] =
        InsertFakeQuant(&g, v, FakeQuantOf({type.scale[0], type.zero_point[0]}, type.storage), "");
  }
  // Copies into another format: rounded by now where they are.
  for (const NodeId id : std::vector(g.top().nodes)) {
    if (!IsRequantize(g, id)) continue;
    g.ReplaceUses(g.node(id).outputs[0], g.input(id, 0));
    g.EraseNode(id);
  }
  return s;
}

void SetCodes(Graph* graph, NodeId fake, const Codes& codes) {
  const AffineParams p = ChooseAffineParams(static_cast<float>(codes.low),
                                            static_cast<float>(codes.high), codes.storage, false);
  const AttrMap attrs = FakeQuantAttrs(FakeQuantOf(p, codes.storage));
  for (const auto& [name, value] : attrs) graph->SetAttr(fake, name, value);
}

Codes FineCodes(const Codes& codes, const TensorRecord* seen) {
  Codes fine = codes;
  if (seen != nullptr && seen->range.samples > 0) {
    fine.low = std::min<double>(fine.low, seen->range.min);
    fine.high = std::max<double>(fine.high, seen->range.max);
  }
  fine.storage = DType::kUInt16;
  fine.step = (fine.high - fine.low) / 65535;
  return fine;
}

Status SetChannelFactors(Graph* graph, NodeId fake, std::span<const float> factors) {
  const ValueId in = graph->input(fake, 0);
  const ValueId out = graph->node(fake).outputs[0];
  const size_t rank = graph->value(in).type.shape->size();
  std::vector<int64_t> dims(rank - 1, 1);
  dims[0] = static_cast<int64_t>(factors.size());
  std::vector<float> back;
  for (const float f : factors) back.push_back(1 / f);
  const auto add = [&](ValueId x, std::span<const float> values, NodeId before) -> Result<ValueId> {
    const ValueId constant = graph->AddConstant(graph->UniqueName("what_if_factor"),
                                                Tensor::FromValues<float>(dims, values));
    const NodeId mul = graph->AddNode(OpType::Intern("", "Mul"), "", {x, constant},
                                      {graph->UniqueName("what_if_scaled")}, {}, 0, before);
    ADZE_TRY(InferNode(*graph, mul));
    return graph->node(mul).outputs[0];
  };
  const std::vector<NodeId>& order = graph->top().nodes;
  const auto at = std::find(order.begin(), order.end(), fake) + 1;
  const NodeId next = at == order.end() ? kNoId : *at;
  ADZE_ASSIGN(const ValueId divided, add(out, back, next));
  graph->ReplaceUses(out, divided);
  graph->SetInput(graph->value(divided).producer, 0, out);
  ADZE_ASSIGN(const ValueId scaled, add(in, factors, fake));
  graph->SetInput(fake, 0, scaled);
  return OkStatus();
}

void SetWeights(Graph* graph, NodeId node, const FloatWeights& weights) {
  const QuantRole& role = FindOp(graph->node(node).op)->quant;
  const auto set = [&](int i, const Tensor& tensor) {
    const ValueId old = graph->input(node, i);
    if (!tensor.defined() || old == kNoId) return;
    // Other layers may share it.
    graph->SetInput(node, i, graph->AddConstant(graph->UniqueName("what_if_constant"), tensor));
  };
  set(role.weight_input, weights.weight);
  set(role.bias_input, weights.bias);
  graph->EraseUnusedConstants();
}

IntRange WeightCodes(const Graph& graph, NodeId node) {
  const int input = FindOp(graph.node(node).op)->quant.weight_input;
  const auto& quant = graph.value(graph.input(node, input)).type.quant;
  const IntRange range = RangeOf(quant == nullptr ? DType::kInt8 : quant->storage);
  return {range.max == 127 ? -127 : range.min, range.max};
}

Tensor RoundWeight(const Graph& graph, NodeId node, const Tensor& weight,
                   std::span<const double> scales) {
  const auto axis = static_cast<size_t>(WeightAxis(graph, node));
  const IntRange codes = WeightCodes(graph, node);
  const int64_t channels = weight.dims()[axis];
  int64_t inner = 1;
  for (size_t d = axis + 1; d < weight.dims().size(); ++d) inner *= weight.dims()[d];
  const float* const x = weight.data<float>();
  const auto channel = [&](int64_t i) { return static_cast<size_t>(i / inner % channels); };
  std::vector<float> reach(static_cast<size_t>(channels), 0.0f);
  for (int64_t i = 0; i < weight.size(); ++i) {
    reach[channel(i)] = std::max(reach[channel(i)], std::abs(x[i]));
  }
  Tensor rounded = Tensor::Allocate(DType::kFloat32, weight.dims());
  for (int64_t i = 0; i < weight.size(); ++i) {
    const size_t c = channel(i);
    const float scale = scales.empty() ? std::max(reach[c], 1e-6f) / static_cast<float>(codes.max)
                                       : static_cast<float>(scales[c]);
    rounded.mutable_data<float>()[i] =
        DequantizeOne(QuantizeOne(x[i], scale, 0, static_cast<int32_t>(codes.min),
                                  static_cast<int32_t>(codes.max)),
                      scale, 0);
  }
  return rounded;
}

}  // namespace adze
