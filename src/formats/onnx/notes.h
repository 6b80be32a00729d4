// Notes: what an ONNX file says that adze carries from the file read to the file written without
// reading it. These are doc strings and metadata_props of graphs, nodes, values and tensors,
// denotations, overloads, quantization annotations, training information, and fields whose numbers
// adze does not know. (Doc string and properties of the model itself are texts of ModelMetadata.)
//
// Notes are found by name, the name of the value or of the node in the graph. So they survive
// every pass that keeps the name, whatever stands behind it now, and go when the name goes; passes
// need not know of them. They count neither for GraphHash nor for Verify.
#ifndef ADZE_FORMATS_ONNX_NOTES_H_
#define ADZE_FORMATS_ONNX_NOTES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "formats/onnx/proto.h"
#include "ir/graph.h"

namespace adze {

struct OnnxNotes {
  using Fields = std::string;  // protobuf fields in wire form (formats/onnx/wire.h)

  struct OfGraph {
    std::string name;  // of inner graphs; the outermost one's is ModelMetadata::graph_name
    Fields fields;
  };
  struct OfAttribute {
    Fields fields;
    Fields tensor;  // of the tensor that is its value, the tensor's name included
    OfGraph graph;  // of the graph that is its value
  };
  struct OfNode {
    OpType op;  // in the graph, after adapting
    Fields fields;
    std::map<std::string, OfAttribute, std::less<>> attributes;
  };
  struct OfValue {
    Fields info;               // of its declaration as input, output or value_info
    Fields type;               // of the TypeProto in that
    std::vector<Fields> dims;  // of each dimension in that; empty when none has any
    Fields tensor;             // of the initializer
    bool declared() const { return !info.empty() || !type.empty() || !dims.empty(); }
  };

  Fields model;
  OfGraph graph;
  std::map<std::string, std::string, std::less<>> dim_names;  // in the file, of cleaned symbols
  std::map<std::string, OfValue, std::less<>> values;         // by name
  // By name where only one node of the file has it, all others by the name of their first output.
  std::map<std::string, OfNode, std::less<>> nodes, nodes_by_output;

  bool empty() const {
    return model.empty() && graph.fields.empty() && dim_names.empty() && values.empty() &&
           nodes.empty() && nodes_by_output.empty();
  }
};

namespace onnx {

// --- reading: each takes what its message carries, and does nothing if that is nothing

void AddValueNotes(const std::string& value, const ValueInfoProto& info, OnnxNotes* notes);
void AddTensorNotes(const std::string& value, const OnnxNotes::Fields& fields, OnnxNotes* notes);
// `unique_name`: no other node of the file has the node's name, which is not empty.
void AddNodeNotes(const Graph& graph, NodeId node, const NodeProto& proto, bool unique_name,
                  OnnxNotes* notes);
// The notes of the tensor that a Constant node becomes: its own, and the node's doc string and
// metadata.
OnnxNotes::Fields ConstantNotes(const NodeProto& node, const TensorProto* tensor);

// --- writing

// The message that fields belong to.
enum class NoteOf : uint8_t { kModel, kGraph, kNode, kAttribute, kValueInfo, kType, kDim, kTensor };

// Hands out the notes of a graph, writes them, and knows which IR version they need.
class NoteWriter {
 public:
  explicit NoteWriter(const Graph& graph);  // the graph must outlive the writer

  const OnnxNotes& all() const { return notes_; }
  const OnnxNotes::OfValue& value(const std::string& name) const;
  // The name of a symbolic dimension, or its expression.
  std::string DimName(const Dim& dim) const;
  // Every node's notes are handed out once, should two nodes bear its name by now.
  const OnnxNotes::OfNode& TakeNode(const Node& node);

  void Add(NoteOf message, const OnnxNotes::Fields& fields, protozero::pbf_writer& w);
  // The same for a GraphProto. `use` is asked before the quantization annotation of a tensor is
  // written, with the names of all tensors that it speaks of; false leaves the annotation out.
  void AddGraph(const OnnxNotes::Fields& fields,
                FunctionRef<bool(std::span<const std::string_view>)> use, protozero::pbf_writer& w);
  // Counts fields for ir_version that will be written later.
  void Announce(NoteOf message, const OnnxNotes::Fields& fields);
  // The lowest IR version that has every field announced or added: for a field that adze does not
  // know, that of the file it was read from.
  int64_t ir_version() const { return ir_version_; }

 private:
  void Require(NoteOf message, uint32_t field);

  const Graph& graph_;
  const OnnxNotes& notes_;
  std::set<const OnnxNotes::OfNode*> taken_;
  int64_t ir_version_ = 0;
};

}  // namespace onnx
}  // namespace adze

#endif  // ADZE_FORMATS_ONNX_NOTES_H_
