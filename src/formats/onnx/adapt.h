// Adapting a node from the opset of its file to the canonical one (kCanonicalOpset). Each
// difference is one row of adapt_list.inc and one function in an adapt_*.cc; operators without a
// row mean the same in every opset read.
#ifndef ADZE_FORMATS_ONNX_ADAPT_H_
#define ADZE_FORMATS_ONNX_ADAPT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/status.h"
#include "ir/graph.h"

namespace adze::onnx {

// A node on its way into the graph: an adapter changes it in place and may add nodes and constants
// before it.
struct AdaptNode {
  Graph& graph;
  int opset;        // of the file, for the default domain
  RegionId region;  // where the node will be
  OpType op;
  std::string name;
  std::vector<ValueId> inputs;
  std::vector<std::string> outputs;  // names; empty: omitted
  std::vector<bool> output_used;     // whether anything in the file reads output i
  AttrMap attrs;
  FunctionRef<std::string(std::string)> unique_name;  // a value name nobody in the file has

  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNoId; }
};

// Applies the row for the node's operator and opset, if there is one. Refusals do not name the
// node.
Status Adapt(AdaptNode& n);

// The functions of the rows; each expects its row's operator and opsets.
#define ADZE_ONNX_ADAPT(op, first, last, function) Status function(AdaptNode& n);
#include "formats/onnx/adapt_list.inc"
#undef ADZE_ONNX_ADAPT

// --- helpers for adapters

// Removes an attribute and returns its value; nullopt when absent; refuses one of another kind. T
// is an alternative of AttrValue.
template <typename T>
Result<std::optional<T>> TakeAttr(AdaptNode& n, const char* attr_name) {
  const AttrValue* const value = n.attrs.Find(attr_name);
  if (value == nullptr) return std::optional<T>();
  const T* const typed = std::get_if<T>(value);
  if (typed == nullptr) {
    return InvalidInput(std::string("attribute '") + attr_name + "' is of kind " +
                        AttrKindName(KindOf(*value)) + ", must be " +
                        AttrKindName(KindOf(AttrValue(T{}))));
  }
  std::optional<T> taken = *typed;
  n.attrs.Erase(attr_name);
  return taken;
}

// A new constant called after the node's first output: "y_axes".
ValueId AddConstant(AdaptNode& n, std::string_view suffix, Tensor tensor);
// The same for int64 lists and for one number in the element type of input 0 (float32 when that is
// not a float type or not known).
ValueId AddInts(AdaptNode& n, std::string_view suffix, const std::vector<int64_t>& values);
ValueId AddScalarLikeInput(AdaptNode& n, std::string_view suffix, float value);
// Sets input i, filling the gap before it with omitted ones.
void SetInput(AdaptNode& n, size_t i, ValueId value);
// Adds a node with one output before the adapted one and infers its type.
Result<ValueId> EmitBefore(AdaptNode& n, const char* op, std::vector<ValueId> inputs, AttrMap attrs,
                           std::string_view suffix);
// The contents of input i if it is a constant, else null.
const Tensor* ConstantInput(const AdaptNode& n, size_t i);
// The shape of input i if its rank is known, else null.
const Shape* InputShape(const AdaptNode& n, size_t i);

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_ADAPT_H_
