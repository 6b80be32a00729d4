// Graph -> ONNX file. Everything but the weights is serialized in memory first, because protobuf
// puts the length of a message before it; weights are then streamed from where they lie.
#include <filesystem>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <set>

#include "base/file.h"
#include "formats/onnx/form.h"
#include "formats/onnx/notes.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/tensor_proto.h"

namespace adze {
namespace onnx {
namespace {

using protozero::pbf_writer;

constexpr uint64_t kMinExternalBytes = 1024;  // smaller tensors stay inline: shapes, scales, biases
constexpr uint64_t kExternalAlignment = 4096;  // so that consumers can map each tensor

// One initializer: the message up to the bytes of its elements, which follow when it is inline.
struct TensorPiece {
  std::string head;
  Tensor inline_data;  // undefined: the elements are in the external file
};

void WriteVarint(std::string* out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out->push_back(static_cast<char>((v & 0x7f) | 0x80));
  out->push_back(static_cast<char>(v));
}
// Tag and length of a length-delimited field.
std::string LengthPrefix(uint32_t field, uint64_t length) {
  std::string out;
  WriteVarint(&out, (uint64_t{field} << 3) | 2);
  WriteVarint(&out, length);
  return out;
}

void AddText(pbf_writer& w, uint32_t field, const std::string& text) {
  if (!text.empty()) w.add_string(field, text);
}

void AddPair(pbf_writer& w, uint32_t field, const std::string& key, const std::string& value) {
  pbf_writer pair(w, field);
  pair.add_string(1, key);
  pair.add_string(2, value);
}

// TensorProto without its elements.
void AddTensorHead(pbf_writer& w, const Tensor& t, const std::string& name) {
  w.add_packed_int64(1, t.dims().begin(), t.dims().end());
  w.add_int32(2, static_cast<int32_t>(OnnxFromDType(t.dtype())));
  AddText(w, 8, name);
}

void AddTensorType(pbf_writer& type, const Value& v, NoteWriter* notes) {
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(OnnxFromDType(v.type.dtype)));
  if (!v.type.shape) return;
  if (v.type.shape->empty()) {
    tensor.add_message(2, "", 0);  // a scalar; pbf_writer drops messages nothing was written to
    return;
  }
  const std::vector<OnnxNotes::Fields>& dim_notes = notes->value(v.name).dims;
  pbf_writer shape(tensor, 2);
  for (size_t i = 0; i < v.type.shape->size(); ++i) {
    const Dim& d = (*v.type.shape)[i];
    pbf_writer dim(shape, 1);
    if (d.is_const()) {
      dim.add_int64(1, d.value());
    } else {
      dim.add_string(2, notes->DimName(d));
    }
    if (dim_notes.size() == v.type.shape->size()) notes->Add(NoteOf::kDim, dim_notes[i], dim);
  }
}

void AddValueInfo(pbf_writer& w, uint32_t field, const Value& v, NoteWriter* notes) {
  pbf_writer info(w, field);
  info.add_string(1, v.name);
  if (v.type.dtype != DType::kUndefined) {
    pbf_writer type(info, 2);
    AddTensorType(type, v, notes);
    notes->Add(NoteOf::kType, notes->value(v.name).type, type);
  }
  notes->Add(NoteOf::kValueInfo, notes->value(v.name).info, info);
}

void AddAttribute(pbf_writer& w, const std::string& name, const AttrValue& value,
                  const OnnxNotes::OfAttribute& kept, NoteWriter* notes) {
  pbf_writer a(w, 5);
  a.add_string(1, name);
  AttributeType type = AttributeType::kUndefined;
  switch (KindOf(value)) {
    case AttrKind::kInt:
      a.add_int64(3, std::get<int64_t>(value));
      type = AttributeType::kInt;
      break;
    case AttrKind::kFloat:
      a.add_float(2, std::get<float>(value));
      type = AttributeType::kFloat;
      break;
    case AttrKind::kString:
      a.add_bytes(4, std::get<std::string>(value));
      type = AttributeType::kString;
      break;
    case AttrKind::kTensor: {
      const Tensor& t = std::get<Tensor>(value);
      pbf_writer tensor(a, 5);
      AddTensorHead(tensor, t, "");
      const Tensor elements = PackForOnnx(t);
      tensor.add_bytes(9, static_cast<const char*>(elements.raw()), elements.bytes());
      notes->Add(NoteOf::kTensor, kept.tensor, tensor);
      type = AttributeType::kTensor;
      break;
    }
    case AttrKind::kInts:
      for (int64_t v : std::get<std::vector<int64_t>>(value)) a.add_int64(8, v);
      type = AttributeType::kInts;
      break;
    case AttrKind::kFloats:
      for (float v : std::get<std::vector<float>>(value)) a.add_float(7, v);
      type = AttributeType::kFloats;
      break;
    case AttrKind::kStrings:
      for (const std::string& s : std::get<std::vector<std::string>>(value)) a.add_bytes(9, s);
      type = AttributeType::kStrings;
      break;
  }
  a.add_int32(20, static_cast<int32_t>(type));
  notes->Add(NoteOf::kAttribute, kept.fields, a);
}

class Writer {
 public:
  Writer(const Graph& graph, int opset) : graph_(graph), opset_(opset), notes_(graph) {}

  // Nodes, inputs, outputs and value infos of the graph; collects the constants that are used.
  std::string GraphBody() {
    std::string body;
    pbf_writer w(body);
    AddRegion(w, 0, notes_.all().graph.fields);
    for (ValueId id : constants_) {
      const Value& v = graph_.value(id);
      notes_.Announce(NoteOf::kTensor, notes_.value(v.name).tensor);
      if (notes_.value(v.name).declared() && !graph_.IsGraphOutput(id)) {
        AddValueInfo(w, 13, v, &notes_);
      }
    }
    AddText(w, 2, graph_.metadata.graph_name.empty() ? "graph" : graph_.metadata.graph_name);
    return body;
  }

  const std::set<ValueId>& constants() const { return constants_; }
  void AddTensorNotes(pbf_writer& w, ValueId id) {
    notes_.Add(NoteOf::kTensor, notes_.value(graph_.value(id).name).tensor, w);
  }

  // Everything of the model but the graph; after GraphBody.
  std::string ModelHead() {
    const ModelMetadata& m = graph_.metadata;
    std::string head;
    pbf_writer w(head);
    notes_.Announce(NoteOf::kModel, notes_.all().model);
    w.add_int64(1, std::max<int64_t>(OnnxIrVersionFor(opset_), notes_.ir_version()));
    const bool made_here = m.producer_name.empty() && m.ir_version == 0;
    AddText(w, 2, made_here ? "adze" : m.producer_name);
    AddText(w, 3, m.producer_version);
    AddText(w, 4, m.domain);
    if (m.model_version != 0) w.add_int64(5, m.model_version);
    AddText(w, 6, m.doc);
    AddOpset(w, "", opset_);
    for (const std::string& domain : domains_) AddOpset(w, domain, VersionOf(domain));
    for (const auto& [key, value] : m.properties) AddPair(w, 14, key, value);
    notes_.Add(NoteOf::kModel, notes_.all().model, w);
    return head;
  }

 private:
  static void AddOpset(pbf_writer& w, const std::string& domain, int64_t version) {
    pbf_writer opset(w, 8);
    opset.add_string(1, domain);
    opset.add_int64(2, version);
  }

  int64_t VersionOf(const std::string& domain) const {
    for (const auto& [name, version] : graph_.metadata.opset_imports) {
      if (name == domain) return version;
    }
    return 1;
  }

  void AddRegion(pbf_writer& w, RegionId id, const OnnxNotes::Fields& notes) {
    const Region& r = graph_.region(id);
    for (NodeId n : r.nodes) AddNode(w, n);
    for (ValueId v : r.inputs) AddValueInfo(w, 11, graph_.value(v), &notes_);
    for (ValueId v : r.outputs) AddOutput(w, id, v);
    const std::set<ValueId> outputs(r.outputs.begin(), r.outputs.end());
    for (NodeId n : r.nodes) {
      const bool derivable = FindOp(graph_.node(n).op) != nullptr;
      // Types that no shape rule could derive again when the file is read, and notes.
      for (ValueId v : graph_.node(n).outputs) {
        if (v == kNoId || graph_.value(v).type.dtype == DType::kUndefined || outputs.contains(v)) {
          continue;
        }
        if (!derivable || notes_.value(graph_.value(v).name).declared()) {
          AddValueInfo(w, 13, graph_.value(v), &notes_);
        }
      }
    }
    const auto use = [&](std::span<const std::string_view> names) { return UseAll(names); };
    notes_.AddGraph(notes, use, w);
  }

  // Makes sure that the constants among the named values are written; false if one of the names
  // has no value.
  bool UseAll(std::span<const std::string_view> names) {
    if (ids_.empty()) {
      for (ValueId id = 0; id < graph_.num_values(); ++id) {
        if (!graph_.value(id).dead) ids_.emplace(graph_.value(id).name, id);
      }
    }
    for (std::string_view name : names) {
      if (!ids_.contains(name)) return false;
    }
    for (std::string_view name : names) Use(ids_.find(name)->second);
    return true;
  }

  // The output of an inner graph must be computed in it: constants and outer values pass through an
  // Identity.
  void AddOutput(pbf_writer& w, RegionId region, ValueId id) {
    Use(id);
    const Value& v = graph_.value(id);
    const bool own = v.producer != kNoId && graph_.node(v.producer).parent == region;
    if (own || region == 0) {
      AddValueInfo(w, 12, v, &notes_);
      return;
    }
    Value copy = v;
    copy.name = graph_.UniqueName(v.name + "_out" + std::to_string(++num_copies_));
    pbf_writer node(w, 1);
    node.add_string(1, v.name);
    node.add_string(2, copy.name);
    node.add_string(4, "Identity");
    node.commit();
    AddValueInfo(w, 12, copy, &notes_);
  }

  void AddNode(pbf_writer& w, NodeId id) {
    const Node& n = graph_.node(id);
    FormNode form{graph_, n, n.inputs, n.attrs};
    ADZE_CHECK(ToForm(form, opset_));  // ChooseOpset made sure
    pbf_writer node(w, 1);
    for (ValueId v : form.inputs) node.add_string(1, Use(v));
    for (ValueId v : n.outputs) node.add_string(2, v == kNoId ? "" : graph_.value(v).name);
    AddText(node, 3, n.name);
    node.add_string(4, std::string(n.op.name()));
    const OnnxNotes::OfNode& kept = notes_.TakeNode(n);
    const auto attribute_notes = [&](const std::string& name) -> const OnnxNotes::OfAttribute& {
      static const OnnxNotes::OfAttribute kNone;
      const auto it = kept.attributes.find(name);
      return it == kept.attributes.end() ? kNone : it->second;
    };
    for (const auto& [name, value] : form.attrs) {
      AddAttribute(node, name, value, attribute_notes(name), &notes_);
    }
    for (const auto& [name, region] : n.regions) {
      const OnnxNotes::OfAttribute& of_graph = attribute_notes(name);
      pbf_writer a(node, 5);
      a.add_string(1, name);
      {
        pbf_writer inner(a, 6);
        inner.add_string(2, of_graph.graph.name.empty() ? name : of_graph.graph.name);
        AddRegion(inner, region, of_graph.graph.fields);
      }
      a.add_int32(20, static_cast<int32_t>(AttributeType::kGraph));
      notes_.Add(NoteOf::kAttribute, of_graph.fields, a);
    }
    notes_.Add(NoteOf::kNode, kept.fields, node);
    if (!n.op.domain().empty()) {
      node.add_string(7, std::string(n.op.domain()));
      domains_.insert(std::string(n.op.domain()));
    }
  }

  const std::string& Use(ValueId id) {
    static const std::string kOmitted;
    if (id == kNoId) return kOmitted;
    if (graph_.value(id).is_constant()) constants_.insert(id);
    return graph_.value(id).name;
  }

  const Graph& graph_;
  const int opset_;
  std::set<ValueId>
      constants_;  // in id order, so that the file does not depend on the order of use
  std::map<std::string_view, ValueId> ids_;  // by name, when UseAll first asks
  std::set<std::string> domains_;
  NoteWriter notes_;
  int num_copies_ = 0;
};

Status AppendTensor(AtomicFileWriter* file, const Tensor& t) {
  return file->Append(std::span(static_cast<const std::byte*>(t.raw()), t.bytes()));
}

Status WriteModel(const Graph& graph, const std::string& path, const OnnxWriteOptions& options) {
  if (options.min_opset > kCanonicalOpset) {
    return UsageError("opset " + std::to_string(options.min_opset) +
                      " cannot be demanded, at most " + std::to_string(kCanonicalOpset));
  }
  ADZE_ASSIGN(const int opset, ChooseOpset(graph, options.min_opset));
  Writer writer(graph, opset);
  const std::string body = writer.GraphBody();
  const std::string head = writer.ModelHead();
  uint64_t weight_bytes = 0;
  for (ValueId id : writer.constants()) weight_bytes += graph.value(id).constant.bytes();
  const bool external =
      options.external_data || weight_bytes + body.size() + head.size() > options.max_inline_bytes;

  const std::string data_path = path + ".data";
  std::unique_ptr<AtomicFileWriter> data;
  if (external) {
    ADZE_ASSIGN(data, AtomicFileWriter::Create(data_path));
  }
  std::vector<TensorPiece> pieces;
  uint64_t graph_bytes = body.size();
  for (ValueId id : writer.constants()) {
    const Value& v = graph.value(id);
    const Tensor t = PackForOnnx(v.constant);
    std::string head_bytes;
    pbf_writer w(head_bytes);
    AddTensorHead(w, v.constant, v.name);
    writer.AddTensorNotes(w, id);
    const bool outside = data != nullptr && t.bytes() >= kMinExternalBytes;
    if (outside) {
      const uint64_t offset = (data->bytes_written() + kExternalAlignment - 1) /
                              kExternalAlignment * kExternalAlignment;
      ADZE_TRY(data->Append(std::string(offset - data->bytes_written(), '\0')));
      ADZE_TRY(AppendTensor(data.get(), t));
      w.add_int32(14, 1);
      AddPair(w, 13, "location", std::filesystem::path(data_path).filename().string());
      AddPair(w, 13, "offset", std::to_string(offset));
      AddPair(w, 13, "length", std::to_string(t.bytes()));
    } else {
      head_bytes += LengthPrefix(9, t.bytes());
    }
    const uint64_t size = head_bytes.size() + (outside ? 0 : t.bytes());
    std::string prefix = LengthPrefix(5, size);
    graph_bytes += prefix.size() + size;
    pieces.push_back({std::move(prefix) + head_bytes, outside ? Tensor() : t});
  }
  ADZE_ASSIGN(const std::unique_ptr<AtomicFileWriter> file, AtomicFileWriter::Create(path));
  ADZE_TRY(file->Append(head));
  ADZE_TRY(file->Append(LengthPrefix(7, graph_bytes)));
  ADZE_TRY(file->Append(body));
  for (const TensorPiece& piece : pieces) {
    ADZE_TRY(file->Append(piece.head));
    if (piece.inline_data.defined()) ADZE_TRY(AppendTensor(file.get(), piece.inline_data));
  }
  if (data != nullptr) ADZE_TRY(data->Commit());
  const Status status = file->Commit();
  if (!status.ok() && data != nullptr) {
    std::error_code ignored;
    std::filesystem::remove(data_path, ignored);
  }
  return status;
}

}  // namespace
}  // namespace onnx

Status WriteOnnx(const Graph& graph, const std::string& path, const OnnxWriteOptions& options) {
  try {
    return onnx::WriteModel(graph, path, options);
  } catch (const std::exception& e) {  // std::bad_alloc, std::filesystem
    return InvalidInput(path + ": cannot be written: " + e.what());
  }
}

int OnnxIrVersionFor(int opset) {
  // From the ONNX release table; indexed by opset - 7.
  static constexpr int kVersions[] = {3, 3, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10, 11, 12, 13};
  static_assert(std::size(kVersions) == kNewestOnnxOpset - kOldestOnnxOpset + 1);
  ADZE_CHECK(opset >= kOldestOnnxOpset && opset <= kNewestOnnxOpset);
  return kVersions[opset - kOldestOnnxOpset];
}

}  // namespace adze
