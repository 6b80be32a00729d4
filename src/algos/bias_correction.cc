#include "algos/bias_correction.h"

#include <algorithm>
#include <cmath>

#include "lower/lower.h"
#include "numerics/rounding.h"
#include "ops/op_util.h"
#include "runtime/executor.h"

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

// For every tap of a Conv's window, the share of output positions where it lies on the image; 1
// where the sizes are not known, and for Gemm.
std::vector<double> InsideShares(const Graph& graph, const Node& n) {
  const std::vector<int64_t>& wd = graph.value(n.inputs[1]).constant.dims();
  std::vector<double> shares = {1.0};
  if (!n.op.Is("Conv")) return shares;
  const auto& shape = graph.value(n.inputs[0]).type.shape;
  const auto g = shape ? ReadWindow(n.attrs, *shape, std::span(wd).subspan(2))
                       : Result<WindowGeometry>(InternalError("no shape"));
  for (size_t axis = 2; axis < wd.size(); ++axis) {
    std::vector<double> along(static_cast<size_t>(wd[axis]), 1.0);
    if (g.ok() && (*shape)[axis].is_const()) {
      const size_t i = axis - 2;
      const int64_t in = (*shape)[axis].value();
      const int64_t out = WindowOutput(*g, static_cast<int>(i), in, false).value();
      for (size_t k = 0; k < along.size(); ++k) {
        int64_t inside = 0;
        for (int64_t o = 0; o < out; ++o) {
          const int64_t x =
              o * g->stride[i] - g->pad_begin[i] + static_cast<int64_t>(k) * g->dilation[i];
          inside += x >= 0 && x < in;
        }
        along[k] = out > 0 ? static_cast<double>(inside) / static_cast<double>(out) : 1.0;
      }
    }
    std::vector<double> product;
    for (const double a : shares) {
      for (const double b : along) product.push_back(a * b);
    }
    shares = std::move(product);
  }
  return shares;
}

}  // namespace

bool HasPlainBias(const Graph& graph, NodeId node, int64_t channels) {
  const ValueId bias = graph.input(node, 2);
  if (bias == kNoId) return true;
  const Value& v = graph.value(bias);
  return v.is_constant() && v.constant.size() == channels && v.constant.dtype() == DType::kFloat32;
}

void SubtractFromBias(Graph* graph, NodeId node, std::span<const double> shift) {
  const ValueId bias = graph->input(node, 2);
  Tensor b = Tensor::Allocate(DType::kFloat32, {static_cast<int64_t>(shift.size())});
  for (size_t o = 0; o < shift.size(); ++o) {
    const double old = bias == kNoId ? 0.0 : graph->value(bias).constant.data<float>()[o];
    b.mutable_data<float>()[o] = static_cast<float>(old - shift[o]);
  }
  constexpr std::string_view kSuffix = "_corrected";
  if (bias != kNoId && graph->users(bias).size() == 1 && !graph->IsRegionOutput(bias) &&
      graph->value(bias).name.ends_with(kSuffix)) {
    graph->SetConstant(bias, std::move(b));
    return;
  }
  // A new constant: the old one may serve other nodes.
  const std::string name = bias == kNoId ? graph->value(graph->node(node).inputs[1]).name + "_bias"
                                         : graph->value(bias).name + std::string(kSuffix);
  graph->SetInput(node, 2, graph->AddConstant(graph->UniqueName(name), std::move(b)));
}

std::vector<double> OutputShift(std::span<const float> weight, int64_t out, int64_t in_per_group,
                                int64_t groups, std::span<const float> scale,
                                std::span<const double> mean, std::span<const double> inside) {
  std::vector<double> shift(static_cast<size_t>(out), 0.0);
  size_t i = 0;
  for (int64_t o = 0; o < out; ++o) {
    const float s = scale[static_cast<size_t>(o)];
    const int64_t first = o / (out / groups) * in_per_group;
    for (int64_t c = 0; c < in_per_group; ++c) {
      double error = 0;
      for (const double share : inside) {
        const int32_t code = QuantizeOne(weight[i], s, 0, -127, 127);
        error += share * (static_cast<double>(DequantizeOne(code, s, 0)) - weight[i]);
        ++i;
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
    if (static_cast<int64_t>(means.size()) != dims[1] * groups ||
        encoding == weights.tensors.end() || !HasPlainBias(*graph, use.node, dims[0])) {
      continue;
    }
    const std::vector<double> shift =
        OutputShift(w.constant.values<float>(), dims[0], dims[1], groups,
                    encoding->second.type.scale, means, InsideShares(*graph, n));
    SubtractFromBias(graph, use.node, shift);
    ++corrected;
  }
  graph->EraseUnusedConstants();
  return corrected;
}

Result<int64_t> CorrectResults(const Graph& graph, const Graph& quantized,
                               const QuantizationPlan& plan, const Dataset& dataset,
                               const std::string& split, int64_t samples, Isa isa, ThreadPool* pool,
                               Graph* adjusted) {
  std::vector<NodeId> nodes;
  std::vector<ValueId> results;
  std::vector<std::vector<double>> sums;  // of quantized - float, per output channel
  for (const WeightUse& use : plan.weights) {
    const Node& n = graph.node(use.node);
    if (plan.nodes[static_cast<size_t>(use.node)] != NodePlan::kFloatResult ||
        !(n.op.Is("Conv") || n.op.Is("Gemm"))) {
      continue;
    }
    const int64_t channels = graph.value(use.weight).constant.dims()[static_cast<size_t>(use.axis)];
    if (!HasPlainBias(*adjusted, use.node, channels)) continue;
    nodes.push_back(use.node);
    results.push_back(n.outputs[0]);
    sums.emplace_back(static_cast<size_t>(channels), 0.0);
  }
  if (nodes.empty()) return 0;
  ADZE_ASSIGN(SampleReader reader, SampleReader::Create(graph, dataset, split, samples, pool));
  ADZE_ASSIGN(const LoweredPlan real, Lower(graph, {isa, results}));
  ADZE_ASSIGN(const LoweredPlan integer, Lower(quantized, {isa, results}));
  Executor real_run(real.plan, pool);
  Executor integer_run(integer.plan, pool);
  std::vector<double> counts(nodes.size(), 0.0);
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    ADZE_TRY(real_run.Run(inputs));
    ADZE_TRY(integer_run.Run(inputs));
    for (size_t k = 0; k < nodes.size(); ++k) {
      const Tensor x = real_run.ReadFloat(real.taps[k]);
      const Tensor y = integer_run.ReadFloat(integer.taps[k]);
      const size_t channels = sums[k].size();
      const size_t inner =
          x.rank() < 3 ? 1 : static_cast<size_t>(x.size() / (x.dims()[0] * x.dims()[1]));
      for (size_t i = 0; i < static_cast<size_t>(x.size()); ++i) {
        sums[k][i / inner % channels] +=
            static_cast<double>(y.data<float>()[i]) - x.data<float>()[i];
      }
      counts[k] += static_cast<double>(x.size()) / static_cast<double>(channels);
    }
  }
  int64_t corrected = 0;
  for (size_t k = 0; k < nodes.size(); ++k) {
    if (counts[k] == 0) continue;
    for (double& s : sums[k]) s /= counts[k];
    SubtractFromBias(adjusted, nodes[k], sums[k]);
    ++corrected;
  }
  adjusted->EraseUnusedConstants();
  return corrected;
}

}  // namespace adze
