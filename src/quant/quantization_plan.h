// Which tensors of a graph get which kind of integer format: driven by OpDef::quant, decided before
// any number is measured.
#ifndef ADZE_QUANT_QUANTIZATION_PLAN_H_
#define ADZE_QUANT_QUANTIZATION_PLAN_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/encodings/encodings.h"
#include "ir/graph.h"
#include "quant/encodings.h"

namespace adze {

struct QuantSettings {
  DType activation = DType::kUInt8;    // integers of at most 8 bits
  int weight_bits = 8;                 // 2 to 8, signed and symmetric
  bool symmetric_activations = false;  // zero point 128
  // What lies behind the last multiply-accumulate stays float, its result included: box decoding,
  // final pooling and activations cost next to nothing there, and scores that are not rounded keep
  // close decisions. False for targets without a float unit.
  bool float_tail = true;
  // What a multiply-accumulate hands to its Silu, HardSwish, Sigmoid … is not rounded: they run as
  // one. False for consumers that take a quantized result only, such as ONNX Runtime's integer
  // convolution. (Relu and Clip always run as one with it: there rounding commutes.)
  bool fuse_activations = true;
  // Largest weight code, its negative the smallest. 63 for consumers that add pairs of uint8 x int8
  // products in 16 bits and saturate, as ONNX Runtime and OpenVINO do on CPUs without VNNI.
  int weight_limit = 127;
  // Multiply-accumulates that stay float, by the names of their (first) outputs. What only they
  // read is not quantized either, so that they get it unrounded.
  std::set<std::string> keep_float;
  // Multiply-accumulates whose weights and input have 8 bits whatever the others have, by the names
  // of their (first) outputs.
  std::set<std::string> keep_int8;
};

// Values that share one scale and zero point.
struct ActivationGroup {
  std::vector<ValueId> values;  // every member, canonical (see CanonicalValue), ascending
  // Members whose statistics decide the range: those that no operator of the group computes from
  // another member.
  std::vector<ValueId> sources;
  bool has_fixed_range =
      false;  // a source is a Sigmoid, Tanh …: the range contains [fixed_min, fixed_max]
  float fixed_min = 0;
  float fixed_max = 0;
  bool needs_statistics = true;  // false: the fixed range is all there is
  DType storage = DType::kUInt8;
};

struct WeightUse {
  NodeId node = kNoId;
  ValueId weight = kNoId;  // constant
  int axis = 0;            // output channel
  DType storage = DType::kInt8;
};

// What the nodes do. Indexed by NodeId.
enum class NodePlan : uint8_t {
  kIgnore,       // no float32 tensor: shape arithmetic, constants, adze.Requantize
  kFloat,        // stays float
  kInteger,      // runs on integers
  kFusedBefore,  // integer; its output is not quantized because its only user is fused into it:
                 // an activation, or the channel factors behind one (see FusableChain)
  kFloatResult,  // multiplies integers; its result is float32 and not quantized
};

struct QuantizationPlan {
  std::vector<NodePlan> nodes;
  std::vector<FloatNode> float_nodes;   // in graph order
  std::vector<ActivationGroup> groups;  // in order of their first value
  std::vector<int> group_of;            // per ValueId: index into groups, -1 if not quantized
  std::vector<WeightUse> weights;
  double int8_macs_share = 0;
};

// The graph must be inferred; inner regions stay float. Works on float graphs and on the output of
// ApplyEncodings alike (adze.Requantize is looked through).
QuantizationPlan PlanQuantization(const Graph& graph, const QuantSettings& settings);

// The value before any chain of adze.Requantize: the tensor itself rather than its copy in another
// format.
ValueId CanonicalValue(const Graph& graph, ValueId id);

// The name under which a canonical value is listed in Encodings: as in the user's file. For the
// integer value behind a graph output that is the output's name.
std::string EncodingName(const Graph& graph, ValueId canonical);

// Inputs of a node that carry data in its integer form (not Clip bounds, Pad values, Reshape shapes
// …).
std::vector<int> DataInputs(const Node& node, const OpDef& def);

// Symmetric per-channel encoding of a float weight: codes [-limit, limit] with scale = max|w| /
// limit, where limit is the largest code of the storage type, or `weight_limit` if that is less.
// Refuses NaN and infinities. Exact for weights that lie on such a grid already.
Result<TensorEncoding> WeightEncoding(const Graph& graph, const WeightUse& use,
                                      int weight_limit = 127);

}  // namespace adze

#endif  // ADZE_QUANT_QUANTIZATION_PLAN_H_
