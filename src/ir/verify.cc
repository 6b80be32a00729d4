// The graph verifier: every invariant of graph.h, checked after each pass and after reading.
#include <set>
#include <string>

#include "ir/graph.h"

namespace adze {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), visible_(static_cast<size_t>(graph.num_values()), false) {}

  Status Run() {
    std::set<std::string_view> names;
    for (ValueId id = 0; id < graph_.num_values(); ++id) {
      const Value& v = graph_.value(id);
      if (v.dead) continue;
      if (!names.insert(v.name).second)
        return InvalidInput("two values are called '" + v.name + "'");
      if (v.is_constant()) {
        visible_[static_cast<size_t>(id)] = true;
        ADZE_TRY(Constant(v));
      }
      if (Status s = Quant(v); !s.ok()) return s.WithContext("value '" + v.name + "'");
    }
    return CheckRegion(0);
  }

 private:
  Status Constant(const Value& v) {
    const auto dims = v.type.shape ? ToConstDims(*v.type.shape) : std::nullopt;
    if (!dims || *dims != v.constant.dims() || v.type.storage() != v.constant.dtype()) {
      return InvalidInput("constant '" + v.name + "' does not match its type");
    }
    return OkStatus();
  }

  Status Quant(const Value& v) {
    if (!v.type.quant) return OkStatus();
    const QuantType& q = *v.type.quant;
    if (v.type.dtype != DType::kFloat32)
      return InvalidInput("only float32 values can be quantized");
    int64_t channels = 0;
    if (!q.per_tensor()) {
      if (!v.type.shape || q.axis >= static_cast<int>(v.type.shape->size())) {
        return InvalidInput("quantization axis " + std::to_string(q.axis) + " is out of range");
      }
      const Dim& d = (*v.type.shape)[static_cast<size_t>(q.axis)];
      if (!d.is_const()) return InvalidInput("quantization axis has a symbolic size");
      channels = d.value();
    }
    ADZE_TRY(VerifyQuantType(q, channels));
    if (q.block_size == 0 && q.codebook.empty()) return OkStatus();
    if (!v.is_constant()) {
      return InvalidInput("only constants can be quantized in blocks or with a codebook");
    }
    const int64_t scales = ScaleIndex(v.constant.dims(), q).count();
    if (scales == static_cast<int64_t>(q.scale.size())) return OkStatus();
    return InvalidInput("blocks of " + std::to_string(q.block_size) + " need " +
                        std::to_string(scales) + " scales, there are " +
                        std::to_string(q.scale.size()));
  }

  Status Use(ValueId id, const std::string& user) {
    if (id == kNoId) return OkStatus();
    if (id < 0 || id >= graph_.num_values() || graph_.value(id).dead) {
      return InvalidInput(user + " reads a value that does not exist");
    }
    if (!visible_[static_cast<size_t>(id)]) {
      return InvalidInput(user + " reads '" + graph_.value(id).name + "' before it is computed");
    }
    return OkStatus();
  }

  Status CheckNode(NodeId id) {
    const Node& n = graph_.node(id);
    const std::string who = DescribeNode(graph_, id);
    if (n.dead) return InvalidInput(who + " was erased but is still listed");
    for (ValueId in : n.inputs) ADZE_TRY(Use(in, who));
    if (const OpDef* def = FindOp(n.op)) {
      if (Status s = CheckSignature(*def, n.attrs, static_cast<int>(n.inputs.size()),
                                    static_cast<int>(n.outputs.size()));
          !s.ok()) {
        return s.WithContext(who);
      }
    }
    for (const auto& [name, region] : n.regions) {
      if (graph_.region(region).owner != id)
        return InvalidInput(who + ": region has another owner");
      ADZE_TRY(CheckRegion(region));
    }
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      const ValueId out = n.outputs[i];
      if (out == kNoId) continue;
      const Value& v = graph_.value(out);
      if (v.dead || v.producer != id || v.output_index != static_cast<int>(i)) {
        return InvalidInput(who + ": output '" + v.name + "' does not point back to it");
      }
      visible_[static_cast<size_t>(out)] = true;
    }
    return OkStatus();
  }

  Status CheckRegion(RegionId region) {
    const Region& r = graph_.region(region);
    for (ValueId in : r.inputs) visible_[static_cast<size_t>(in)] = true;
    for (NodeId id : r.nodes) {
      if (graph_.node(id).parent != region) {
        return InvalidInput(DescribeNode(graph_, id) + " is listed in a region it is not part of");
      }
      ADZE_TRY(CheckNode(id));
    }
    for (ValueId out : r.outputs)
      ADZE_TRY(Use(out, region == 0 ? "the graph output" : "a region output"));
    // What an inner region computes is not visible outside it.
    if (region != 0) {
      for (NodeId id : r.nodes) {
        for (ValueId out : graph_.node(id).outputs) {
          if (out != kNoId) visible_[static_cast<size_t>(out)] = false;
        }
      }
      for (ValueId in : r.inputs) visible_[static_cast<size_t>(in)] = false;
    }
    return OkStatus();
  }

  const Graph& graph_;
  std::vector<bool> visible_;
};

}  // namespace

Status Verify(const Graph& graph) {
  ADZE_TRY(Verifier(graph).Run());
  // The stored types must be what the shape rules derive; a copy keeps the graph untouched.
  Graph copy = graph;
  return InferGraph(copy);
}

}  // namespace adze
