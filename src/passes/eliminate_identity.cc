// eliminate_identity: nodes that return their input unchanged.
#include <algorithm>

#include "ops/shape_util.h"
#include "passes/pass_util.h"

namespace adze {
namespace {

bool AllEqual(std::span<const int64_t> values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == wanted; });
}

// The input of x + 0, x - 0, x * 1, x / 1, x ** 1 that the node returns, or -1. Integers count,
// too.
int NeutralInput(const Graph& graph, const Node& n) {
  const bool additive = n.op.Is("Add") || n.op.Is("Sub");
  const bool multiplicative = n.op.Is("Mul") || n.op.Is("Div") || n.op.Is("Pow");
  if ((!additive && !multiplicative) || n.inputs.size() != 2) return -1;
  const auto is_neutral = [&](ValueId id) {
    if (const auto integers = Integers(graph, id)) {
      return !integers->empty() && AllEqual(*integers, additive ? 0 : 1);
    }
    return UniformFloat(graph, id) == (additive ? 0.0f : 1.0f);
  };
  if (is_neutral(n.inputs[1])) return 0;
  const bool commutes = n.op.Is("Add") || n.op.Is("Mul");
  return commutes && is_neutral(n.inputs[0]) ? 1 : -1;
}

// Same shape is not enough: a scale of 1.05 may leave a small image's size alone.
bool IsIdentityResize(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.attrs.String("coordinate_transformation_mode") == "tf_crop_and_resize") return false;
  const ValueId scales = graph.input(id, 2);
  if (scales == kNoId) return graph.input(id, 3) != kNoId;
  return UniformFloat(graph, scales) == 1.0f;
}

// Nodes that only change the shape, or nothing: identities when the shape stays.
bool IsShapeOnly(const Node& n) {
  return n.op.Is("Reshape") || n.op.Is("Flatten") || n.op.Is("Squeeze") || n.op.Is("Unsqueeze") ||
         n.op.Is("Expand");
}

// "" : yes. Otherwise why the node, which could be an identity, is none.
std::string WhyNotIdentity(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const bool same_shape = SameShape(graph, n.inputs[0], n.outputs[0]);
  if (n.op.Is("Identity")) return "";
  if (n.op.Is("Dropout")) {
    if (n.outputs.size() > 1 && n.outputs[1] != kNoId &&
        (!graph.users(n.outputs[1]).empty() || graph.IsRegionOutput(n.outputs[1]))) {
      return "its mask is used";
    }
    const ValueId training = graph.input(id, 2);
    if (training == kNoId) return "";
    const auto mode = Integers(graph, training);
    return mode && AllEqual(*mode, 0) ? "" : "it may run in training mode";
  }
  if (n.op.Is("Cast")) {
    const Result<DType> to = DTypeFromOnnx(n.attrs.Int("to"));
    return to.ok() && *to == graph.value(n.inputs[0]).type.dtype ? ""
                                                                 : "it changes the element type";
  }
  if (n.op.Is("Transpose")) {
    const std::span<const int64_t> perm = n.attrs.Ints("perm");
    const Shape* const x = ShapeOrNull(graph, n.inputs[0]);
    bool sorted = !perm.empty() || (x != nullptr && x->size() <= 1);
    for (size_t i = 0; i < perm.size(); ++i) sorted = sorted && perm[i] == static_cast<int64_t>(i);
    return sorted ? "" : "it moves dimensions";
  }
  if (IsShapeOnly(n)) return same_shape ? "" : "it changes the shape";
  if (n.op.Is("Pad")) {
    const auto pads = Integers(graph, graph.input(id, 1));
    if (!pads) return "the pads are not constant";
    return AllEqual(*pads, 0) ? "" : "it pads";
  }
  if (n.op.Is("Slice")) {
    const ValueId steps = graph.input(id, 4);
    if (steps != kNoId) {
      const auto values = Integers(graph, steps);
      if (!values || !AllEqual(*values, 1)) return "it has steps";
    }
    return same_shape ? "" : "it drops elements";
  }
  if (n.op.Is("Resize")) {
    return same_shape && IsIdentityResize(graph, id) ? "" : "it changes the size";
  }
  if (n.op.Is("Clip")) {
    return graph.input(id, 1) == kNoId && graph.input(id, 2) == kNoId ? "" : "it has bounds";
  }
  if (n.op.Is(kAdzeDomain, "Requantize")) {
    return SameQuant(graph, n.inputs[0], n.outputs[0]) ? "" : "it changes the format";
  }
  return "";
}

// The input that the node returns; -1 when the operator is of no interest.
int CandidateInput(const Graph& graph, const Node& n) {
  static constexpr const char* kUnary[] = {
      "Identity",  "Dropout", "Cast", "Transpose", "Reshape", "Flatten", "Squeeze",
      "Unsqueeze", "Expand",  "Pad",  "Slice",     "Resize",  "Clip"};
  static constexpr const char* kOfOne[] = {"Concat", "Sum", "Max", "Min", "Mean"};
  if (n.inputs.empty() || n.outputs.empty()) return -1;
  const auto is_op = [&](const char* name) { return n.op.Is(name); };
  if (std::any_of(std::begin(kUnary), std::end(kUnary), is_op)) return 0;
  if (n.op.Is(kAdzeDomain, "Requantize")) return 0;
  if (n.inputs.size() == 1 && std::any_of(std::begin(kOfOne), std::end(kOfOne), is_op)) return 0;
  if (n.op.Is("Split") && n.outputs.size() == 1) return 0;
  const int neutral = NeutralInput(graph, n);
  return neutral >= 0 && n.inputs[static_cast<size_t>(neutral)] != kNoId &&
                 SameShape(graph, n.inputs[static_cast<size_t>(neutral)], n.outputs[0])
             ? neutral
             : -1;
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  const int input = CandidateInput(graph, n);
  if (input < 0) return Match::NotApplicable();
  if (std::string reason = WhyNotIdentity(graph, id); !reason.empty()) {
    return Match::No(std::move(reason));
  }
  const ValueId source = n.inputs[static_cast<size_t>(input)];
  if (auto reason = WhyNotReplaceable(graph, n.outputs[0], source)) {
    return Match::No(*std::move(reason));
  }
  return Match::Yes({source});
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match& match, const PassContext&) {
  Patch patch(graph, id);
  patch.Replace(graph.node(id).outputs[0], match.id(0));
  return patch;
}

}  // namespace

extern constexpr PassDef kEliminateIdentityPass = {
    .name = "eliminate_identity",
    .summary = "Removes nodes that return their input unchanged",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
