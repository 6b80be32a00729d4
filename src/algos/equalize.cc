#include "algos/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "passes/pass_util.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// How far above the measured maximum a channel may still be represented behind a Clip.
constexpr float kMargin = 1.05f;
// Beyond this a channel is as good as dead.
constexpr float kMaxScale = 1024;

bool IsOwnFloatConstant(const Graph& graph, ValueId id) {
  return id != kNoId && graph.value(id).is_constant() && graph.users(id).size() == 1 &&
         graph.value(id).constant.dtype() == DType::kFloat32;
}

// A Conv whose weight and bias nobody else reads.
bool IsScalableConv(const Graph& graph, const QuantizationPlan& plan, NodeId id) {
  const Node& n = graph.node(id);
  const NodePlan p = plan.nodes[static_cast<size_t>(id)];
  const ValueId bias = n.op.Is("Conv") ? graph.input(id, 2) : kNoId;
  return n.op.Is("Conv") && p != NodePlan::kIgnore && p != NodePlan::kFloat && n.parent == 0 &&
         IsOwnFloatConstant(graph, n.inputs[1]) &&
         (bias == kNoId || IsOwnFloatConstant(graph, bias));
}

bool IsDepthwise(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  return n.attrs.Int("group", 1) > 1 && graph.value(n.inputs[1]).constant.dims()[1] == 1;
}

bool HasOneReader(const Graph& graph, ValueId id) {
  return graph.users(id).size() == 1 && !graph.IsRegionOutput(id);
}

// Multiplies the slices of a constant along axis 0.
void ScaleSlices(Graph* graph, ValueId id, const std::vector<float>& scale) {
  const Tensor& old = graph->value(id).constant;
  Tensor scaled = Tensor::Allocate(DType::kFloat32, old.dims());
  const int64_t inner = old.size() / static_cast<int64_t>(scale.size());
  for (int64_t i = 0; i < old.size(); ++i) {
    scaled.mutable_data<float>()[i] = old.data<float>()[i] * scale[static_cast<size_t>(i / inner)];
  }
  graph->SetConstant(id, std::move(scaled));
}

}  // namespace

std::vector<Equalization> FindEqualizations(const Graph& graph, const QuantizationPlan& plan,
                                            const Statistics& statistics) {
  std::vector<Equalization> found;
  for (const NodeId id : graph.top().nodes) {
    if (!IsScalableConv(graph, plan, id) || !IsDepthwise(graph, id)) continue;
    const ValueId x = graph.node(id).inputs[0];
    const int group = plan.group_of[static_cast<size_t>(x)];
    if (group < 0 || plan.groups[static_cast<size_t>(group)].values.size() != 1 ||
        !HasOneReader(graph, x) || graph.value(x).producer == kNoId) {
      continue;
    }
    NodeId producer = graph.value(x).producer;
    float ceiling = std::numeric_limits<float>::infinity();
    if (const std::optional<Bounds> clamp = ClampBounds(graph, producer)) {
      const ValueId before = graph.node(producer).inputs[0];
      if (clamp->lo != 0 || !(clamp->hi > 0) || !HasOneReader(graph, before)) continue;
      ceiling = clamp->hi;
      producer = graph.value(before).producer;
    }
    if (producer == kNoId || !IsScalableConv(graph, plan, producer)) continue;
    const auto record = statistics.tensors.find(EncodingName(graph, x));
    if (record == statistics.tensors.end()) continue;
    const auto& channels = record->second.channel.channels;
    if (static_cast<int64_t>(channels.size()) !=
        graph.value(graph.node(producer).inputs[1]).constant.dims()[0]) {
      continue;
    }
    float largest = 0;
    std::vector<float> reach;
    for (const ChannelRecord::Channel& c : channels) {
      reach.push_back(std::max(std::abs(c.min), std::abs(c.max)));
      largest = std::max(largest, reach.back());
    }
    Equalization e{x, producer, id, {}};
    for (const float r : reach) {
      const float target = std::isfinite(ceiling) ? ceiling / kMargin : largest;
      const float scale = r > 0 ? std::clamp(target / r, 1.0f, kMaxScale) : 1.0f;
      e.scale.push_back(scale);
    }
    found.push_back(std::move(e));
  }
  return found;
}

void Equalize(const Equalization& e, Graph* graph, Statistics* statistics) {
  std::vector<float> inverse;
  for (const float s : e.scale) inverse.push_back(1 / s);
  const Node producer = graph->node(e.producer);
  ScaleSlices(graph, producer.inputs[1], e.scale);
  if (const ValueId bias = graph->input(e.producer, 2); bias != kNoId) {
    ScaleSlices(graph, bias, e.scale);
  }
  // A depthwise weight has one or more output channels per input channel, in order.
  const ValueId weight = graph->node(e.depthwise).inputs[1];
  ScaleSlices(graph, weight, inverse);

  TensorRecord& record = statistics->tensors.at(EncodingName(*graph, e.value));
  record.range.min = 0;
  record.range.max = 0;
  for (size_t c = 0; c < e.scale.size(); ++c) {
    ChannelRecord::Channel& channel = record.channel.channels[c];
    const double s = e.scale[c];
    const double sum = channel.sum.Finish();
    const double sum_squares = channel.sum_squares.Finish();
    channel.min = static_cast<float>(channel.min * s);
    channel.max = static_cast<float>(channel.max * s);
    channel.sum = ExactSum();
    channel.sum.Collect(sum * s);
    channel.sum_squares = ExactSum();
    channel.sum_squares.Collect(sum_squares * s * s);
    record.range.min = std::min(record.range.min, channel.min);
    record.range.max = std::max(record.range.max, channel.max);
  }
}

}  // namespace adze
