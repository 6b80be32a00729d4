// Questions that passes ask about a graph.
#ifndef ADZE_PASSES_PASS_UTIL_H_
#define ADZE_PASSES_PASS_UTIL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace adze {

// The node that computes `id` in the region of node `user`, if its operator is the ONNX operator
// `op`; else kNoId. Values of outer regions are left alone: moving work into a branch or a loop
// body is no simplification.
NodeId ProducerOf(const Graph& graph, ValueId id, NodeId user, std::string_view op);
// The same for any operator.
NodeId ProducerOf(const Graph& graph, ValueId id, NodeId user);

// The float32 constant of a Mul that has one factor per channel (axis 1 of rank 3 and more), or
// kNoId.
ValueId ChannelFactor(const Graph& graph, NodeId id);

// Why a value between two nodes cannot disappear (other users, an output, preserved), or nullopt
// when it can.
std::optional<std::string> WhyNeeded(const Graph& graph, ValueId id, const PassContext& context);

// Whether `old` can be replaced by the existing value `by`: quantized alike, and where `old` is an
// output, `by` can take its name. nullopt: yes; else the reason.
std::optional<std::string> WhyNotReplaceable(const Graph& graph, ValueId old, ValueId by);

bool SameQuant(const Graph& graph, ValueId a, ValueId b);
bool IsQuantized(const Graph& graph, ValueId id);

// Contents of an unquantized constant; null otherwise.
const Tensor* ConstantOrNull(const Graph& graph, ValueId id);
// The one value of an unquantized float32 constant whose elements are all the same.
std::optional<float> UniformFloat(const Graph& graph, ValueId id);
// Contents of an integer (or bool) constant.
std::optional<std::vector<int64_t>> Integers(const Graph& graph, ValueId id);

// Null when the rank is not known.
const Shape* ShapeOrNull(const Graph& graph, ValueId id);
bool SameShape(const Graph& graph, ValueId a, ValueId b);  // known and certainly equal

// The bounds of a Relu or Clip with constant bounds (infinite where absent); nullopt for other
// nodes and bounds.
struct Bounds {
  float lo;
  float hi;
};
std::optional<Bounds> ClampBounds(const Graph& graph, NodeId id);

// The `shape` input of a Reshape from `from` to `to`, written with 0 ("as the input's") and at most
// one -1 where dimensions are symbolic; nullopt when that is not enough.
std::optional<std::vector<int64_t>> ReshapeTarget(const Shape& from, const Shape& to);

Tensor Int64Tensor(std::span<const int64_t> values);
Tensor FloatTensor(std::vector<int64_t> dims, std::span<const float> values);

}  // namespace adze

#endif  // ADZE_PASSES_PASS_UTIL_H_
