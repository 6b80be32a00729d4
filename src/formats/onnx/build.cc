#include "formats/onnx/build.h"

#include <unordered_map>
#include <unordered_set>

#include "formats/onnx/adapt.h"
#include "formats/onnx/notes.h"
#include "formats/onnx/onnx.h"

namespace adze::onnx {
namespace {

constexpr int64_t kOldestIrVersion = 3;  // the first with opset imports
constexpr int64_t kNewestIrVersion = 14;

// The names visible in one graph, and those around it.
struct Scope {
  const Scope* outer = nullptr;
  std::unordered_map<std::string_view, ValueId> values;
  // Tensors that adze cannot hold: a refusal only when something uses them.
  std::unordered_map<std::string_view, Status> refused;
  // What the file declares about values computed by nodes.
  std::unordered_map<std::string_view, const ValueInfoProto*> declared;
};

class Builder {
 public:
  Builder(const ModelProto& model, std::shared_ptr<const void> owner, ExternalFiles* external)
      : model_(model), owner_(std::move(owner)), external_(external) {}

  Result<Graph> Build() {
    ADZE_TRY(CheckModel());
    CollectNames(model_.graph, true);
    for (const ValueInfoProto& v : model_.graph.inputs) {
      for (const DimProto& d : v.dims) {
        if (d.kind == DimProto::kValue && d.value < 0) shapes_doubtful_ = true;
      }
    }
    ADZE_TRY(ReadRegion(model_.graph, 0, nullptr));
    SetMetadata();
    ADZE_TRY(InferGraph(graph_));
    return std::move(graph_);
  }

 private:
  Status CheckModel() {
    if (model_.ir_version == 0 || !model_.has_graph) {
      return InvalidInput("not an ONNX model: it has no IR version or no graph");
    }
    if (model_.ir_version < kOldestIrVersion || model_.ir_version > kNewestIrVersion) {
      return Unsupported("IR version " + std::to_string(model_.ir_version) +
                         " is not supported, only " + std::to_string(kOldestIrVersion) + " to " +
                         std::to_string(kNewestIrVersion));
    }
    if (!model_.function_names.empty()) {
      return Unsupported("model-local function '" + std::string(model_.function_names[0]) +
                         "' is not supported; inline functions first");
    }
    for (auto [domain, version] : model_.opset_imports) {
      if (domain == "ai.onnx") domain = "";
      if (const auto [it, inserted] = opsets_.emplace(domain, version);
          !inserted && it->second != version) {
        return InvalidInput("imports two opsets of domain '" + std::string(domain) + "'");
      }
      if (domain.empty() && (version < kOldestOnnxOpset || version > kNewestOnnxOpset)) {
        return Unsupported("opset " + std::to_string(version) + " is not supported, only " +
                           std::to_string(kOldestOnnxOpset) + " to " +
                           std::to_string(kNewestOnnxOpset));
      }
    }
    return OkStatus();
  }

  // Names of values anywhere in the file, so that new ones do not collide, and which of them are
  // read.
  void CollectNames(const GraphProto& g, bool top) {
    const auto add = [&](std::string_view name) {
      file_names_.insert(std::string(name));
      if (top) top_names_.insert(name);
    };
    for (const ValueInfoProto& v : g.inputs) add(v.name);
    for (const TensorProto& t : g.initializers) add(t.name);
    for (const ValueInfoProto& v : g.outputs) used_names_.insert(v.name);
    for (const NodeProto& n : g.nodes) {
      for (std::string_view out : n.outputs) add(out);
      used_names_.insert(n.inputs.begin(), n.inputs.end());
      if (!node_names_.insert(n.name).second) repeated_names_.insert(n.name);
      for (const AttributeProto& a : n.attributes) {
        if (a.g != nullptr) CollectNames(*a.g, false);
      }
    }
  }

  // A value name that is nowhere in the file. Counters keep repeated wishes from costing quadratic
  // time.
  std::string UniqueName(std::string wish) {
    if (!file_names_.contains(wish)) {
      file_names_.insert(wish);
      return wish;
    }
    int& counter = counters_[wish];
    std::string name;
    do {
      name = wish + "_" + std::to_string(++counter);
    } while (file_names_.contains(name));
    file_names_.insert(name);
    return name;
  }

  // The graph's name for a value of the file: its own, unless an inner graph reuses a name.
  std::string NameFor(std::string_view name, RegionId region) {
    const bool free = defined_.insert(std::string(name)).second;
    if (region == 0 || (free && !top_names_.contains(name))) return std::string(name);
    return UniqueName(std::string(name));
  }

  Status Define(Scope* scope, std::string_view name, ValueId id) {
    if (!scope->values.emplace(name, id).second || scope->refused.contains(name)) {
      return InvalidInput("'" + std::string(name) + "' is defined twice");
    }
    return OkStatus();
  }

  static const ValueId* Find(const Scope* scope, std::string_view name) {
    for (; scope != nullptr; scope = scope->outer) {
      if (const auto it = scope->values.find(name); it != scope->values.end()) return &it->second;
    }
    return nullptr;
  }

  static const Status* FindRefused(const Scope* scope, std::string_view name) {
    for (; scope != nullptr; scope = scope->outer) {
      if (const auto it = scope->refused.find(name); it != scope->refused.end()) return &it->second;
    }
    return nullptr;
  }

  Result<ValueId> Use(const Scope* scope, std::string_view name) {
    if (const ValueId* const id = Find(scope, name)) return *id;
    if (const Status* const refused = FindRefused(scope, name)) return *refused;
    return InvalidInput("'" + std::string(name) + "' is not defined anywhere");
  }

  Status AddConstant(Scope* scope, RegionId region, std::string_view name, Result<Tensor> tensor,
                     const std::string& notes) {
    if (!tensor.ok()) {
      const Status status = tensor.status().WithContext("tensor '" + std::string(name) + "'");
      if (status.code() != StatusCode::kUnsupported) return status;
      if (Find(scope, name) != nullptr || !scope->refused.emplace(name, status).second) {
        return InvalidInput("'" + std::string(name) + "' is defined twice");
      }
      return OkStatus();
    }
    const ValueId id = graph_.AddConstant(NameFor(name, region), std::move(tensor).value());
    const std::string& value = graph_.value(id).name;
    AddTensorNotes(value, notes, &notes_);
    if (const auto it = scope->declared.find(name); it != scope->declared.end()) {
      AddValueNotes(value, *it->second, &notes_);
    }
    return Define(scope, name, id);
  }

  Status ReadRegion(const GraphProto& g, RegionId region, const Scope* outer) {
    Scope scope;
    scope.outer = outer;
    if (g.num_sparse_initializers != 0) return Unsupported("sparse initializers are not supported");
    if (g.outputs.empty() && region == 0) return InvalidInput("the graph has no outputs");
    for (const ValueInfoProto& v : g.value_infos) scope.declared.emplace(v.name, &v);
    for (const ValueInfoProto& v : g.outputs) scope.declared[v.name] = &v;
    for (const TensorProto& t : g.initializers) {
      if (t.name.empty()) return InvalidInput("an initializer has no name");
      ADZE_TRY(AddConstant(&scope, region, t.name, DecodeTensor(t, owner_, external_), t.notes));
    }
    std::unordered_set<std::string_view> input_names;
    for (const ValueInfoProto& v : g.inputs) {
      if (!input_names.insert(v.name).second) {
        return InvalidInput("input '" + std::string(v.name) + "' is listed twice");
      }
      if (Status s = ReadInput(v, region, &scope); !s.ok()) {
        return s.WithContext("input '" + std::string(v.name) + "'");
      }
    }
    const auto defined = [&](std::string_view name) {
      return Find(&scope, name) != nullptr || FindRefused(&scope, name) != nullptr;
    };
    ADZE_ASSIGN(const std::vector<size_t> order, SortNodes(g, defined));
    for (size_t i : order) ADZE_TRY(ReadNode(g.nodes[i], region, &scope));
    std::unordered_set<std::string_view> output_names;
    for (const ValueInfoProto& v : g.outputs) {
      if (!output_names.insert(v.name).second && region == 0) {
        return InvalidInput("output '" + std::string(v.name) + "' is listed twice");
      }
      if (Status s = ReadOutput(v, region, scope); !s.ok()) {
        return s.WithContext("output '" + std::string(v.name) + "'");
      }
    }
    return OkStatus();
  }

  Status ReadInput(const ValueInfoProto& v, RegionId region, Scope* scope) {
    if (v.name.empty()) return InvalidInput("has no name");
    if (v.has_type && !v.is_tensor) {
      return Unsupported(
          "is a sequence, map, optional or sparse tensor, only tensors are supported");
    }
    // Before IR version 4 every initializer was listed as an input too.
    if (const auto it = scope->values.find(v.name); it != scope->values.end()) {
      AddValueNotes(graph_.value(it->second).name, v, &notes_);
      return CheckDeclared(v, it->second);
    }
    if (scope->refused.contains(v.name)) return OkStatus();
    ADZE_ASSIGN(TensorType type, types_.Read(v));
    if (region == 0 && type.dtype == DType::kUndefined) {
      return InvalidInput("has no element type");
    }
    const ValueId id = graph_.AddInput(NameFor(v.name, region), std::move(type), region);
    AddValueNotes(graph_.value(id).name, v, &notes_);
    return Define(scope, v.name, id);
  }

  Status ReadOutput(const ValueInfoProto& v, RegionId region, const Scope& scope) {
    ADZE_ASSIGN(const ValueId id, Use(&scope, v.name));
    if (graph_.value(id).producer == kNoId) ADZE_TRY(CheckDeclared(v, id));
    graph_.AddOutput(id, region);
    if (region == 0) AddValueNotes(graph_.value(id).name, v, &notes_);
    return OkStatus();
  }

  // A declaration of a value whose type is known already must not contradict it.
  Status CheckDeclared(const ValueInfoProto& v, ValueId id) {
    ADZE_ASSIGN(const TensorType declared, types_.Read(v));
    const TensorType& type = graph_.value(id).type;
    bool agrees = declared.dtype == DType::kUndefined || type.dtype == DType::kUndefined ||
                  declared.dtype == type.dtype;
    if (declared.shape && type.shape) {
      agrees = agrees && declared.shape->size() == type.shape->size();
      for (size_t i = 0; agrees && i < type.shape->size(); ++i) {
        const Dim& a = (*declared.shape)[i];
        const Dim& b = (*type.shape)[i];
        agrees = !a.is_const() || !b.is_const() || a == b;
      }
    }
    const auto text = [](const TensorType& t) {
      return std::string(DTypeName(t.dtype)) + (t.shape ? ShapeToString(*t.shape) : "");
    };
    if (agrees) return OkStatus();
    return InvalidInput("is declared as " + text(declared) + " but is " + text(type));
  }

  Status ReadNode(const NodeProto& p, RegionId region, Scope* scope) {
    const auto fail = [&](const Status& s) { return s.WithContext(DescribeNode(p)); };
    if (p.op_type.empty()) return fail(InvalidInput("has no operator"));
    const OpType op = OpType::Intern(p.domain, p.op_type);
    const auto opset = opsets_.find(op.domain());
    if (opset == opsets_.end()) {
      return fail(
          InvalidInput("the model imports no opset of domain '" + std::string(op.domain()) + "'"));
    }
    if (op.Is("Constant")) {
      if (Status s = ReadConstant(p, region, scope); !s.ok()) return fail(s);
      return OkStatus();
    }
    Result<AttrMap> attrs = ReadAttributes(p, owner_, external_);
    if (!attrs.ok()) return fail(attrs.status());
    const auto unique = [this](std::string wish) { return UniqueName(std::move(wish)); };
    AdaptNode n{.graph = graph_,
                .opset = op.domain().empty() ? static_cast<int>(opset->second) : kCanonicalOpset,
                .region = region,
                .op = op,
                .name = std::string(p.name),
                .inputs = {},
                .outputs = {},
                .output_used = {},
                .attrs = std::move(attrs).value(),
                .unique_name = unique};
    for (std::string_view in : p.inputs) {
      Result<ValueId> id = in.empty() ? Result<ValueId>(kNoId) : Use(scope, in);
      if (!id.ok()) return fail(id.status());
      n.inputs.push_back(*id);
    }
    for (std::string_view out : p.outputs) {
      n.outputs.push_back(out.empty() ? "" : NameFor(out, region));
      n.output_used.push_back(!out.empty() && used_names_.contains(out));
    }
    if (Status s = Adapt(n); !s.ok()) return fail(s);
    while (!n.inputs.empty() && n.inputs.back() == kNoId) n.inputs.pop_back();
    while (!n.outputs.empty() && n.outputs.back().empty()) n.outputs.pop_back();
    const NodeId id = graph_.AddNode(n.op, std::move(n.name), std::move(n.inputs),
                                     std::move(n.outputs), std::move(n.attrs), region);
    AddNodeNotes(graph_, id, p, !p.name.empty() && !repeated_names_.contains(p.name), &notes_);
    for (size_t i = 0; i < graph_.node(id).outputs.size(); ++i) {
      const ValueId out = graph_.node(id).outputs[i];
      if (out == kNoId) continue;
      if (Status s = Define(scope, p.outputs[i], out); !s.ok()) return fail(s);
      ADZE_TRY(Declare(*scope, p.outputs[i], out));
    }
    for (const AttributeProto& a : p.attributes) {
      if (a.type != AttributeType::kGraph) continue;
      if (a.g == nullptr)
        return fail(InvalidInput("attribute '" + std::string(a.name) + "' is empty"));
      const RegionId inner = graph_.AddRegion(id, std::string(a.name));
      if (Status s = ReadRegion(*a.g, inner, scope); !s.ok()) {
        return fail(s.WithContext(std::string(a.name)));
      }
    }
    return InferNode(graph_, id);
  }

  // Gives a computed value the type that the file declares; inference checks and completes it.
  Status Declare(const Scope& scope, std::string_view name, ValueId id) {
    const auto it = scope.declared.find(name);
    if (it == scope.declared.end()) return OkStatus();
    AddValueNotes(graph_.value(id).name, *it->second, &notes_);
    if (!it->second->is_tensor) return OkStatus();
    Result<TensorType> type = types_.Read(*it->second);
    if (type.ok()) {
      if (shapes_doubtful_) type->shape.reset();
      graph_.SetType(id, std::move(type).value());
      return OkStatus();
    }
    // An element type without a DType is refused by whatever reads the value.
    if (type.status().code() == StatusCode::kUnsupported) return OkStatus();
    return type.status().WithContext("value '" + std::string(name) + "'");
  }

  Status ReadConstant(const NodeProto& p, RegionId region, Scope* scope) {
    if (!p.inputs.empty() || p.outputs.size() != 1 || p.outputs[0].empty() ||
        p.attributes.size() != 1) {
      return InvalidInput("must have no inputs, one output and one attribute");
    }
    const AttributeProto& a = p.attributes[0];
    return AddConstant(scope, region, p.outputs[0], DecodeConstant(a, owner_, external_),
                       ConstantNotes(p, a.t.get()));
  }

  void SetMetadata() {
    ModelMetadata& m = graph_.metadata;
    m.graph_name = model_.graph.name;
    m.producer_name = model_.producer_name;
    m.producer_version = model_.producer_version;
    m.domain = model_.domain;
    m.doc = model_.doc;
    m.model_version = model_.model_version;
    m.ir_version = model_.ir_version;
    for (const auto& [key, value] : model_.metadata_props) m.properties.emplace_back(key, value);
    for (const auto& [domain, version] : opsets_) m.opset_imports.emplace_back(domain, version);
    notes_.model = model_.notes;
    notes_.graph.fields = model_.graph.notes;
    for (const auto& [name, symbol] : types_.symbols()) {
      if (name != symbol) notes_.dim_names.emplace(symbol, name);
    }
    if (!notes_.empty()) m.notes = std::make_shared<const OnnxNotes>(std::move(notes_));
  }

  const ModelProto& model_;
  const std::shared_ptr<const void> owner_;
  ExternalFiles* const external_;
  Graph graph_;
  TypeReader types_;
  std::map<std::string_view, int64_t> opsets_;
  std::unordered_set<std::string> file_names_;      // all value names, and those made up since
  std::unordered_set<std::string_view> top_names_;  // values of the outermost graph
  std::unordered_set<std::string_view> used_names_;
  std::unordered_set<std::string> defined_;
  std::unordered_map<std::string, int> counters_;
  std::unordered_set<std::string_view> node_names_;
  std::unordered_set<std::string_view> repeated_names_;  // those that several nodes have
  OnnxNotes notes_;
  // An input has a negative dimension, as some exporters write "unknown". Tools that infer shapes
  // take it for a number, and what they declare of computed values follows from -1.
  bool shapes_doubtful_ = false;
};

}  // namespace

Result<Graph> BuildGraph(const ModelProto& model, std::shared_ptr<const void> owner,
                         ExternalFiles* external) {
  return Builder(model, std::move(owner), external).Build();
}

}  // namespace adze::onnx
