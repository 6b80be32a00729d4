// What the fusing passes share.
#ifndef ADZE_PASSES_FUSE_UTIL_H_
#define ADZE_PASSES_FUSE_UTIL_H_

#include <optional>
#include <string>

#include "passes/pass_util.h"

namespace adze {

// Conv, Gemm and MatMul, plain or already fused (domain adze): 4 inputs at most, the residual last.
bool IsFusable(const Node& n);
// Whether an activation (or channel factors, which come behind one) is part of it already.
bool HasActivation(const Node& n);
// Why the node's kernels could not do it anyway (weight not constant …), or nullopt.
std::optional<std::string> WhyNoKernel(const Graph& graph, NodeId id);

// Quantized per tensor with 8 bits: what the integer kernels take as activations.
bool Is8BitPerTensor(const Graph& graph, ValueId id);

// Why `id`, computed by node `producer` and read by one node that computes `result`, may not
// disappear into that node. Where the separate nodes would not compute the fused operator's bits, a
// tap on `id` is no reason: the patch leaves its producer alive for the tap, and the fused operator
// computes from the inputs, so the tap changes no bit of the rest. That is so for a float value in
// the middle of an integer operator, and whenever the caller says `approximate`.
std::optional<std::string> WhyNotInner(const Graph& graph, ValueId id, NodeId producer,
                                       ValueId result, bool approximate,
                                       const PassContext& context);

// x * f(x) in either order: for a Mul whose operands are the output of an `op` node and that node's
// input, the node; else kNoId.
NodeId SelfGate(const Graph& graph, NodeId mul, std::string_view op);

}  // namespace adze

#endif  // ADZE_PASSES_FUSE_UTIL_H_
