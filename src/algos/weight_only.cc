#include "algos/weight_only.h"

#include <algorithm>

#include "algos/layer_reconstruction.h"
#include "algos/weight_grid.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

bool IsLayer(const Graph& graph, NodeId id) {
  const OpDef* const def = FindOp(graph.node(id).op);
  return def != nullptr && def->quant.kind == QuantKind::kCompute;
}

// Every multiply-accumulate with a constant float weight that is to be quantized.
std::vector<WeightUse> Uses(const Graph& graph, const WeightOnlySettings& settings,
                            std::vector<FloatNode>* left) {
  std::vector<WeightUse> uses;
  for (const NodeId id : graph.top().nodes) {
    if (!IsLayer(graph, id)) continue;
    const std::string& name = graph.value(graph.node(id).outputs[0]).name;
    const ValueId weight = graph.input(id, FindOp(graph.node(id).op)->quant.weight_input);
    if (settings.keep_float.contains(name)) {
      left->push_back(DescribeFloatNode(graph, id, "it is to stay float"));
    } else if (weight == kNoId || !graph.value(weight).is_constant() ||
               graph.value(weight).type.dtype != DType::kFloat32 ||
               graph.value(weight).constant.size() == 0) {
      left->push_back(
          DescribeFloatNode(graph, id, "it multiplies by what is no constant of float32"));
    } else if (graph.value(weight).constant.rank() < 2 ||
               (!graph.node(id).op.Is("Conv") && graph.value(weight).constant.rank() != 2)) {
      left->push_back(
          DescribeFloatNode(graph, id, "its weight is neither a matrix nor a kernel of a Conv"));
    } else {
      const bool int8 = settings.keep_int8.contains(name);
      uses.push_back(
          {id, weight, WeightAxis(graph, id), int8 ? DType::kInt8 : settings.format->storage});
    }
  }
  return uses;
}

// Layers that are kept do not share weights with others: they get their own.
void PartKeptLayers(const WeightOnlySettings& settings, Graph* graph) {
  for (const NodeId id : std::vector(graph->top().nodes)) {
    if (!IsLayer(*graph, id)) continue;
    const std::string& name = graph->value(graph->node(id).outputs[0]).name;
    if (!settings.keep_float.contains(name) && !settings.keep_int8.contains(name)) continue;
    const int i = FindOp(graph->node(id).op)->quant.weight_input;
    const ValueId weight = graph->input(id, i);
    if (weight == kNoId || graph->users(weight).size() < 2) continue;
    const Value& w = graph->value(weight);
    if (!w.is_constant()) continue;
    const ValueId own = graph->AddConstant(graph->UniqueName(w.name + "_kept"), w.constant);
    graph->SetInput(id, i, own);
  }
}

}  // namespace

Result<WeightOnlyResult> QuantizeWeights(const Graph& given, const Dataset* dataset,
                                         const WeightOnlySettings& settings, ThreadPool* pool) {
  Graph graph = given;
  PartKeptLayers(settings, &graph);
  const NumberFormat& format = *settings.format;
  WeightOnlyResult result;
  QuantizationPlan plan;
  plan.weights = Uses(graph, settings, &result.float_layers);
  if (plan.weights.empty()) {
    return Unsupported(
        "no convolution or matrix product is left with a constant matrix or kernel to quantize" +
        (result.float_layers.empty()
             ? std::string()
             : ": " + result.float_layers[0].node + ": " + result.float_layers[0].reason));
  }
  const int64_t block = settings.block_size.value_or(format.block_size);
  NumberFormat kept = *FindNumberFormat("int8");
  if (format.scale == ScaleFormat::kPowerOfTwo) kept.scale = format.scale;
  for (const WeightUse& use : plan.weights) {
    const Value& w = graph.value(use.weight);
    if (result.encodings.tensors.contains(w.name)) continue;
    const bool int8 =
        settings.keep_int8.contains(graph.value(graph.node(use.node).outputs[0]).name);
    ADZE_ASSIGN(result.encodings.tensors[w.name],
                StoredWeightEncoding(graph, use, int8 ? kept : format, int8 ? 0 : block, pool));
  }
  result.adjusted = graph;
  if (dataset != nullptr && settings.reconstruct) {
    RoundingSettings rounding;
    rounding.split = settings.split;
    rounding.samples = settings.samples;
    rounding.correct_bias = settings.bias_correction;
    rounding.scales = format.scale;
    rounding.isa = settings.isa;
    rounding.progress = settings.progress;
    ADZE_ASSIGN(const int64_t available, dataset->NumSamples(settings.split));
    result.samples = std::min(available, settings.samples);
    ADZE_ASSIGN(result.reconstructed,
                ReconstructLayers(graph, plan, *dataset, rounding, Rebuild(), pool, graph,
                                  &result.adjusted, &result.encodings));
  }
  result.graph = result.adjusted;
  result.encodings.graph_hash = GraphHash(result.adjusted);
  ADZE_TRY(ApplyEncodings(result.graph, result.encodings));
  result.layers = static_cast<int64_t>(plan.weights.size());
  double all = 0;
  double quantized = 0;
  double bits = 0;
  std::set<ValueId> counted;
  for (const NodeId id : graph.top().nodes) {
    if (!IsLayer(graph, id)) continue;
    const ValueId weight = graph.input(id, FindOp(graph.node(id).op)->quant.weight_input);
    if (weight == kNoId || !graph.value(weight).is_constant() || !counted.insert(weight).second) {
      continue;
    }
    const Value& w = graph.value(weight);
    const auto size = static_cast<double>(w.constant.size());
    all += size;
    const auto it = result.encodings.tensors.find(w.name);
    if (it == result.encodings.tensors.end()) continue;
    const QuantType& q = it->second.type;
    const bool plain = q.storage == DType::kInt8 && q.block_size == 0;
    quantized += size;
    bits += size * (plain ? 8 : format.bits) +
            static_cast<double>(q.scale.size()) * (plain ? 32 : format.scale_bits());
    if (format.learned) bits += 32.0 * static_cast<double>(q.codebook.size());
  }
  result.share = all > 0 ? quantized / all : 0;
  result.bits_per_weight = quantized > 0 ? bits / quantized : 0;
  return result;
}

}  // namespace adze
