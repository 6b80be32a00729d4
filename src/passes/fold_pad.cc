// fold_pad: a Pad with zeros goes into the pads of the Conv, AveragePool or MaxPool behind it,
// where that is exact: Conv pads with zeros itself; an AveragePool may count the padding; a MaxPool
// ignores it, so the zeros must never be larger than every real element of a window (inputs >= 0)
// and each window must see a real element.
#include <algorithm>
#include <cmath>

#include "passes/pass_util.h"

namespace adze {
namespace {

bool IsNonNegative(const Graph& graph, ValueId id) {
  const NodeId producer = graph.value(id).producer;
  if (producer == kNoId) return false;
  const Node& n = graph.node(producer);
  if (n.op.Is("Sigmoid") || n.op.Is("HardSigmoid") || n.op.Is("Softmax")) return true;
  const auto bounds = ClampBounds(graph, producer);
  return bounds && bounds->lo >= 0;
}

// begin and end pads of every dimension, or nullopt with a reason.
std::optional<std::vector<int64_t>> ReadPads(const Graph& graph, NodeId pad, size_t rank,
                                             std::string* reason) {
  const auto values = Integers(graph, graph.input(pad, 1));
  *reason = "the pads are not constant";
  if (!values) return std::nullopt;
  std::vector<int64_t> pads(2 * rank, 0);
  std::vector<int64_t> axes;
  if (const ValueId id = graph.input(pad, 3); id != kNoId) {
    const auto given = Integers(graph, id);
    if (!given) return std::nullopt;
    axes = *given;
  } else {
    for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  }
  if (values->size() != 2 * axes.size()) return std::nullopt;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + static_cast<int64_t>(rank) : axes[i];
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
    pads[static_cast<size_t>(axis)] = (*values)[i];
    pads[static_cast<size_t>(axis) + rank] = (*values)[i + axes.size()];
  }
  *reason = "it pads batch or channels";
  if (pads[0] != 0 || pads[1] != 0 || pads[rank] != 0 || pads[rank + 1] != 0) return std::nullopt;
  *reason = "a pad is negative";
  if (*std::min_element(pads.begin(), pads.end()) < 0) return std::nullopt;
  return pads;
}

// The pads of node `id` after folding `pads` in: spatial begins, then ends.
std::vector<int64_t> MergedPads(const Node& n, const std::vector<int64_t>& pads) {
  const size_t rank = pads.size() / 2;
  const size_t spatial = rank - 2;
  const std::span<const int64_t> own = n.attrs.Ints("pads");
  std::vector<int64_t> merged(2 * spatial);
  for (size_t i = 0; i < spatial; ++i) {
    merged[i] = pads[2 + i] + (own.empty() ? 0 : own[i]);
    merged[spatial + i] = pads[rank + 2 + i] + (own.empty() ? 0 : own[spatial + i]);
  }
  return merged;
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const bool conv = n.op.Is("Conv");
  const bool average = n.op.Is("AveragePool");
  const bool max = n.op.Is("MaxPool");
  if (!conv && !average && !max) return Match::NotApplicable();
  const NodeId pad = ProducerOf(graph, n.inputs[0], id, "Pad");
  if (pad == kNoId) return Match::NotApplicable();
  const ValueId x = graph.node(pad).inputs[0];
  if (auto needed = WhyNeeded(graph, n.inputs[0], context)) return Match::No(*std::move(needed));
  if (!SameQuant(graph, x, n.inputs[0])) return Match::No("the padding changes the quantization");
  if (graph.node(pad).attrs.String("mode", "constant") != "constant") {
    return Match::No("it does not pad with a constant");
  }
  const ValueId fill = graph.input(pad, 2);
  const std::optional<float> value = fill == kNoId ? 0.0f : UniformFloat(graph, fill);
  if (value != 0.0f) return Match::No("it does not pad with zeros");
  const Shape* const shape = ShapeOrNull(graph, x);
  if (shape == nullptr || shape->size() < 3) return Match::No("the shape is not known");
  const std::string_view auto_pad = n.attrs.String("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return Match::No("it pads automatically");
  std::string reason;
  const auto pads = ReadPads(graph, pad, shape->size(), &reason);
  if (!pads) return Match::No(std::move(reason));
  if (conv) return Match::Yes({pad});
  if (n.attrs.Int("ceil_mode", 0) != 0)
    return Match::No("ceil_mode treats its own padding specially");
  const std::span<const int64_t> own = n.attrs.Ints("pads");
  const bool own_pads = std::any_of(own.begin(), own.end(), [](int64_t p) { return p != 0; });
  if (average) {
    if (own_pads && n.attrs.Int("count_include_pad", 0) == 0) {
      return Match::No("it counts some of the padding only");
    }
    return Match::Yes({pad});
  }
  if (n.outputs.size() > 1 && n.outputs[1] != kNoId) return Match::No("its indices are used");
  if (!IsNonNegative(graph, x)) return Match::No("zeros could exceed negative inputs");
  const std::span<const int64_t> kernel = n.attrs.Ints("kernel_shape");
  const std::vector<int64_t> merged = MergedPads(n, *pads);
  for (size_t i = 0; i < merged.size(); ++i) {
    if (merged[i] >= kernel[i % kernel.size()]) return Match::No("a window would see padding only");
  }
  return Match::Yes({pad});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  const Node& n = graph.node(id);
  const Node& pad = graph.node(match.id(0));
  std::string reason;
  const auto pads =
      ReadPads(graph, match.id(0), ShapeOrNull(graph, pad.inputs[0])->size(), &reason);
  std::vector<ValueId> inputs = n.inputs;
  inputs[0] = pad.inputs[0];
  AttrMap attrs = n.attrs;
  attrs.Erase("auto_pad");
  attrs.Set("pads", MergedPads(n, *pads));
  if (n.op.Is("AveragePool")) attrs.Set("count_include_pad", int64_t{1});
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId out = patch.AddNode(n.op, n.name, std::move(inputs), std::move(attrs), y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kFoldPadPass = {
    .name = "fold_pad",
    .summary = "Folds padding with zeros into the operator behind it",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
