// Facts about single nodes that planning and applying share.
#ifndef ADZE_QUANT_INTEGER_FORM_H_
#define ADZE_QUANT_INTEGER_FORM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// Why adze cannot run this node on integers whatever its neighbours do; empty if it can.
std::string NoIntegerForm(const Graph& graph, NodeId id);

// True when inputs and outputs must share scale and zero point: the operator moves or compares
// codes. Averages do not: they requantize, and a global average spans a fraction of its input's
// range (MobileNetV2 loses 1.5 dB with a shared scale).
bool NeedsEqualScales(const OpDef& def);

// The output-channel axis of a compute node's weight.
int WeightAxis(const Graph& graph, NodeId id);

// What `id` (a multiply-accumulate operator or Add) and the nodes behind it, each the only reader
// of the one before, compute as one, rounding the last result only: an activation, or behind a Conv
// an activation and a Mul with a constant per channel. Empty if there is nothing of the kind. Add
// takes Relu and Clip only, and so do the others if `clamps_only`.
std::vector<NodeId> FusableChain(const Graph& graph, NodeId id, bool clamps_only = false);

// True behind a kFusedBefore node: its other input, if any, is a constant that is not quantized.
bool ReadsFused(const Graph& graph, NodeId id, const std::vector<NodePlan>& plans);

// The canonical activation values of an integer node: its data inputs, then its outputs. What lies
// between a kFusedBefore node and its activation is not quantized, nor is a kFloatResult.
std::vector<ValueId> QuantizedValues(const Graph& graph, NodeId id,
                                     const std::vector<NodePlan>& plans);

// The adze.Requantize operator: the same real numbers in another format.
bool IsRequantize(const Graph& graph, NodeId id);

// Multiply-accumulates of one sample; 0 when unknown.
int64_t NodeMacs(const Graph& graph, NodeId id);

FloatNode DescribeFloatNode(const Graph& graph, NodeId id, std::string reason);

}  // namespace adze

#endif  // ADZE_QUANT_INTEGER_FORM_H_
