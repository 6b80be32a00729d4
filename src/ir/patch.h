// A Patch is what a pass proposes: new nodes and constants, and which existing values they replace.
// The pass never touches the graph; the driver applies the patch, infers the new types, removes
// what died and verifies.
#ifndef ADZE_IR_PATCH_H_
#define ADZE_IR_PATCH_H_

#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace adze {

class Patch {
 public:
  // New nodes are inserted before `anchor`, normally the matched node: it must come after
  // everything the new nodes read and before everything that reads the replaced values.
  Patch(const Graph& graph, NodeId anchor) : anchor_(anchor), next_id_(graph.num_values()) {}

  // Ids returned here may be used as inputs of later nodes of this patch and as replacements.
  ValueId AddConstant(std::string name, Tensor tensor,
                      std::shared_ptr<const QuantType> quant = nullptr);
  // A node with one output called `output_name` (made unique; a replacement inherits the replaced
  // name instead).
  ValueId AddNode(OpType op, std::string name, std::vector<ValueId> inputs, AttrMap attrs,
                  std::string output_name);
  // The new value's quantization (types are otherwise inferred).
  void SetQuant(ValueId value, std::shared_ptr<const QuantType> quant);
  // Uses of `old` read `replacement` (new or existing). When the replacement is new, it takes over
  // the name and the origins of `old`; when it existed, `old`'s name becomes one of its origins —
  // unless `old` is a graph output: then the replacement is renamed to it (it must be produced by a
  // node and not be a graph output itself).
  void Replace(ValueId old, ValueId replacement);
  // `old`'s name stays known as an origin of `value` without any rewiring: the tensor `value`
  // stands for it now (a weight after folding).
  void KeepName(ValueId old, ValueId value);
  // Replaces the whole input list / one attribute of an existing node, in place.
  void SetAttr(NodeId node, std::string name, AttrValue value);

  // Applies to `graph` (the one given to the constructor, unchanged since). The graph stays valid
  // only on success. `replaced`, if given, receives the (old, replacement) pairs as ids of the
  // graph.
  Status Apply(Graph& graph, std::vector<std::pair<ValueId, ValueId>>* replaced = nullptr) const;

 private:
  struct NewConstant {
    std::string name;
    Tensor tensor;
    std::shared_ptr<const QuantType> quant;
    ValueId id;
  };
  struct NewNode {
    OpType op;
    std::string name;
    std::vector<ValueId> inputs;
    AttrMap attrs;
    std::string output_name;
    ValueId id;
    std::shared_ptr<const QuantType> quant;
  };
  struct NewAttr {
    NodeId node;
    std::string name;
    AttrValue value;
  };
  NodeId anchor_;
  ValueId next_id_;
  std::vector<NewConstant> constants_;
  std::vector<NewNode> nodes_;
  std::vector<std::pair<ValueId, ValueId>> replacements_;
  std::vector<std::pair<ValueId, ValueId>> kept_names_;
  std::vector<NewAttr> attrs_;
};

}  // namespace adze

#endif  // ADZE_IR_PATCH_H_
