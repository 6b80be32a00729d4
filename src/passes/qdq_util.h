// Between quantized types and the scale and zero point inputs of ONNX nodes.
#ifndef ADZE_PASSES_QDQ_UTIL_H_
#define ADZE_PASSES_QDQ_UTIL_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "passes/pass_util.h"

namespace adze {

using QuantPtr = std::shared_ptr<const QuantType>;

// QuantizeLinear or DequantizeLinear, also as com.microsoft has them.
bool IsQuantize(const Node& n);
bool IsDequantize(const Node& n);

// Operators that only move or compare values, so that they work on the integers of one quantizer.
bool MovesValues(const Node& n);

// The quantizer that constant scale and zero point values describe for a tensor stored as
// `storage`; null when they are not constant, not float32, or not valid. `axis` is used when there
// is more than one scale; `zero_point` may be kNoId.
QuantPtr ReadQuantParams(const Graph& graph, ValueId scale, ValueId zero_point, DType storage,
                         int axis, int64_t block_size = 0);
// That of a QuantizeLinear or DequantizeLinear node, or null.
QuantPtr ReadQuantNode(const Graph& graph, NodeId id);

// The scale and zero point of a quantizer as constants of the graph, called like `name`. Scalars
// when per tensor. `rank` and `dims` of the tensor matter when blocked only. int32 has no zero
// point: kNoId, for consumers refuse it.
struct QuantConstants {
  ValueId scale = kNoId;
  ValueId zero_point = kNoId;
};
QuantConstants AddQuantConstants(Graph& graph, const std::string& name, const QuantType& q,
                                 const std::vector<int64_t>& dims);

// Stores a quantized constant of narrow integers in `bits` bits, at least its own: the same codes.
void WidenConstant(Graph& graph, ValueId id, int bits);

// The node after `id` in its region, kNoId when it is the last: AddNode's `before` for "right
// behind".
NodeId NodeAfter(const Graph& graph, NodeId id);

// Adds x -> QuantizeLinear -> DequantizeLinear behind node `after` (kNoId: at the start of region
// 0) and returns the result, `base`_dequantized; the integers are `base`_quantized. `params` are
// the constants of `q`.
ValueId AddQdq(Graph& graph, ValueId x, const QuantType& q, const QuantConstants& params,
               NodeId after, const std::string& base);
// Adds QuantizeLinear of `x`, DequantizeLinear of `integers`, before node `before`.
ValueId AddQuantize(Graph& graph, ValueId x, const QuantType& q, const QuantConstants& params,
                    RegionId region, NodeId before, const std::string& name);
ValueId AddDequantize(Graph& graph, ValueId integers, const QuantType& q,
                      const QuantConstants& params, RegionId region, NodeId before,
                      const std::string& name);

// Renames `id`; whoever has the name already gets another one. `id` keeps no trace of its old name.
void TakeName(Graph& graph, ValueId id, const std::string& name);

// `old`, a dequantized value, is represented by `typed` from now on; erases its producer.
void Represent(Graph& graph, ValueId old, ValueId typed);

}  // namespace adze

#endif  // ADZE_PASSES_QDQ_UTIL_H_
