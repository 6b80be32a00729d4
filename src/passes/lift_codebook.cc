// lift_codebook: constants behind a look-up become quantized constants with a codebook, as
// lower_qdq writes them:
//   Mul(Gather(numbers, Cast(codes)), scales)
// where scales are constant, or a Gather that repeats each along an axis for a block.
#include <algorithm>

#include "passes/qdq_util.h"

namespace adze {
namespace {

const Node* Maker(const Graph& graph, ValueId v, const char* op) {
  const Node* const n = v == kNoId ? nullptr : graph.producer(v);
  return n != nullptr && n->op.Is(op) ? n : nullptr;
}

// Which scale is whose: sets axis, block_size and scale of `q`. False if it is no such pattern.
bool ReadScales(const Graph& graph, ValueId v, const std::vector<int64_t>& dims, QuantType* q) {
  const Node* const repeat = Maker(graph, v, "Gather");
  const Tensor* const scale = ConstantOrNull(graph, repeat != nullptr ? repeat->inputs[0] : v);
  if (scale == nullptr || scale->dtype() != DType::kFloat32) return false;
  const std::span<const float> values = scale->values<float>();
  q->scale.assign(values.begin(), values.end());
  q->zero_point.assign(values.size(), 0);
  if (repeat == nullptr && scale->size() == 1) return true;
  if (scale->dims().size() != dims.size()) return false;
  if (repeat != nullptr) {
    const int64_t axis = repeat->attrs.Int("axis", 0);
    const auto block = Integers(graph, repeat->inputs[1]);
    if (!block || axis < 0 || axis >= static_cast<int64_t>(dims.size()) ||
        static_cast<int64_t>(block->size()) != dims[static_cast<size_t>(axis)]) {
      return false;
    }
    const auto first = std::find_if(block->begin(), block->end(), [](int64_t b) { return b != 0; });
    const int64_t length = first - block->begin();
    for (size_t i = 0; i < block->size(); ++i) {
      if (length == 0 || (*block)[i] != static_cast<int64_t>(i) / length) return false;
    }
    q->axis = static_cast<int>(axis);
    q->block_size = length;
  }
  for (size_t d = 0; repeat == nullptr && d < dims.size(); ++d) {
    if (scale->dims()[d] == 1) continue;
    if (q->axis >= 0) return false;
    q->axis = static_cast<int>(d);
  }
  const int64_t count = q->axis < 0 ? 1 : ScaleIndex(dims, *q).count();
  return count == static_cast<int64_t>(q->scale.size());
}

bool Lift(Graph& graph, NodeId id) {
  const Node n = graph.node(id);
  if (!n.op.Is("Mul") || n.inputs.size() != 2 || graph.IsRegionOutput(n.outputs[0])) return false;
  const Node* const gather = Maker(graph, n.inputs[0], "Gather");
  if (gather == nullptr || gather->attrs.Int("axis", 0) != 0) return false;
  const Tensor* const numbers = ConstantOrNull(graph, gather->inputs[0]);
  const Node* const cast = Maker(graph, gather->inputs[1], "Cast");
  const Tensor* const codes = cast == nullptr ? nullptr : ConstantOrNull(graph, cast->inputs[0]);
  if (numbers == nullptr || numbers->dtype() != DType::kFloat32 || numbers->rank() != 1 ||
      codes == nullptr || ContainerOf(codes->dtype()) != DType::kUInt8 || codes->size() == 0) {
    return false;
  }
  QuantType q;
  int bits = 2;
  while (bits < 8 && int64_t{1} << bits < numbers->size()) ++bits;
  q.storage = IntegerOf(bits, false);
  q.codebook.assign(numbers->values<float>().begin(), numbers->values<float>().end());
  if (!ReadScales(graph, n.inputs[1], codes->dims(), &q) ||
      !VerifyQuantType(q, static_cast<int64_t>(q.scale.size())).ok()) {
    return false;
  }
  const ConstTensorView view = codes->view();
  Tensor stored = Tensor::Allocate(q.storage, codes->dims());
  for (int64_t i = 0; i < view.size(); ++i) {
    const int64_t code = IntegerAt(view, i);
    if (code >= numbers->size()) return false;
    static_cast<uint8_t*>(stored.mutable_raw())[i] = static_cast<uint8_t>(code);
  }
  const std::string name = graph.value(n.outputs[0]).name;
  const ValueId typed = graph.AddConstant(graph.UniqueName(name), std::move(stored),
                                          std::make_shared<const QuantType>(std::move(q)));
  Represent(graph, n.outputs[0], typed);
  TakeName(graph, typed, name);
  return true;
}

Result<int64_t> Run(Graph& graph, const PassContext&) {
  int64_t changes = 0;
  for (const NodeId id : std::vector(graph.top().nodes)) {
    if (!graph.node(id).dead && Lift(graph, id)) ++changes;
  }
  return changes;
}

}  // namespace

extern constexpr PassDef kLiftCodebookPass = {
    .name = "lift_codebook",
    .summary = "Look-ups of constants become types of values",
    .run = Run,
};

}  // namespace adze
