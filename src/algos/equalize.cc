#include "algos/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "passes/pass_util.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// How far above the measured maximum a channel may still be represented behind a Clip.
constexpr float kMargin = 1.2f;
// Fewer samples say too little about how far a channel reaches for that.
constexpr uint64_t kClipSamples = 32;
// The error of a rounded weight is the same at every position, so it does not average out in
// pooling and later layers as that of a rounded activation does: it counts more. Measured on
// SqueezeNet and MobileNetV2 (1, 4 and 16 tried).
constexpr double kWeightFactor = 4;
// Channel factors cost a multiplication per element in consumers that cannot fuse them: they must
// save this share of the predicted error.
constexpr double kFactorGain = 0.1;
// Beyond this a channel is as good as dead.
constexpr float kMaxScale = 1024;

bool IsOwnFloatConstant(const Graph& graph, ValueId id) {
  return id != kNoId && graph.value(id).is_constant() && graph.users(id).size() == 1 &&
         graph.value(id).constant.dtype() == DType::kFloat32;
}

// An integer Conv whose weight and bias nobody else reads.
bool IsScalableConv(const Graph& graph, const QuantizationPlan& plan, NodeId id) {
  if (id == kNoId) return false;
  const Node& n = graph.node(id);
  const NodePlan p = plan.nodes[static_cast<size_t>(id)];
  if (!n.op.Is("Conv") || p == NodePlan::kIgnore || p == NodePlan::kFloat || n.parent != 0) {
    return false;
  }
  const ValueId bias = graph.input(id, 2);
  return IsOwnFloatConstant(graph, n.inputs[1]) &&
         (bias == kNoId || IsOwnFloatConstant(graph, bias));
}

bool IsDepthwise(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  return n.attrs.Int("group", 1) > 1 && graph.value(n.inputs[1]).constant.dims()[1] == 1;
}

int64_t OutChannels(const Graph& graph, NodeId conv) {
  return graph.value(graph.node(conv).inputs[1]).constant.dims()[0];
}

// Channel factors behind an activation that nobody else reads.
bool IsFactor(const Graph& graph, const QuantizationPlan& plan, NodeId id) {
  const ValueId factor = ChannelFactor(graph, id);
  return factor != kNoId && ReadsFused(graph, id, plan.nodes) && IsOwnFloatConstant(graph, factor);
}

bool HasOneReader(const Graph& graph, ValueId id) {
  return graph.users(id).size() == 1 && !graph.IsRegionOutput(id);
}

// Follows the values of one group from its sources to its readers.
class Finder {
 public:
  Finder(const Graph& graph, const QuantizationPlan& plan, const Statistics& statistics,
         const ActivationGroup& group)
      : graph_(graph), plan_(plan), statistics_(statistics), group_(group) {}

  std::optional<Equalization> Run() {
    for (const ValueId v : group_.sources) {
      if (!AddSource(v)) return std::nullopt;
    }
    reach_.assign(ceiling_.size(), 0.0f);
    power_.assign(ceiling_.size(), 0.0);
    // Channels of the values that are moved copies.
    for (const NodeId id : graph_.top().nodes) {
      const Node& n = graph_.node(id);
      if (n.outputs.size() == 0 || n.outputs[0] == kNoId || !InGroup(n.outputs[0]) ||
          channels_.contains(n.outputs[0])) {
        continue;
      }
      std::vector<int> channels;
      if (n.op.Is("MaxPool") || (n.op.Is("Concat") && n.attrs.Int("axis", 0) == 1)) {
        for (const ValueId in : n.inputs) {
          const auto it = channels_.find(in);
          if (it == channels_.end()) return std::nullopt;
          channels.insert(channels.end(), it->second.begin(), it->second.end());
        }
      }
      if (channels.empty()) return std::nullopt;
      channels_[n.outputs[0]] = std::move(channels);
    }
    for (const ValueId v : group_.values) {
      if (!channels_.contains(v) || !AddReaders(v)) return std::nullopt;
    }
    if (found_.consumers.empty()) return std::nullopt;
    const float largest = *std::max_element(reach_.begin(), reach_.end());
    double least = PredictedError(std::vector<float>(reach_.size(), 1.0f));
    if (has_factor_) least *= 1 - kFactorGain;
    for (const float strength : {0.25f, 0.5f, 0.75f, 1.0f}) {
      std::vector<float> scale;
      for (size_t i = 0; i < reach_.size(); ++i) {
        scale.push_back(1);
        if (!(reach_[i] > 0)) continue;
        const float wanted = std::pow(largest / reach_[i], strength);
        const float allowed = ceiling_[i] / (kMargin * reach_[i]);
        scale[i] = std::clamp(std::min(wanted, allowed), 1.0f, kMaxScale);
      }
      const double error = PredictedError(scale);
      if (!(error < least)) continue;
      least = error;
      found_.scale = std::move(scale);
    }
    return found_.scale.empty() ? std::nullopt : std::optional(std::move(found_));
  }

 private:
  // Error power of the consumers' outputs per position, up to a factor: that of rounding the
  // tensor, with one step for all channels, and that of rounding the consumers' weights, with one
  // step per output channel.
  double PredictedError(const std::vector<float>& scale) const {
    double range = 0;
    for (size_t i = 0; i < scale.size(); ++i) {
      range = std::max(range, static_cast<double>(reach_[i]) * scale[i]);
    }
    const IntRange codes = RangeOf(group_.storage);
    const double step = range / static_cast<double>(codes.max - codes.min);
    double total = 0;
    for (const Equalization::Use& use : found_.consumers) {
      const Tensor& weight = graph_.value(graph_.node(use.node).inputs[1]).constant;
      const int64_t out = weight.dims()[0];
      const int64_t in = weight.dims()[1];
      const int64_t taps = weight.size() / (out * in);
      const int64_t per_input = out / static_cast<int64_t>(use.channels.size());
      const bool depthwise = IsDepthwise(graph_, use.node);
      const auto weight_use = std::find_if(plan_.weights.begin(), plan_.weights.end(),
                                           [&](const WeightUse& u) { return u.node == use.node; });
      const auto largest_code = static_cast<double>(RangeOf(weight_use->storage).max);
      const float* w = weight.data<float>();
      for (int64_t o = 0; o < out; ++o) {
        double largest = 0;
        double power = 0;  // of the row's inputs
        for (int64_t c = 0; c < in; ++c) {
          const size_t i =
              static_cast<size_t>(use.channels[static_cast<size_t>(depthwise ? o / per_input : c)]);
          for (int64_t k = 0; k < taps; ++k, ++w) {
            const double scaled = static_cast<double>(*w) / scale[i];
            largest = std::max(largest, std::abs(scaled));
            total += scaled * scaled * step * step;
          }
          power += static_cast<double>(taps) * power_[i] * scale[i] * scale[i];
        }
        const double weight_step = largest / largest_code;
        total += kWeightFactor * weight_step * weight_step * power;
      }
    }
    return total;
  }

  bool InGroup(ValueId v) const {
    return std::find(group_.values.begin(), group_.values.end(), v) != group_.values.end();
  }

  bool AddSource(ValueId v) {
    NodeId producer = graph_.value(v).producer;
    if (producer == kNoId) return false;
    float ceiling = std::numeric_limits<float>::infinity();
    int64_t channels = 0;
    if (IsFactor(graph_, plan_, producer)) {
      has_factor_ = true;
      channels = graph_.value(ChannelFactor(graph_, producer)).constant.size();
    } else if (const std::optional<Bounds> clamp = ClampBounds(graph_, producer)) {
      const ValueId before = graph_.node(producer).inputs[0];
      if (clamp->lo != 0 || !(clamp->hi > 0) || !HasOneReader(graph_, before)) return false;
      if (std::isfinite(clamp->hi) && statistics_.samples < kClipSamples) return false;
      ceiling = clamp->hi;
      producer = graph_.value(before).producer;
    }
    if (channels == 0) {
      if (!IsScalableConv(graph_, plan_, producer)) return false;
      channels = OutChannels(graph_, producer);
    }
    Equalization::Use use{producer, {}};
    for (int64_t c = 0; c < channels; ++c) {
      use.channels.push_back(static_cast<int>(ceiling_.size()));
      ceiling_.push_back(ceiling);
    }
    channels_[v] = use.channels;
    found_.producers.push_back(std::move(use));
    return true;
  }

  // What reads `v`: convolutions whose weights can be scaled, and movement inside the group.
  bool AddReaders(ValueId v) {
    if (graph_.IsRegionOutput(v)) return false;
    for (const NodeId user : graph_.users(v)) {
      const std::vector<ValueId>& outputs = graph_.node(user).outputs;
      if (!outputs.empty() && outputs[0] != kNoId && InGroup(outputs[0])) continue;
      if (!IsScalableConv(graph_, plan_, user) || graph_.input(user, 0) != v ||
          (graph_.node(user).attrs.Int("group", 1) != 1 && !IsDepthwise(graph_, user))) {
        return false;
      }
      const auto record = statistics_.tensors.find(EncodingName(graph_, v));
      const std::vector<int>& channels = channels_.at(v);
      if (record == statistics_.tensors.end() ||
          record->second.channel.channels.size() != channels.size()) {
        return false;
      }
      for (size_t c = 0; c < channels.size(); ++c) {
        const ChannelRecord::Channel& seen = record->second.channel.channels[c];
        float& reach = reach_[static_cast<size_t>(channels[c])];
        reach = std::max({reach, std::abs(seen.min), std::abs(seen.max)});
        if (seen.count > 0) {
          power_[static_cast<size_t>(channels[c])] =
              seen.sum_squares.Finish() / static_cast<double>(seen.count);
        }
      }
      found_.consumers.push_back({user, channels});
    }
    return true;
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const Statistics& statistics_;
  const ActivationGroup& group_;
  std::map<ValueId, std::vector<int>> channels_;
  std::vector<float> ceiling_;  // per index: the bound of the Clip behind the producer
  std::vector<float> reach_;    // per index: the largest magnitude seen
  std::vector<double> power_;   // per index: the mean square
  bool has_factor_ = false;
  Equalization found_;
};

// Multiplies each slice [o, c] of a weight [out][in][...] by factor(o, c).
template <class Factor>
void ScaleWeight(Graph* graph, ValueId id, const Factor& factor) {
  const Tensor& old = graph->value(id).constant;
  const std::vector<int64_t>& dims = old.dims();
  const int64_t in = dims.size() > 1 ? dims[1] : 1;
  const int64_t taps = old.size() / (dims[0] * in);
  Tensor scaled = Tensor::Allocate(DType::kFloat32, dims);
  const float* x = old.data<float>();
  float* y = scaled.mutable_data<float>();
  for (int64_t o = 0; o < dims[0]; ++o) {
    for (int64_t c = 0; c < in; ++c) {
      const float f = factor(o, c);
      for (int64_t k = 0; k < taps; ++k) *y++ = *x++ * f;
    }
  }
  graph->SetConstant(id, std::move(scaled));
}

}  // namespace

std::vector<ValueId> EqualizationInputs(const Graph& graph, const QuantizationPlan& plan) {
  std::vector<ValueId> inputs;
  for (const WeightUse& use : plan.weights) {
    const ValueId x = graph.node(use.node).inputs[0];
    if (IsScalableConv(graph, plan, use.node) &&
        std::find(inputs.begin(), inputs.end(), x) == inputs.end()) {
      inputs.push_back(x);
    }
  }
  return inputs;
}

std::vector<ValueId> ChannelFactorPlaces(const Graph& graph, const QuantizationPlan& plan) {
  std::vector<ValueId> places;
  for (const NodeId id : graph.top().nodes) {
    const Node& n = graph.node(id);
    if (plan.nodes[static_cast<size_t>(id)] != NodePlan::kInteger ||
        !ReadsFused(graph, id, plan.nodes) || n.op.Is("Relu") || n.op.Is("Clip") ||
        n.op.Is("Mul")) {
      continue;
    }
    const auto& shape = graph.value(n.outputs[0]).type.shape;
    const bool behind_conv = graph.producer(n.inputs[0])->op.Is("Conv");
    if (behind_conv && shape && shape->size() >= 3 && (*shape)[1].is_const())
      places.push_back(n.outputs[0]);
  }
  return places;
}

Status InsertChannelFactors(Graph* graph, std::span<const ValueId> places) {
  for (const ValueId x : places) {
    const Value& v = graph->value(x);
    const NodeId activation = v.producer;
    const std::vector<NodeId>& order = graph->top().nodes;
    const auto at = std::find(order.begin(), order.end(), activation) + 1;
    std::vector<int64_t> dims(v.type.shape->size() - 1, 1);
    dims[0] = (*v.type.shape)[1].value();
    const std::vector<float> ones(static_cast<size_t>(dims[0]), 1.0f);
    const std::string name = v.name;
    const ValueId factor = graph->AddConstant(graph->UniqueName(name + "_factor"),
                                              Tensor::FromValues<float>(dims, ones));
    const NodeId mul = graph->AddNode(OpType::Intern("", "Mul"), "", {x, factor},
                                      {graph->UniqueName(ChannelFactorName(name))}, {}, 0,
                                      at == order.end() ? kNoId : *at);
    ADZE_TRY(InferNode(*graph, mul));
    graph->ReplaceUses(x, graph->node(mul).outputs[0]);
    graph->SetInput(mul, 0, x);
  }
  return OkStatus();
}

std::string ChannelFactorName(const std::string& place) { return place + "_scaled"; }

std::vector<Equalization> FindEqualizations(const Graph& graph, const QuantizationPlan& plan,
                                            const Statistics& statistics) {
  std::vector<Equalization> found;
  for (const ActivationGroup& group : plan.groups) {
    if (auto e = Finder(graph, plan, statistics, group).Run()) found.push_back(std::move(*e));
  }
  return found;
}

void Equalize(const Equalization& e, Graph* graph) {
  for (const Equalization::Use& use : e.producers) {
    const auto up = [&](int64_t o, int64_t) {
      return e.scale[static_cast<size_t>(use.channels[static_cast<size_t>(o)])];
    };
    if (const ValueId factor = ChannelFactor(*graph, use.node); factor != kNoId) {
      // [C, 1, 1] with or without the 1 of the batch: one factor after the other.
      const Tensor& old = graph->value(factor).constant;
      Tensor scaled = Tensor::Allocate(DType::kFloat32, old.dims());
      for (int64_t c = 0; c < old.size(); ++c) {
        scaled.mutable_data<float>()[c] = old.data<float>()[c] * up(c, 0);
      }
      graph->SetConstant(factor, std::move(scaled));
      continue;
    }
    ScaleWeight(graph, graph->node(use.node).inputs[1], up);
    if (const ValueId bias = graph->input(use.node, 2); bias != kNoId) {
      ScaleWeight(graph, bias, up);
    }
  }
  for (const Equalization::Use& use : e.consumers) {
    const bool depthwise = IsDepthwise(*graph, use.node);
    // A depthwise weight has one or more output channels per input channel, in order.
    const int64_t per_input =
        OutChannels(*graph, use.node) / static_cast<int64_t>(use.channels.size());
    ScaleWeight(graph, graph->node(use.node).inputs[1], [&](int64_t o, int64_t c) {
      const int64_t channel = depthwise ? o / per_input : c;
      return 1 / e.scale[static_cast<size_t>(use.channels[static_cast<size_t>(channel)])];
    });
  }
}

}  // namespace adze
