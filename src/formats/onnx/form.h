// The form a canonical node takes in a file of a given opset: the inverse of adapt.h. Operators
// whose form depends on the opset (13 or later) have one row in form_list.inc; all others are
// written as they are from opset 13 on.
#ifndef ADZE_FORMATS_ONNX_FORM_H_
#define ADZE_FORMATS_ONNX_FORM_H_

#include <vector>

#include "base/status.h"
#include "ir/graph.h"

namespace adze::onnx {

inline constexpr int kOldestWrittenOpset = 13;

// What is written of a node; starts as the node itself.
struct FormNode {
  const Graph& graph;
  const Node& node;
  std::vector<ValueId> inputs;
  AttrMap attrs;
};

// Brings the node into the form of `opset`; false if that opset cannot express it.
bool ToForm(FormNode& n, int opset);

// The opset to write: the lowest, not below `at_least`, that expresses every node. A default-domain
// operator unknown to adze pins the opset it was read with. Refused: contradictions between these,
// operators of adze's own domain, quantized values.
Result<int> ChooseOpset(const Graph& graph, int at_least);

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_FORM_H_
