#include "search/diagnosis/layer_match.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "quant/integer_form.h"

namespace adze {
namespace {

// Mean square of the difference in steps: 1/12 where every weight is rounded to the nearest code,
// 1/3 where it may go either way, and something for float rounding.
constexpr double kSameSquare = 0.5;
constexpr int kRounds = 12;

template <class Visit>
void ForEach(const WeightLayout& l, const Visit& visit) {
  for (int64_t o = 0; o < l.out; ++o) {
    for (int64_t i = 0; i < l.in; ++i) {
      for (int64_t k = 0; k < l.taps; ++k) {
        visit(static_cast<size_t>(o), static_cast<size_t>(i),
              static_cast<size_t>(o * l.out_stride + i * l.in_stride + k));
      }
    }
  }
}

WeightLayout LayoutOf(const Graph& g, NodeId node, const std::vector<int64_t>& dims) {
  WeightLayout l;
  const int axis = WeightAxis(g, node);
  const int64_t size = NumElements(dims);
  l.out = dims[static_cast<size_t>(axis)];
  if (axis == 1) {  // a matrix [in][out]
    l.in = dims[0];
    l.in_stride = l.out;
    return l;
  }
  l.in = dims[1];
  l.taps = size / std::max<int64_t>(l.out * l.in, 1);
  l.out_stride = l.in * l.taps;
  l.in_stride = l.taps;
  l.in_factors = g.node(node).attrs.Int("group", 1) == 1;
  return l;
}

int BiasInput(const Graph& g, NodeId node) { return FindOp(g.node(node).op)->quant.bias_input; }
ValueId WeightOf(const Graph& g, NodeId node) {
  return g.input(node, FindOp(g.node(node).op)->quant.weight_input);
}

}  // namespace

NodeId ComputeNode(const Graph& graph, ValueId v) {
  while (true) {
    const NodeId id = graph.value(v).producer;
    if (id == kNoId) return kNoId;
    const Node& n = graph.node(id);
    const OpDef* const def = FindOp(n.op);
    if (def == nullptr) return kNoId;
    if (def->quant.kind == QuantKind::kCompute) {
      const ValueId weight = WeightOf(graph, id);
      return weight != kNoId && graph.value(weight).is_constant() ? id : kNoId;
    }
    ValueId in = kNoId;
    for (const ValueId x : n.inputs) {
      if (x == kNoId || graph.value(x).is_constant()) continue;
      if (in != kNoId && in != x) return kNoId;
      in = x;
    }
    if (in == kNoId || graph.value(in).type.quant != nullptr) return kNoId;
    v = in;
  }
}

ValueId RoundedValue(const Graph& graph, ValueId v) {
  const NodeId id = graph.value(v).producer;
  if (id == kNoId || !IsRequantize(graph, id) || graph.value(v).type.quant != nullptr) return v;
  return graph.node(id).inputs[0];
}

NodeId SameLayer(const Graph& reference, const Graph& quantized, NodeId node) {
  const ValueId result = quantized.node(node).outputs[0];
  const Value& v = quantized.value(result);
  ValueId found = reference.FindValue(v.name);
  for (size_t i = 0; found == kNoId && i < v.origins.size(); ++i) {
    found = reference.FindValue(v.origins[i]);
  }
  // The integers behind a graph output have another name.
  if (found == kNoId) found = reference.FindValue(EncodingName(quantized, result));
  return found == kNoId ? kNoId : ComputeNode(reference, found);
}

Result<Tensor> RealConstant(const Value& value) {
  const QuantType* const q = value.type.quant.get();
  if (q == nullptr) return value.constant;
  const std::vector<int64_t> dims =
      q->per_tensor() ? std::vector<int64_t>{} : std::vector{static_cast<int64_t>(q->scale.size())};
  std::vector<Tensor> inputs = {value.constant, Tensor::FromValues<float>(dims, q->scale)};
  // Biases of 32 bits have none, and DequantizeLinear takes none.
  Tensor zero_point = Tensor::Allocate(q->storage, dims);
  if (q->storage != DType::kInt32) {
    for (size_t c = 0; c < q->zero_point.size(); ++c) {
      std::memcpy(static_cast<char*>(zero_point.mutable_raw()) + c * SizeOf(q->storage),
                  &q->zero_point[c], SizeOf(q->storage));
    }
    inputs.push_back(zero_point);
  }
  const AttrMap attrs = {{"axis", int64_t{std::max(q->axis, 0)}}};
  ADZE_ASSIGN(std::vector<Tensor> real,
              EvaluateOp(*FindOp(OpType::Intern("", "DequantizeLinear")), attrs, inputs, 1));
  return real[0];
}

std::optional<WeightFactors> MatchWeights(std::span<const float> real,
                                          std::span<const float> rounded,
                                          std::span<const double> steps,
                                          const WeightLayout& layout) {
  WeightFactors f{std::vector<double>(static_cast<size_t>(layout.out), 1.0),
                  std::vector<double>(static_cast<size_t>(layout.in), 1.0)};
  const auto fits = [&] {
    double sum = 0;
    ForEach(layout, [&](size_t o, size_t i, size_t at) {
      const double error = (rounded[at] - f.out[o] * f.in[i] * real[at]) / steps[o];
      sum += error * error;
    });
    return sum <= kSameSquare * static_cast<double>(real.size());
  };
  if (fits()) return f;
  // Alternating least squares, errors in steps.
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> up(f.out.size(), 0), down(f.out.size(), 0);
    ForEach(layout, [&](size_t o, size_t i, size_t at) {
      const double x = f.in[i] * real[at];
      up[o] += rounded[at] * x;
      down[o] += x * x;
    });
    for (size_t o = 0; o < up.size(); ++o) f.out[o] = down[o] > 0 ? up[o] / down[o] : 1.0;
    if (!layout.in_factors) break;
    up.assign(f.in.size(), 0);
    down.assign(f.in.size(), 0);
    ForEach(layout, [&](size_t o, size_t i, size_t at) {
      const double x = f.out[o] * real[at] / steps[o];
      up[i] += rounded[at] / steps[o] * x;
      down[i] += x * x;
    });
    for (size_t i = 0; i < up.size(); ++i) f.in[i] = down[i] > 0 ? up[i] / down[i] : 1.0;
  }
  const auto positive = [](const std::vector<double>& v) {
    return std::all_of(v.begin(), v.end(), [](double x) { return x > 0; });
  };
  if (!positive(f.out) || !positive(f.in) || !fits()) return std::nullopt;
  return f;
}

std::optional<FloatWeights> UnroundedWeights(const Graph& reference, const Graph& quantized,
                                             NodeId node) {
  const NodeId same = SameLayer(reference, quantized, node);
  if (same == kNoId || reference.node(same).op != quantized.node(node).op) return std::nullopt;
  const Value& w = quantized.value(WeightOf(quantized, node));
  const Tensor& real = reference.value(WeightOf(reference, same)).constant;
  if (w.constant.dims() != real.dims() || real.dtype() != DType::kFloat32 || real.rank() < 2 ||
      real.size() == 0 || WeightAxis(reference, same) != WeightAxis(quantized, node)) {
    return std::nullopt;
  }
  const WeightLayout layout = LayoutOf(quantized, node, real.dims());
  const Result<Tensor> rounded = RealConstant(w);
  if (!rounded.ok()) return std::nullopt;
  // One step per output channel; of weights that are not rounded per channel the largest.
  std::vector<double> steps(static_cast<size_t>(layout.out), 1e-30);
  if (const QuantType* const q = w.type.quant.get(); q != nullptr) {
    const bool by_channel = q->axis == WeightAxis(quantized, node);
    for (size_t o = 0; o < steps.size(); ++o) {
      steps[o] = by_channel ? q->scale[o] : *std::max_element(q->scale.begin(), q->scale.end());
    }
  }
  const auto factors = MatchWeights(real.values<float>(), rounded->values<float>(), steps, layout);
  if (!factors) return std::nullopt;
  FloatWeights out;
  const auto is_one = [](double f) { return f == 1.0; };
  out.scaled = !std::all_of(factors->out.begin(), factors->out.end(), is_one) ||
               !std::all_of(factors->in.begin(), factors->in.end(), is_one);
  out.weight = Tensor::Allocate(DType::kFloat32, real.dims());
  ForEach(layout, [&](size_t o, size_t i, size_t at) {
    out.weight.mutable_data<float>()[at] =
        static_cast<float>(factors->out[o] * factors->in[i] * real.data<float>()[at]);
  });
  const ValueId now = quantized.input(node, BiasInput(quantized, node));
  const ValueId then = reference.input(same, BiasInput(reference, same));
  if (now == kNoId) return out;
  const Tensor& bias = quantized.value(now).constant;
  if (!bias.defined() || bias.size() != layout.out) return out;
  Tensor real_bias = Tensor::Allocate(DType::kFloat32, bias.dims());
  if (then != kNoId) {
    const Tensor& b = reference.value(then).constant;
    if (b.dtype() != DType::kFloat32 || (b.size() != layout.out && b.size() != 1)) return out;
    for (int64_t o = 0; o < layout.out; ++o) {
      real_bias.mutable_data<float>()[o] = static_cast<float>(
          factors->out[static_cast<size_t>(o)] * b.data<float>()[b.size() == 1 ? 0 : o]);
    }
  }
  out.bias = std::move(real_bias);
  return out;
}

}  // namespace adze
