// expand_silu: adze.Silu becomes x * Sigmoid(x), for files in the standard operators. The inverse
// of fuse_silu: what lies between is not quantized.
#include "passes/pass_util.h"

namespace adze {
namespace {

Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  return graph.node(id).op.Is(kAdzeDomain, "Silu") ? Match::Yes() : Match::NotApplicable();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  const Node& n = graph.node(id);
  const Value& y = graph.value(n.outputs[0]);
  Patch patch(graph, id);
  const ValueId gate =
      patch.AddNode(OpType::Intern("", "Sigmoid"), n.name.empty() ? "" : n.name + "_sigmoid",
                    {n.inputs[0]}, {}, graph.UniqueName(y.name + "_sigmoid"));
  const ValueId out =
      patch.AddNode(OpType::Intern("", "Mul"), n.name, {n.inputs[0], gate}, {}, y.name);
  patch.SetQuant(out, y.type.quant);
  patch.Replace(n.outputs[0], out);
  return patch;
}

}  // namespace

extern constexpr PassDef kExpandSiluPass = {
    .name = "expand_silu",
    .summary = "adze.Silu becomes x * Sigmoid(x)",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
