#include "formats/onnx/notes.h"

#include <algorithm>

#include "formats/onnx/wire.h"

namespace adze::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

// Fields that ONNX defines and adze carries, with the IR version that introduced them.
struct Defined {
  NoteOf message;
  uint32_t field;
  int64_t ir_version;
};
constexpr int64_t kFirst = 3;  // or before: no file written is older
constexpr Defined kDefined[] = {
    {NoteOf::kModel, 20, 7},           // training_info
    {NoteOf::kModel, 26, 11},          // configuration
    {NoteOf::kGraph, 10, kFirst},      // doc_string
    {NoteOf::kGraph, 14, 5},           // quantization_annotation
    {NoteOf::kGraph, 16, 10},          // metadata_props
    {NoteOf::kNode, 6, kFirst},        // doc_string
    {NoteOf::kNode, 8, 10},            // overload
    {NoteOf::kNode, 9, 10},            // metadata_props
    {NoteOf::kNode, 10, 11},           // device_configurations
    {NoteOf::kAttribute, 13, kFirst},  // doc_string
    {NoteOf::kValueInfo, 3, kFirst},   // doc_string
    {NoteOf::kValueInfo, 4, 10},       // metadata_props
    {NoteOf::kType, 6, kFirst},        // denotation
    {NoteOf::kDim, 3, kFirst},         // denotation
    {NoteOf::kTensor, 8, kFirst},      // name, of a tensor in an attribute
    {NoteOf::kTensor, 12, kFirst},     // doc_string
    {NoteOf::kTensor, 16, 10},         // metadata_props
};

OnnxNotes::OfAttribute AttributeNotes(const AttributeProto& a) {
  OnnxNotes::OfAttribute kept;
  kept.fields = a.notes;
  if (a.t != nullptr) {
    AppendText(8, a.t->name, &kept.tensor);
    kept.tensor += a.t->notes;
  }
  if (a.g != nullptr) kept.graph = {std::string(a.g->name), a.g->notes};
  return kept;
}

bool HasField(const OnnxNotes::Fields& fields, uint32_t field) {
  return pbf_reader(fields).next(field);
}

// The tensor that an annotation is about, and those that hold its parameters.
std::vector<std::string_view> NamesInAnnotation(pbf_reader annotation) {
  std::vector<std::string_view> names;
  while (annotation.next()) {
    if (annotation.tag_and_type() == Bytes(1)) {
      names.push_back(View(annotation));
    } else if (annotation.tag_and_type() == Bytes(2)) {
      pbf_reader pair = annotation.get_message();
      while (pair.next(2, protozero::pbf_wire_type::length_delimited)) names.push_back(View(pair));
    } else {
      annotation.skip();
    }
  }
  return names;
}

const OnnxNotes& NotesOf(const Graph& graph) {
  static const OnnxNotes kNone;
  return graph.metadata.notes != nullptr ? *graph.metadata.notes : kNone;
}

}  // namespace

void AddValueNotes(const std::string& value, const ValueInfoProto& info, OnnxNotes* notes) {
  const bool in_dims = std::any_of(info.dims.begin(), info.dims.end(),
                                   [](const DimProto& d) { return !d.notes.empty(); });
  if (info.notes.empty() && info.type_notes.empty() && !in_dims) return;
  OnnxNotes::OfValue& kept = notes->values[value];
  if (kept.declared()) return;  // a graph input that is an output too: one declaration stands
  kept.info = info.notes;
  kept.type = info.type_notes;
  if (!in_dims) return;
  for (const DimProto& d : info.dims) kept.dims.push_back(d.notes);
}

void AddTensorNotes(const std::string& value, const OnnxNotes::Fields& fields, OnnxNotes* notes) {
  if (!fields.empty()) notes->values[value].tensor = fields;
}

void AddNodeNotes(const Graph& graph, NodeId node, const NodeProto& proto, bool unique_name,
                  OnnxNotes* notes) {
  const Node& n = graph.node(node);
  OnnxNotes::OfNode kept{n.op, proto.notes, {}};
  for (const AttributeProto& a : proto.attributes) {
    OnnxNotes::OfAttribute attribute = AttributeNotes(a);
    if (attribute.fields.empty() && attribute.tensor.empty() && attribute.graph.name.empty() &&
        attribute.graph.fields.empty()) {
      continue;
    }
    kept.attributes.emplace(a.name, std::move(attribute));
  }
  if (kept.fields.empty() && kept.attributes.empty()) return;
  if (unique_name) {
    notes->nodes.emplace(n.name, std::move(kept));
    return;
  }
  const auto first =
      std::find_if(n.outputs.begin(), n.outputs.end(), [](ValueId id) { return id != kNoId; });
  if (first == n.outputs.end()) return;
  notes->nodes_by_output.emplace(graph.value(*first).name, std::move(kept));
}

OnnxNotes::Fields ConstantNotes(const NodeProto& node, const TensorProto* tensor) {
  OnnxNotes::Fields fields = tensor != nullptr ? tensor->notes : OnnxNotes::Fields();
  const bool has_doc = HasField(fields, 12);
  pbf_writer w(fields);
  pbf_reader r(node.notes);
  while (r.next()) {
    switch (r.tag_and_type()) {
      case Bytes(6):
        if (has_doc) {
          r.skip();
        } else {
          w.add_bytes(12, r.get_view());
        }
        break;
      case Bytes(9):
        w.add_bytes(16, r.get_view());
        break;
      default:  // concerns a node
        r.skip();
    }
  }
  return fields;
}

NoteWriter::NoteWriter(const Graph& graph) : graph_(graph), notes_(NotesOf(graph)) {}

const OnnxNotes::OfValue& NoteWriter::value(const std::string& name) const {
  static const OnnxNotes::OfValue kNone;
  const auto it = notes_.values.find(name);
  return it == notes_.values.end() ? kNone : it->second;
}

std::string NoteWriter::DimName(const Dim& dim) const {
  std::string text = dim.ToString();
  const auto it = notes_.dim_names.find(text);
  return it == notes_.dim_names.end() ? text : it->second;
}

const OnnxNotes::OfNode& NoteWriter::TakeNode(const Node& node) {
  static const OnnxNotes::OfNode kNone;
  if (const auto it = notes_.nodes.find(node.name);
      it != notes_.nodes.end() && taken_.insert(&it->second).second) {
    return it->second;
  }
  for (ValueId id : node.outputs) {
    if (id == kNoId) continue;
    const auto it = notes_.nodes_by_output.find(graph_.value(id).name);
    // A value may be computed in another way by now, so the operator must agree.
    const bool same = it != notes_.nodes_by_output.end() && it->second.op == node.op;
    return same ? it->second : kNone;
  }
  return kNone;
}

void NoteWriter::Require(NoteOf message, uint32_t field) {
  const auto known = std::find_if(std::begin(kDefined), std::end(kDefined), [&](const Defined& d) {
    return d.message == message && d.field == field;
  });
  ir_version_ = std::max(
      ir_version_, known != std::end(kDefined) ? known->ir_version : graph_.metadata.ir_version);
}

void NoteWriter::Announce(NoteOf message, const OnnxNotes::Fields& fields) {
  for (pbf_reader r(fields); r.next(); r.skip()) Require(message, r.tag());
}

void NoteWriter::Add(NoteOf message, const OnnxNotes::Fields& fields, pbf_writer& w) {
  Announce(message, fields);
  for (pbf_reader r(fields); r.next();) CopyField(r, w);
}

void NoteWriter::AddGraph(const OnnxNotes::Fields& fields,
                          FunctionRef<bool(std::span<const std::string_view>)> use, pbf_writer& w) {
  for (pbf_reader r(fields); r.next();) {
    if (r.tag_and_type() == Bytes(14)) {
      pbf_reader annotation = r;
      if (!use(NamesInAnnotation(annotation.get_message()))) {
        r.skip();
        continue;
      }
    }
    Require(NoteOf::kGraph, r.tag());
    CopyField(r, w);
  }
}

}  // namespace adze::onnx
