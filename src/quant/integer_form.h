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

// The activation that alone reads the output of `id` (a multiply-accumulate operator or Add) and
// can be fused into it; kNoId if there is none.
NodeId FusableActivation(const Graph& graph, NodeId id);

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
