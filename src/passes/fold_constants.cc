// fold_constants: computes nodes whose inputs are all constants, and those whose integer results
// the shape rules already know (Shape of a fixed dimension, and what is computed from it).
#include <algorithm>
#include <cstring>

#include "passes/pass_util.h"

namespace adze {
namespace {

constexpr int64_t kAlwaysFoldBytes = int64_t{1} << 16;

// The output as a tensor if the shape rule knows all of its integers.
std::optional<Tensor> KnownOutput(const Value& v) {
  if (!v.has_elements || !v.type.shape || v.type.quant || !IsInteger(v.type.dtype)) {
    return std::nullopt;
  }
  const auto dims = ToConstDims(*v.type.shape);
  const auto elements = ToConstDims(v.elements);
  if (!dims || !elements || NumElements(*dims) != static_cast<int64_t>(elements->size())) {
    return std::nullopt;
  }
  Tensor t = Tensor::Allocate(v.type.dtype, *dims);
  char* const out = static_cast<char*>(t.mutable_raw());
  const size_t size = SizeOf(v.type.dtype);
  // Little-endian: the low bytes of the 64-bit value are the value in every narrower type.
  for (size_t i = 0; i < elements->size(); ++i) std::memcpy(out + i * size, &(*elements)[i], size);
  return t;
}

bool AllKnown(const Graph& graph, const Node& n) {
  return std::all_of(n.outputs.begin(), n.outputs.end(), [&](ValueId out) {
    return out == kNoId || KnownOutput(graph.value(out)).has_value();
  });
}

// A look-up in a small table of floats: what lower_qdq writes for codebooks.
bool IsLookUp(const Graph& graph, const Node& n) {
  const Tensor* const table = n.op.Is("Gather") ? ConstantOrNull(graph, n.inputs[0]) : nullptr;
  const Node* const cast = table == nullptr ? nullptr : graph.producer(n.inputs[1]);
  return cast != nullptr && cast->op.Is("Cast") && table->rank() == 1 &&
         table->dtype() == DType::kFloat32 && table->size() <= 256 &&
         ContainerOf(graph.value(cast->inputs[0]).type.dtype) == DType::kUInt8;
}

// The Cast of its codes, and the Gather that repeats its scales for blocks.
bool BelongsToLookUp(const Graph& graph, const Node& n) {
  const auto users = graph.users(n.outputs[0]);
  if (n.op.Is("Cast")) {
    return !users.empty() && std::all_of(users.begin(), users.end(),
                                         [&](NodeId u) { return IsLookUp(graph, graph.node(u)); });
  }
  if (!n.op.Is("Gather") || users.size() != 1 || !graph.node(users[0]).op.Is("Mul")) return false;
  const Node* const other = graph.producer(graph.node(users[0]).inputs[0]);
  return other != nullptr && IsLookUp(graph, *other);
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const OpDef* const def = FindOp(n.op);
  if (def == nullptr || !n.regions.empty() || n.outputs.empty()) return Match::NotApplicable();
  const bool known = AllKnown(graph, n);
  if (!known) {
    for (ValueId in : n.inputs) {
      if (in != kNoId && !graph.value(in).is_constant()) return Match::NotApplicable();
    }
    if (def->eval == nullptr) return Match::No("adze cannot evaluate it");
  }
  int64_t input_bytes = 0;
  for (ValueId in : n.inputs) {
    if (in == kNoId) continue;
    if (IsQuantized(graph, in)) return Match::No("an input is quantized");
    if (!known) input_bytes += static_cast<int64_t>(graph.value(in).constant.bytes());
  }
  if (n.op.Is("DequantizeLinear")) return Match::No("it would store integers as floats");
  if (BelongsToLookUp(graph, n)) return Match::No("it would store codes of a codebook as floats");
  int64_t output_bytes = 0;
  for (ValueId out : n.outputs) {
    if (out == kNoId) continue;
    const Value& v = graph.value(out);
    if (v.type.quant) return Match::No("its output is quantized");
    if (graph.IsRegionOutput(out)) return Match::No("an output of the graph stays computed");
    if (context.IsPreserved(out)) return Match::No("value '" + v.name + "' must stay readable");
    const auto dims = v.type.shape ? ToConstDims(*v.type.shape) : std::nullopt;
    if (!dims) return Match::No("the shape of its output is not known");
    output_bytes += NumElements(*dims) * static_cast<int64_t>(SizeOf(v.type.dtype));
  }
  if (output_bytes > context.max_folded_bytes ||
      (output_bytes > kAlwaysFoldBytes && output_bytes > 2 * input_bytes)) {
    return Match::No("the result would take " + std::to_string(output_bytes) +
                     " bytes, the inputs take " + std::to_string(input_bytes));
  }
  return Match::Yes();
}

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  const Node& n = graph.node(id);
  std::vector<Tensor> results;
  if (AllKnown(graph, n)) {
    for (ValueId out : n.outputs) {
      results.push_back(out == kNoId ? Tensor() : *KnownOutput(graph.value(out)));
    }
  } else {
    std::vector<Tensor> inputs;
    for (ValueId in : n.inputs) inputs.push_back(in == kNoId ? Tensor() : graph.value(in).constant);
    ADZE_ASSIGN(results,
                EvaluateOp(*FindOp(n.op), n.attrs, inputs, static_cast<int>(n.outputs.size())));
  }
  Patch patch(graph, id);
  for (size_t i = 0; i < n.outputs.size(); ++i) {
    if (n.outputs[i] == kNoId) continue;
    patch.Replace(n.outputs[i],
                  patch.AddConstant(graph.value(n.outputs[i]).name, std::move(results[i])));
  }
  return patch;
}

}  // namespace

extern constexpr PassDef kFoldConstantsPass = {
    .name = "fold_constants",
    .summary = "Computes nodes whose inputs are constants",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
