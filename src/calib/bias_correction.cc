#include "calib/bias_correction.h"

#include <algorithm>
#include <cmath>

#include "numerics/rounding.h"

namespace adze {
namespace {

bool CanCorrect(const Node& n) {
  return n.op.Is("Conv") ||
         (n.op.Is("Gemm") && n.attrs.Int("transB", 0) == 1 && n.attrs.Int("transA", 0) == 0);
}

// E[x_c]; empty without records.
std::vector<double> Means(const Statistics& statistics, const std::string& name) {
  std::vector<double> means;
  const auto it = statistics.tensors.find(name);
  if (it == statistics.tensors.end()) return means;
  for (const ChannelRecord::Channel& c : it->second.channel.channels) {
    means.push_back(c.count == 0 ? 0.0 : c.sum.Finish() / static_cast<double>(c.count));
  }
  return means;
}

}  // namespace

std::vector<double> OutputShift(std::span<const float> weight, int64_t out, int64_t in_per_group,
                                int64_t taps, int64_t groups, std::span<const float> scale,
                                std::span<const double> mean) {
  std::vector<double> shift(static_cast<size_t>(out), 0.0);
  size_t i = 0;
  for (int64_t o = 0; o < out; ++o) {
    const float s = scale[static_cast<size_t>(o)];
    const int64_t first = o / (out / groups) * in_per_group;
    for (int64_t c = 0; c < in_per_group; ++c) {
      double error = 0;
      for (int64_t k = 0; k < taps; ++k, ++i) {
        const int32_t code = QuantizeOne(weight[i], s, 0, -127, 127);
        error += static_cast<double>(DequantizeOne(code, s, 0)) - weight[i];
      }
      shift[static_cast<size_t>(o)] += error * mean[static_cast<size_t>(first + c)];
    }
  }
  return shift;
}

std::vector<ValueId> BiasCorrectionInputs(const Graph& graph, const QuantizationPlan& plan) {
  std::vector<ValueId> inputs;
  for (const WeightUse& use : plan.weights) {
    const Node& n = graph.node(use.node);
    if (!CanCorrect(n)) continue;
    const ValueId x = CanonicalValue(graph, n.inputs[0]);
    if (std::find(inputs.begin(), inputs.end(), x) == inputs.end()) inputs.push_back(x);
  }
  return inputs;
}

int64_t CorrectBiases(Graph* graph, const QuantizationPlan& plan, const Encodings& weights,
                      const Statistics& statistics) {
  int64_t corrected = 0;
  for (const WeightUse& use : plan.weights) {
    const Node n = graph->node(use.node);
    if (!CanCorrect(n)) continue;
    const Value& w = graph->value(use.weight);
    const std::vector<int64_t>& dims = w.constant.dims();
    const int64_t groups = n.attrs.Int("group", 1);
    const std::vector<double> means =
        Means(statistics, EncodingName(*graph, CanonicalValue(*graph, n.inputs[0])));
    const auto encoding = weights.tensors.find(w.name);
    const ValueId bias = graph->input(use.node, 2);
    if (static_cast<int64_t>(means.size()) != dims[1] * groups ||
        encoding == weights.tensors.end() ||
        (bias != kNoId &&
         (!graph->value(bias).is_constant() || graph->value(bias).constant.size() != dims[0] ||
          graph->value(bias).constant.dtype() != DType::kFloat32))) {
      continue;
    }
    int64_t taps = 1;
    for (size_t i = 2; i < dims.size(); ++i) taps *= dims[i];
    const std::vector<double> shift = OutputShift(w.constant.values<float>(), dims[0], dims[1],
                                                  taps, groups, encoding->second.type.scale, means);
    Tensor b = Tensor::Allocate(DType::kFloat32, {dims[0]});
    for (int64_t o = 0; o < dims[0]; ++o) {
      const double old = bias == kNoId ? 0.0 : graph->value(bias).constant.data<float>()[o];
      b.mutable_data<float>()[o] = static_cast<float>(old - shift[static_cast<size_t>(o)]);
    }
    // A new constant: the old one may serve other nodes.
    const std::string name =
        bias == kNoId ? w.name + "_bias" : graph->value(bias).name + "_corrected";
    graph->SetInput(use.node, 2, graph->AddConstant(graph->UniqueName(name), std::move(b)));
    ++corrected;
  }
  graph->EraseUnusedConstants();
  return corrected;
}

}  // namespace adze
