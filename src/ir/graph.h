// The Graph: what is computed. Typed SSA values, nodes with nested regions, constants, symbolic
// dimensions.
//
// Nodes and values live in tables of the graph and are named by index, so passes hold plain
// integers and nothing dangles; erased entries leave tombstones until Compact. Every mutation keeps
// the user lists right. A value is produced exactly once: by a node, as a region input, or as a
// constant.
//
// Quantization is in the type: a value with `quant` holds integers in `quant->storage` that stand
// for real numbers, and every operator means "dequantize the inputs, compute ideally, quantize the
// output to its type" (docs/design/numerics.md says which integer arithmetic that is). The
// *logical* dtype stays float32.
#ifndef ADZE_IR_GRAPH_H_
#define ADZE_IR_GRAPH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "numerics/quant_type.h"
#include "ops/attr.h"
#include "ops/dim.h"
#include "ops/op_def.h"
#include "ops/tensor.h"

namespace adze {

using ValueId = int32_t;
using NodeId = int32_t;
using RegionId = int32_t;
inline constexpr int32_t kNoId = -1;  // an omitted optional input; no producer; no owner

struct TensorType {
  DType dtype = DType::kUndefined;         // logical (expressed) element type
  std::optional<Shape> shape;              // nullopt: rank unknown
  std::shared_ptr<const QuantType> quant;  // null: stored as `dtype`

  DType storage() const { return quant ? quant->storage : dtype; }
};

struct Value {
  std::string name;  // unique among live values; graph inputs and outputs keep the file's names
  TensorType type;
  NodeId producer = kNoId;  // with output_index; kNoId for region inputs and constants
  int output_index = 0;
  Tensor constant;  // defined exactly for constants, in storage type; dims equal the type's shape
  std::vector<std::string>
      origins;  // other names of the same tensor in the user's file (folded identities …)
  std::vector<Dim>
      elements;  // known symbolic contents of a small integer tensor (see has_elements)
  bool has_elements = false;
  bool dead = false;

  bool is_constant() const { return constant.defined(); }
};

struct Node {
  OpType op;
  std::string name;              // as in the file; may be empty
  std::vector<ValueId> inputs;   // kNoId where an optional input is omitted
  std::vector<ValueId> outputs;  // kNoId where an optional output is omitted
  AttrMap attrs;
  std::vector<std::pair<std::string, RegionId>> regions;  // "then_branch", "body" …
  RegionId parent = 0;
  bool dead = false;
};

// A list of nodes with inputs and outputs. Region 0 is the graph itself. Inner regions may use any
// value of the regions around them.
struct Region {
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<NodeId> nodes;  // topological order
  NodeId owner = kNoId;       // the node whose region this is; kNoId for region 0
};

// What an ONNX file says of its parts that adze carries without reading it, by the names of values
// and nodes: whatever keeps its name through passes keeps its notes. Opaque here; defined in
// formats/onnx/notes.h.
struct OnnxNotes;

// Everything about the file that is not computation and must survive a round trip.
struct ModelMetadata {
  std::string graph_name;
  std::string producer_name;
  std::string producer_version;
  std::string domain;
  std::string doc;
  int64_t model_version = 0;
  std::vector<std::pair<std::string, std::string>> properties;  // ONNX metadata_props
  std::vector<std::pair<std::string, int64_t>> opset_imports;   // as read; informational
  int64_t ir_version = 0;                                       // as read; informational
  std::shared_ptr<const OnnxNotes> notes;  // null: none; copies of the graph share them
};

class Graph {
 public:
  Graph();  // an empty region 0

  // --- reading
  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  const Region& region(RegionId id) const { return regions_[static_cast<size_t>(id)]; }
  const Region& top() const { return regions_[0]; }
  int num_values() const { return static_cast<int>(values_.size()); }  // tombstones included
  int num_nodes() const { return static_cast<int>(nodes_.size()); }    // tombstones included
  int num_regions() const { return static_cast<int>(regions_.size()); }
  // Nodes that read the value, one entry per use, in no particular order.
  std::span<const NodeId> users(ValueId id) const { return users_[static_cast<size_t>(id)]; }
  // Input i of a node, or kNoId when it is absent or omitted.
  ValueId input(NodeId id, int i) const;
  // The node that produces the value, or null.
  const Node* producer(ValueId id) const;
  bool IsGraphOutput(ValueId id) const;            // an output of region 0
  bool IsRegionOutput(ValueId id) const;           // an output of any region (region 0 included)
  ValueId FindValue(std::string_view name) const;  // by name, else by origin; kNoId; O(values)
  std::string UniqueName(std::string_view wish) const;  // `wish`, or `wish` + "_1", "_2" …

  ModelMetadata metadata;

  // --- building and changing
  ValueId AddInput(std::string name, TensorType type, RegionId region = 0);
  // The type's dtype is the tensor's unless `quant` is given (then float32, and the tensor is in
  // storage type).
  ValueId AddConstant(std::string name, Tensor tensor,
                      std::shared_ptr<const QuantType> quant = nullptr);
  // Appends a node to `region`, or inserts it before `before`. `output_names[i]` empty: the output
  // is omitted. Output types are unknown until InferNode.
  NodeId AddNode(OpType op, std::string name, std::vector<ValueId> inputs,
                 std::vector<std::string> output_names, AttrMap attrs = {}, RegionId region = 0,
                 NodeId before = kNoId);
  RegionId AddRegion(NodeId owner, std::string attr_name);
  void AddOutput(ValueId value, RegionId region = 0);
  void SetInput(NodeId node, int index, ValueId value);
  void SetOutput(RegionId region, int index, ValueId value);
  void SetType(ValueId id, TensorType type) { mutable_value(id).type = std::move(type); }
  void SetQuant(ValueId id, std::shared_ptr<const QuantType> quant) {
    mutable_value(id).type.quant = std::move(quant);
  }
  void SetElements(ValueId id, std::optional<std::vector<Dim>> elements);
  void SetConstant(ValueId id,
                   Tensor tensor);  // replaces the contents of a constant; type.shape follows
  void SetAttr(NodeId id, std::string_view name, AttrValue value);
  void SetNodeName(NodeId id, std::string name) { mutable_node(id).name = std::move(name); }
  void Rename(ValueId id, std::string name);  // the old name becomes an origin
  void AddOrigin(ValueId id, std::string_view name);
  void DropOrigin(ValueId id, std::string_view name);  // fine if absent
  // Every use of `from`, region outputs included, reads `to` instead.
  void ReplaceUses(ValueId from, ValueId to);
  // The node's outputs must be unused. Its regions go with it.
  void EraseNode(NodeId id);
  // Erases constants nobody uses.
  void EraseUnusedConstants();

 private:
  Value& mutable_value(ValueId id) { return values_[static_cast<size_t>(id)]; }
  Node& mutable_node(NodeId id) { return nodes_[static_cast<size_t>(id)]; }
  void RemoveUse(ValueId value, NodeId node);
  void KillValue(ValueId id);
  ValueId NewValue(std::string name);
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<Region> regions_;
  std::vector<std::vector<NodeId>> users_;
  std::unordered_map<std::string, ValueId> by_name_;  // live values
};

// Runs the shape rule of one node and stores the types of its outputs (a quantized output keeps its
// quant). Unknown operators and missing definitions leave the outputs unknown. Errors carry
// operator and node.
Status InferNode(Graph& graph, NodeId id);
// InferNode over region 0 in order, inner regions included where their operator says so.
Status InferGraph(Graph& graph);

// Checks every invariant above plus: topological order, unique names, signatures (CheckSignature),
// constants that match their types, quant types valid for their shapes, inferred dtype and dims
// equal to the stored ones.
Status Verify(const Graph& graph);

// "node 'conv1' (Conv)", or by first output when the node has no name: the start of every message
// about a node.
std::string DescribeNode(const Graph& graph, NodeId id);

// Deterministic SHA-256 (hex) over structure, types, attributes and constants of the graph; names
// of nodes and metadata do not count, names of values do.
std::string GraphHash(const Graph& graph);

}  // namespace adze

#endif  // ADZE_IR_GRAPH_H_
