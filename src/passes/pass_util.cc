#include "passes/pass_util.h"

#include <algorithm>
#include <limits>

namespace adze {

NodeId ProducerOf(const Graph& graph, ValueId id, NodeId user) {
  if (id == kNoId) return kNoId;
  const NodeId producer = graph.value(id).producer;
  if (producer == kNoId || graph.node(producer).parent != graph.node(user).parent) return kNoId;
  return producer;
}

NodeId ProducerOf(const Graph& graph, ValueId id, NodeId user, std::string_view op) {
  const NodeId producer = ProducerOf(graph, id, user);
  return producer != kNoId && graph.node(producer).op.Is(op) ? producer : kNoId;
}

ValueId ChannelFactor(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Mul") || n.inputs.size() != 2) return kNoId;
  for (size_t i = 0; i < 2; ++i) {
    const Value& v = graph.value(n.inputs[i]);
    const auto& shape = graph.value(n.inputs[1 - i]).type.shape;
    if (!v.is_constant() || v.constant.dtype() != DType::kFloat32 || !shape || shape->size() < 3) {
      continue;
    }
    const std::vector<int64_t>& dims = v.constant.dims();
    const size_t channel_axis = dims.size() - shape->size() + 1;  // of the constant
    if (dims.size() <= shape->size() && channel_axis < dims.size() &&
        (*shape)[1].IsConst(v.constant.size()) && dims[channel_axis] == v.constant.size()) {
      return n.inputs[i];
    }
  }
  return kNoId;
}

std::optional<std::string> WhyNeeded(const Graph& graph, ValueId id, const PassContext& context) {
  const std::string who = "value '" + graph.value(id).name + "'";
  if (graph.IsRegionOutput(id)) return who + " is an output";
  if (graph.users(id).size() > 1) return who + " has other users";
  if (context.IsPreserved(id)) return who + " must stay readable";
  return std::nullopt;
}

std::optional<std::string> WhyNotReplaceable(const Graph& graph, ValueId old, ValueId by) {
  if (!SameQuant(graph, old, by)) return "input and output are quantized differently";
  if (!graph.IsRegionOutput(old)) return std::nullopt;
  const Value& v = graph.value(by);
  const std::string who =
      "the output '" + graph.value(old).name + "' needs a producer of its own, and '" + v.name;
  if (v.is_constant()) return who + "' is a constant";
  if (v.producer == kNoId) return who + "' is an input";
  if (graph.IsRegionOutput(by)) return who + "' is an output, too";
  if (graph.node(v.producer).parent != graph.producer(old)->parent) {
    return who + "' is computed in another region";
  }
  return std::nullopt;
}

bool SameQuant(const Graph& graph, ValueId a, ValueId b) {
  const auto& p = graph.value(a).type.quant;
  const auto& q = graph.value(b).type.quant;
  return p == q || (p && q && *p == *q);
}

bool IsQuantized(const Graph& graph, ValueId id) { return graph.value(id).type.quant != nullptr; }

const Tensor* ConstantOrNull(const Graph& graph, ValueId id) {
  if (id == kNoId || !graph.value(id).is_constant() || IsQuantized(graph, id)) return nullptr;
  return &graph.value(id).constant;
}

std::optional<float> UniformFloat(const Graph& graph, ValueId id) {
  const Tensor* const t = ConstantOrNull(graph, id);
  if (t == nullptr || t->dtype() != DType::kFloat32 || t->size() < 1) return std::nullopt;
  const std::span<const float> values = t->values<float>();
  for (float v : values) {
    if (!(v == values[0])) return std::nullopt;
  }
  return values[0];
}

std::optional<std::vector<int64_t>> Integers(const Graph& graph, ValueId id) {
  const Tensor* const t = ConstantOrNull(graph, id);
  if (t == nullptr || !(IsInteger(t->dtype()) || t->dtype() == DType::kBool)) return std::nullopt;
  return ToInt64s(t->view());
}

const Shape* ShapeOrNull(const Graph& graph, ValueId id) {
  if (id == kNoId) return nullptr;
  const std::optional<Shape>& shape = graph.value(id).type.shape;
  return shape ? &*shape : nullptr;
}

bool SameShape(const Graph& graph, ValueId a, ValueId b) {
  const Shape* const x = ShapeOrNull(graph, a);
  const Shape* const y = ShapeOrNull(graph, b);
  return x != nullptr && y != nullptr && *x == *y;
}

std::optional<Bounds> ClampBounds(const Graph& graph, NodeId id) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const Node& n = graph.node(id);
  if (n.op.Is("Relu")) return Bounds{0, kInf};
  if (!n.op.Is("Clip")) return std::nullopt;
  Bounds bounds = {-kInf, kInf};
  if (const ValueId lo = graph.input(id, 1); lo != kNoId) {
    const std::optional<float> v = UniformFloat(graph, lo);
    if (!v) return std::nullopt;
    bounds.lo = *v;
  }
  if (const ValueId hi = graph.input(id, 2); hi != kNoId) {
    const std::optional<float> v = UniformFloat(graph, hi);
    if (!v) return std::nullopt;
    bounds.hi = *v;
  }
  return bounds;
}

std::optional<std::vector<int64_t>> ReshapeTarget(const Shape& from, const Shape& to) {
  std::vector<int64_t> target;
  bool free_used = false;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i].is_const()) {
      // In a Reshape 0 means "copy", and an empty tensor leaves -1 undefined.
      if (to[i].value() == 0) return std::nullopt;
      target.push_back(to[i].value());
    } else if (i < from.size() && from[i] == to[i]) {
      target.push_back(0);
    } else if (!free_used) {
      free_used = true;
      target.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  return target;
}

Tensor Int64Tensor(std::span<const int64_t> values) {
  return Tensor::FromValues<int64_t>({static_cast<int64_t>(values.size())}, values);
}

Tensor FloatTensor(std::vector<int64_t> dims, std::span<const float> values) {
  return Tensor::FromValues<float>(std::move(dims), values);
}

}  // namespace adze
