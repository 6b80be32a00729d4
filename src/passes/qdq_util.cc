#include "passes/qdq_util.h"

#include <algorithm>
#include <cstring>

namespace adze {
namespace {

bool IsQdqOp(const Node& n, std::string_view name) {
  return n.op.Is(name) || n.op.Is(kMicrosoftDomain, name);
}

Tensor ZeroPoints(const QuantType& q, std::vector<int64_t> dims) {
  Tensor t = Tensor::Allocate(q.storage, std::move(dims));
  char* const out = static_cast<char*>(t.mutable_raw());
  const size_t size = SizeOf(q.storage);
  // Little-endian: the low bytes are the value in every narrower type.
  for (size_t i = 0; i < q.zero_point.size(); ++i)
    std::memcpy(out + i * size, &q.zero_point[i], size);
  return t;
}

}  // namespace

bool IsQuantize(const Node& n) { return IsQdqOp(n, "QuantizeLinear") && n.inputs.size() >= 2; }
bool IsDequantize(const Node& n) { return IsQdqOp(n, "DequantizeLinear") && n.inputs.size() >= 2; }

bool MovesValues(const Node& n) {
  static constexpr std::string_view kMoves[] = {
      "Expand", "Flatten", "Gather", "Identity", "MaxPool",   "Pad",       "Reshape",
      "Resize", "Slice",   "Split",  "Squeeze",  "Transpose", "Unsqueeze",
  };
  if (n.op.Is("Resize")) {
    return n.attrs.String("mode", "nearest") == "nearest" &&
           n.attrs.String("coordinate_transformation_mode") != "tf_crop_and_resize";
  }
  return n.op.domain().empty() &&
         std::find(std::begin(kMoves), std::end(kMoves), n.op.name()) != std::end(kMoves);
}

QuantPtr ReadQuantParams(const Graph& graph, ValueId scale, ValueId zero_point, DType storage,
                         int axis, int64_t block_size) {
  const Tensor* const s = ConstantOrNull(graph, scale);
  if (s == nullptr || s->dtype() != DType::kFloat32) return nullptr;
  auto q = std::make_shared<QuantType>();
  q->storage = storage;
  const std::span<const float> scales = s->values<float>();
  q->scale.assign(scales.begin(), scales.end());
  q->zero_point.assign(scales.size(), 0);
  if (zero_point != kNoId) {
    const auto z = Integers(graph, zero_point);
    if (!z || z->size() != scales.size()) return nullptr;
    for (size_t i = 0; i < z->size(); ++i) q->zero_point[i] = static_cast<int32_t>((*z)[i]);
  }
  if (scales.size() != 1 || block_size != 0) {
    q->axis = axis;
    q->block_size = block_size;
  }
  if (!VerifyQuantType(*q, static_cast<int64_t>(scales.size())).ok()) return nullptr;
  return q;
}

QuantPtr ReadQuantNode(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const ValueId integers = IsQuantize(n) ? n.outputs[0] : n.inputs[0];
  DType storage = graph.value(integers).type.dtype;
  if (storage == DType::kUndefined && graph.input(id, 2) != kNoId) {
    storage = graph.value(graph.input(id, 2)).type.dtype;  // com.microsoft has no shape rule
  }
  const Shape* const shape = ShapeOrNull(graph, n.inputs[0]);
  int64_t axis = n.attrs.Int("axis", 1);
  if (axis < 0) {
    if (shape == nullptr) return nullptr;
    axis += static_cast<int64_t>(shape->size());
  }
  if (axis < 0 || axis >= kMaxRank) return nullptr;
  return ReadQuantParams(graph, n.inputs[1], graph.input(id, 2), storage, static_cast<int>(axis),
                         n.attrs.Int("block_size", 0));
}

QuantConstants AddQuantConstants(Graph& graph, const std::string& name, const QuantType& q,
                                 const std::vector<int64_t>& dims) {
  std::vector<int64_t> param_dims;
  if (q.block_size != 0) {
    param_dims = dims;
    int64_t& d = param_dims[static_cast<size_t>(q.axis)];
    d = (d + q.block_size - 1) / q.block_size;
  } else if (!q.per_tensor()) {
    param_dims = {static_cast<int64_t>(q.scale.size())};
  }
  QuantConstants params;
  params.scale =
      graph.AddConstant(graph.UniqueName(name + "_scale"), FloatTensor(param_dims, q.scale));
  if (q.storage != DType::kInt32) {
    params.zero_point =
        graph.AddConstant(graph.UniqueName(name + "_zero_point"), ZeroPoints(q, param_dims));
  }
  return params;
}

void WidenConstant(Graph& graph, ValueId id, int bits) {
  const Value& v = graph.value(id);
  QuantType q = *v.type.quant;
  q.storage = IntegerOf(bits, ContainerOf(q.storage) == DType::kInt8);
  Tensor codes = Tensor::Allocate(q.storage, v.constant.dims());
  std::memcpy(codes.mutable_raw(), v.constant.raw(), codes.bytes());
  graph.SetQuant(id, std::make_shared<const QuantType>(std::move(q)));
  graph.SetConstant(id, std::move(codes));
}

NodeId NodeAfter(const Graph& graph, NodeId id) {
  const std::vector<NodeId>& list = graph.region(graph.node(id).parent).nodes;
  const auto next = std::find(list.begin(), list.end(), id) + 1;
  return next == list.end() ? kNoId : *next;
}

namespace {

ValueId AddQdqNode(Graph& graph, const char* op, ValueId x, const QuantType& q,
                   const QuantConstants& params, RegionId region, NodeId before,
                   const std::string& name) {
  std::vector<ValueId> inputs = {x, params.scale};
  if (params.zero_point != kNoId) inputs.push_back(params.zero_point);
  AttrMap attrs;
  if (!q.per_tensor()) attrs.Set("axis", int64_t{q.axis});
  if (q.block_size != 0) attrs.Set("block_size", q.block_size);
  const NodeId id =
      graph.AddNode(OpType::Intern("", op), graph.UniqueName(name) + "_" + op, std::move(inputs),
                    {graph.UniqueName(name)}, std::move(attrs), region, before);
  return graph.node(id).outputs[0];
}

}  // namespace

ValueId AddQuantize(Graph& graph, ValueId x, const QuantType& q, const QuantConstants& params,
                    RegionId region, NodeId before, const std::string& name) {
  return AddQdqNode(graph, "QuantizeLinear", x, q, params, region, before, name);
}

ValueId AddDequantize(Graph& graph, ValueId integers, const QuantType& q,
                      const QuantConstants& params, RegionId region, NodeId before,
                      const std::string& name) {
  return AddQdqNode(graph, "DequantizeLinear", integers, q, params, region, before, name);
}

ValueId AddQdq(Graph& graph, ValueId x, const QuantType& q, const QuantConstants& params,
               NodeId after, const std::string& base) {
  const RegionId region = after == kNoId ? 0 : graph.node(after).parent;
  NodeId before = kNoId;
  if (after != kNoId) {
    before = NodeAfter(graph, after);
  } else if (!graph.top().nodes.empty()) {
    before = graph.top().nodes.front();
  }
  const ValueId integers = AddQuantize(graph, x, q, params, region, before, base + "_quantized");
  return AddDequantize(graph, integers, q, params, region, before, base + "_dequantized");
}

void TakeName(Graph& graph, ValueId id, const std::string& name) {
  const std::string old = graph.value(id).name;
  if (old == name) return;
  const ValueId holder = graph.FindValue(name);
  if (holder != kNoId && graph.value(holder).name == name) {
    graph.Rename(holder, graph.UniqueName(name + "_"));
    graph.DropOrigin(holder, name);
  }
  graph.Rename(id, name);
  graph.DropOrigin(id, old);
}

void Represent(Graph& graph, ValueId old, ValueId typed) {
  const NodeId producer = graph.value(old).producer;
  if (graph.IsRegionOutput(old)) {
    const std::string name = graph.value(old).name;
    const NodeId border =
        graph.AddNode(OpType::Intern(kAdzeDomain, "Requantize"), graph.node(producer).name, {typed},
                      {graph.UniqueName(name)}, {}, graph.node(producer).parent, producer);
    const ValueId result = graph.node(border).outputs[0];
    graph.SetType(result, {DType::kFloat32, graph.value(old).type.shape, nullptr});
    for (RegionId r = 0; r < graph.num_regions(); ++r) {
      for (size_t i = 0; i < graph.region(r).outputs.size(); ++i) {
        if (graph.region(r).outputs[i] == old) graph.SetOutput(r, static_cast<int>(i), result);
      }
    }
    const std::vector<std::string> origins = graph.value(old).origins;
    graph.ReplaceUses(old, typed);
    graph.EraseNode(producer);
    TakeName(graph, result, name);
    for (const std::string& origin : origins) graph.AddOrigin(result, origin);
    return;
  }
  graph.ReplaceUses(old, typed);
  graph.AddOrigin(typed, graph.value(old).name);
  for (const std::string& origin : std::vector(graph.value(old).origins)) {
    graph.AddOrigin(typed, origin);
  }
  graph.EraseNode(producer);
}

}  // namespace adze
