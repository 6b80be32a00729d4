// Encodings -> types, integer constants and adze.Requantize nodes.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "numerics/number_format.h"
#include "numerics/rounding.h"
#include "quant/integer_form.h"
#include "quant/quantization_plan.h"

namespace adze {
namespace {

// |accumulator| must stay below 2^31; the margin absorbs the rounding of bias and weights.
constexpr double kAccumulatorLimit = 2147483647.0 - 256.0;
constexpr double kActivationReach = 255.0;  // |x - zero_point| of 8-bit activations

std::string Quoted(const std::string& name) { return "tensor '" + name + "'"; }

Status CheckActivation(const std::string& name, const TensorEncoding& e) {
  if (!e.outer_scale.empty())
    return Unsupported(Quoted(name) + ": two-level scales cannot be applied");
  if (!e.type.per_tensor()) {
    return Unsupported(Quoted(name) + ": activations must have one scale per tensor");
  }
  if (SizeOf(e.type.storage) != 1) {
    return Unsupported(Quoted(name) + ": activations must be integers of at most 8 bits, not " +
                       DTypeName(e.type.storage));
  }
  return VerifyQuantType(e.type, 1).WithContext(Quoted(name));
}

Status CheckWeight(const std::string& name, const TensorEncoding& e, const Tensor& weight,
                   int axis) {
  if (!e.outer_scale.empty())
    return Unsupported(Quoted(name) + ": two-level scales cannot be applied");
  if (ContainerOf(e.type.storage) != DType::kInt8 || !e.type.symmetric() ||
      e.type.block_size != 0) {
    return Unsupported(Quoted(name) +
                       ": where the layer's input is quantized, weights must be symmetric signed "
                       "integers of at most 8 bits without blocks");
  }
  if (!e.type.per_tensor() && e.type.axis != axis) {
    return Unsupported(Quoted(name) + ": its axis is " + std::to_string(e.type.axis) +
                       " but the operator's output channels are axis " + std::to_string(axis));
  }
  return VerifyQuantType(e.type, weight.dims()[static_cast<size_t>(axis)])
      .WithContext(Quoted(name));
}

// Of a weight that is stored in its format and multiplied in float.
Status CheckStoredWeight(const std::string& name, const TensorEncoding& e, const Tensor& weight) {
  if (!e.outer_scale.empty())
    return Unsupported(Quoted(name) + ": two-level scales cannot be applied");
  const QuantType& q = e.type;
  if (SizeOf(q.storage) != 1) {
    return Unsupported(Quoted(name) + ": weights must be integers of at most 8 bits, not " +
                       DTypeName(q.storage));
  }
  if (q.axis >= weight.rank()) {
    return InvalidInput(Quoted(name) + ": it has no axis " + std::to_string(q.axis));
  }
  const int64_t scales = ScaleIndex(weight.dims(), q).count();
  if (scales != static_cast<int64_t>(q.scale.size())) {
    return InvalidInput(Quoted(name) + " has " + std::to_string(q.scale.size()) +
                        " scales, needs " + std::to_string(scales));
  }
  return VerifyQuantType(q, scales).WithContext(Quoted(name));
}

// Index of the scale that element i of a tensor with these dims has.
struct ChannelIndex {
  ChannelIndex(const std::vector<int64_t>& dims, const QuantType& q) {
    if (q.per_tensor()) return;
    channels = dims[static_cast<size_t>(q.axis)];
    for (size_t d = static_cast<size_t>(q.axis) + 1; d < dims.size(); ++d) inner *= dims[d];
  }
  size_t operator()(int64_t i) const { return static_cast<size_t>(i / inner % channels); }
  int64_t channels = 1;
  int64_t inner = 1;
};

// Stores float values in their type; symmetric int8 avoids the code -128.
Result<Tensor> QuantizeConstant(const Value& v, const QuantType& q) {
  const float* const x = v.constant.data<float>();
  ADZE_ASSIGN(Tensor out, Tensor::TryAllocate(q.storage, v.constant.dims()));
  IntRange range = RangeOf(q.storage);
  if (q.storage == DType::kInt8 && q.symmetric()) range.min = -range.max;
  const ScaleIndex index(v.constant.dims(), q);
  int8_t* const codes = static_cast<int8_t*>(out.mutable_raw());
  const int64_t size = v.constant.size();
  for (int64_t begin = 0; begin < size;) {
    const size_t s = index(begin);
    const float scale = q.scale[s];
    const int32_t zero_point = q.zero_point[s];
    const int64_t end = begin + std::min(index.run(), size - begin);
    for (int64_t i = begin; i < end; ++i) {
      if (!std::isfinite(x[i])) {
        return InvalidInput("constant '" + v.name + "' holds " +
                            (std::isnan(x[i]) ? "NaN" : "an infinity"));
      }
      codes[i] = static_cast<int8_t>(
          q.codebook.empty() ? QuantizeOne(x[i], scale, zero_point, static_cast<int32_t>(range.min),
                                           static_cast<int32_t>(range.max))
                             : static_cast<int32_t>(NearestCode(q.codebook, x[i] / scale)));
    }
    begin = end;
  }
  return out;
}

// Element c of a bias that may be one scalar for all channels.
float BiasAt(const Tensor& bias, int64_t c) { return bias.data<float>()[bias.size() == 1 ? 0 : c]; }

class Applier {
 public:
  Applier(Graph& graph, const Encodings& encodings) : graph_(graph), encodings_(encodings) {}

  Status Bind() {
    for (const auto& [name, e] : encodings_.tensors) {
      if (graph_.FindValue(name) == kNoId) {
        return InvalidInput("the encodings name " + Quoted(name) +
                            ", which the graph does not have");
      }
    }
    for (const UseEncoding& u : encodings_.uses) {
      const ValueId out = graph_.FindValue(u.node_output);
      const NodeId node = out == kNoId ? kNoId : graph_.value(CanonicalValue(graph_, out)).producer;
      if (node == kNoId || graph_.input(node, u.input) == kNoId) {
        return InvalidInput("the encodings name input " + std::to_string(u.input) +
                            " of the node that computes '" + u.node_output +
                            "', which the graph does not have");
      }
      ADZE_TRY(CheckActivation(u.node_output, u.encoding));
      uses_[{node, u.input}] = &u.encoding;
    }
    order_ = graph_.top().nodes;
    Decide();
    return OkStatus();
  }

  std::vector<BiasRepair> repairs;

  // Enlarges weight scales in `encodings` (the object given to the constructor) where a 32-bit
  // accumulator would not do.
  Status Repair(Encodings* encodings) {
    for (const NodeId id : order_) {
      if (!IsInteger(id) || !IsCompute(id)) continue;
      const ValueId weight = WeightOf(id);
      const Value& w = graph_.value(weight);
      if (w.type.quant != nullptr) continue;
      ADZE_TRY(CheckWeight(w.name, *EntryOf(weight), w.constant, WeightAxis(graph_, id)));
      const TensorEncoding& x = *EncodingOfInput(id, 0);
      ADZE_TRY(
          CheckActivation(EncodingName(graph_, CanonicalValue(graph_, graph_.input(id, 0))), x));
      ADZE_TRY(RepairWeight(id, w, x.type.scale[0], &encodings->tensors[NameOf(weight)]));
    }
    return OkStatus();
  }

  Status Apply(ApplyReport* report) {
    for (const NodeId id : order_) {
      if (!IsInteger(id) && !stored_.contains(id)) continue;
      if (Status s = ApplyNode(id); !s.ok()) return s.WithContext(DescribeNode(graph_, id));
    }
    const int num_values = graph_.num_values();
    for (ValueId v = 0; v < num_values; ++v) {
      const Value& value = graph_.value(v);
      // Only what these encodings speak of: a graph may have been quantized elsewhere before.
      if (!value.dead && !value.is_constant() && value.type.quant != nullptr &&
          !NameOf(v).empty()) {
        LeaveIntegers(v);
      }
    }
    graph_.EraseUnusedConstants();
    for (const auto& [name, e] : encodings_.tensors) {
      if (!used_.contains(name)) report->unused.push_back(name);
    }
    double integer = 0;
    double all = 0;
    for (const NodeId id : order_) {
      const double macs = static_cast<double>(NodeMacs(graph_, id));
      all += macs;
      if (IsInteger(id)) {
        integer += macs;
      } else if (plans_[static_cast<size_t>(id)] == NodePlan::kFloat) {
        report->float_nodes.push_back(DescribeFloatNode(graph_, id, reasons_[id]));
      }
    }
    report->int8_macs_share = all > 0 ? integer / all : 1.0;
    return OkStatus();
  }

 private:
  bool IsInteger(NodeId id) const {
    const NodePlan p = plans_[static_cast<size_t>(id)];
    return p != NodePlan::kIgnore && p != NodePlan::kFloat;
  }
  bool IsCompute(NodeId id) const {
    return FindOp(graph_.node(id).op)->quant.kind == QuantKind::kCompute;
  }
  ValueId WeightOf(NodeId id) const {
    return graph_.input(id, FindOp(graph_.node(id).op)->quant.weight_input);
  }

  // The name under which the encodings list the tensor, or "".
  std::string NameOf(ValueId id) const {
    const ValueId canonical = CanonicalValue(graph_, id);
    const std::string name = EncodingName(graph_, canonical);
    if (encodings_.tensors.contains(name)) return name;
    const Value& v = graph_.value(canonical);
    if (encodings_.tensors.contains(v.name)) return v.name;
    for (const std::string& origin : v.origins) {
      if (encodings_.tensors.contains(origin)) return origin;
    }
    return "";
  }
  const TensorEncoding* EntryOf(ValueId id) {
    const std::string name = NameOf(id);
    if (name.empty()) return nullptr;
    used_.insert(name);
    return &encodings_.tensors.at(name);
  }
  const TensorEncoding* EncodingOfInput(NodeId id, int i) {
    const auto it = uses_.find({id, i});
    return it != uses_.end() ? it->second : EntryOf(graph_.input(id, i));
  }

  // A node runs on integers when all of its tensors have encodings; a multiply-accumulate whose
  // result has none yields float32.
  void Decide() {
    plans_.assign(static_cast<size_t>(graph_.num_nodes()), NodePlan::kIgnore);
    std::set<NodeId> fused;
    for (const NodeId id : order_) {
      const Node& n = graph_.node(id);
      const bool has_float = std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId out) {
        return out != kNoId && IsFloat(graph_.value(out).type.dtype);
      });
      if (IsRequantize(graph_, id) || !has_float) continue;
      NodePlan& plan = plans_[static_cast<size_t>(id)];
      plan = NodePlan::kFloat;
      std::string& reason = reasons_[id];
      reason = NoIntegerForm(graph_, id);
      if (!reason.empty()) continue;
      const auto missing = [&](ValueId v) {
        if (!NameOf(v).empty()) return false;
        reason =
            "its tensor '" + EncodingName(graph_, CanonicalValue(graph_, v)) + "' has no encoding";
        return true;
      };
      bool incomplete = IsCompute(id) && missing(WeightOf(id));
      for (const int i : DataInputs(n, *FindOp(n.op))) {
        incomplete = incomplete || (!fused.contains(id) && !uses_.contains({id, i}) &&
                                    missing(n.inputs[static_cast<size_t>(i)]));
      }
      NodePlan integer = NodePlan::kInteger;
      for (const ValueId out : n.outputs) {
        if (incomplete || out == kNoId || !IsFloat(graph_.value(out).type.dtype) || !missing(out)) {
          continue;
        }
        // Rounded where the chain of what can be fused first has an encoding, if it has one.
        const std::vector<NodeId> chain = FusableChain(graph_, id);
        const auto last = std::find_if(chain.begin(), chain.end(), [&](NodeId next) {
          return !NameOf(graph_.node(next).outputs[0]).empty();
        });
        if (fused.contains(id)) {
          integer = NodePlan::kFusedBefore;
        } else if (last != chain.end()) {
          integer = NodePlan::kFusedBefore;
          fused.insert(chain.begin(), last + 1);
        } else if (IsCompute(id)) {
          integer = NodePlan::kFloatResult;
        } else {
          incomplete = true;
        }
      }
      if (incomplete) continue;
      plan = integer;
      reason.clear();
    }
    // A multiply-accumulate in float whose weight has an encoding: its weight is stored so.
    for (const NodeId id : order_) {
      if (plans_[static_cast<size_t>(id)] != NodePlan::kFloat ||
          FindOp(graph_.node(id).op) == nullptr || !IsCompute(id)) {
        continue;
      }
      const ValueId weight = WeightOf(id);
      const Value& w = graph_.value(weight);
      if (!w.is_constant() || w.type.dtype != DType::kFloat32 || NameOf(weight).empty()) continue;
      // Shared with a layer on integers, the encoding is that layer's.
      const auto users = graph_.users(weight);
      if (std::any_of(users.begin(), users.end(),
                      [&](NodeId u) { return graph_.node(u).parent == 0 && IsInteger(u); })) {
        continue;
      }
      stored_.insert(id);
      reasons_[id] +=
          (reasons_[id].empty() ? "" : ": ") + std::string("only its weight is quantized");
    }
    // Marks what is in use; missing entries no longer matter.
    for (const NodeId id : order_) {
      if (stored_.contains(id)) EntryOf(WeightOf(id));
      if (!IsInteger(id)) continue;
      if (IsCompute(id)) EntryOf(WeightOf(id));
      for (const ValueId v : QuantizedValues(graph_, id, plans_)) EntryOf(v);
    }
  }

  Status RepairWeight(NodeId id, const Value& w, float x_scale, TensorEncoding* e) {
    const ValueId bias_id = graph_.input(id, FindOp(graph_.node(id).op)->quant.bias_input);
    const Tensor* const bias = bias_id == kNoId ? nullptr : &graph_.value(bias_id).constant;
    const int axis = WeightAxis(graph_, id);
    QuantType per_channel = e->type;
    per_channel.axis = axis;
    const ChannelIndex channel(w.constant.dims(), per_channel);
    const float* const x = w.constant.data<float>();
    for (int64_t c = 0; c < channel.channels; ++c) {
      float& scale = e->type.scale[e->type.per_tensor() ? 0 : static_cast<size_t>(c)];
      const float old_scale = scale;
      double b = 0;
      if (bias != nullptr && bias->dtype() == DType::kFloat32) {
        b = std::abs(static_cast<double>(BiasAt(*bias, c)));
        if (!std::isfinite(b)) {
          return InvalidInput("bias '" + graph_.value(bias_id).name + "' holds NaN or an infinity");
        }
      }
      for (int attempt = 0;; ++attempt) {
        double total = b / (static_cast<double>(x_scale) * scale);
        const int64_t outer_step = channel.channels * channel.inner;
        // Most accumulators are too short to overflow whatever the codes are.
        const double products = static_cast<double>(w.constant.size() / channel.channels);
        if (total + kActivationReach * 127 * products <= kAccumulatorLimit) break;
        for (int64_t o = c * channel.inner; o < w.constant.size(); o += outer_step) {
          for (int64_t i = o; i < o + channel.inner; ++i) {
            if (!std::isfinite(x[i])) {
              return InvalidInput("weight '" + w.name + "' holds NaN or an infinity");
            }
            total += kActivationReach * std::min(127.0f, std::abs(RoundNearestEven(x[i] / scale)));
          }
        }
        if (total <= kAccumulatorLimit) break;
        scale *= static_cast<float>(std::max(total / kAccumulatorLimit, 1.0 + 0x1p-20));
        if (attempt == 64 || !std::isfinite(scale)) {
          return Unsupported("weight '" + w.name + "', channel " + std::to_string(c) +
                             ": no scale keeps the accumulator within 32 bits");
        }
      }
      if (scale != old_scale) {
        repairs.push_back({NameOf(CanonicalValue(graph_, WeightOf(id))), c, old_scale, scale});
        e->provenance.note = "scale enlarged: the bias would overflow";
      }
    }
    return OkStatus();
  }

  Status ApplyNode(NodeId id) {
    if (stored_.contains(id)) return SetWeight(id);
    const OpDef& def = *FindOp(graph_.node(id).op);
    const std::vector<int> data = DataInputs(graph_.node(id), def);
    if (!ReadsFused(graph_, id, plans_)) {
      for (const int i : data) ADZE_TRY(SetInput(id, i));
    }
    if (def.quant.kind == QuantKind::kCompute) {
      ADZE_TRY(SetWeight(id));
      ADZE_TRY(SetBias(id));
    }
    if (plans_[static_cast<size_t>(id)] != NodePlan::kInteger) return OkStatus();
    for (const ValueId out : std::vector(graph_.node(id).outputs)) {
      if (out == kNoId || !IsFloat(graph_.value(out).type.dtype)) continue;
      const TensorEncoding& e = *EntryOf(out);
      ADZE_TRY(CheckActivation(NameOf(out), e));
      ADZE_TRY(SetType(out, e.type));
      if (!NeedsEqualScales(def)) continue;
      for (const int i : data) {
        const Value& in = graph_.value(graph_.input(id, i));
        if (*in.type.quant != e.type) {
          return InvalidInput("needs equal scales, but " + Quoted(NameOf(graph_.input(id, i))) +
                              " and " + Quoted(NameOf(out)) + " have different encodings");
        }
      }
    }
    return OkStatus();
  }

  Status Conflict(ValueId id) {
    return InvalidInput(Quoted(EncodingName(graph_, CanonicalValue(graph_, id))) +
                        " is already quantized with other parameters");
  }

  Status SetType(ValueId id, const QuantType& type) {
    const auto& quant = graph_.value(id).type.quant;
    if (quant != nullptr) return *quant == type ? OkStatus() : Conflict(id);
    graph_.SetQuant(id, std::make_shared<const QuantType>(type));
    return OkStatus();
  }

  // Makes data input i of a node read the tensor in its encoding.
  Status SetInput(NodeId id, int i) {
    const ValueId v = graph_.input(id, i);
    const bool own = uses_.contains({id, i});
    const TensorEncoding& e = *EncodingOfInput(id, i);
    ADZE_TRY(CheckActivation(NameOf(v), e));
    const auto& quant = graph_.value(v).type.quant;
    if (quant != nullptr && *quant == e.type) return OkStatus();
    if (quant != nullptr && !own) return Conflict(v);
    if (graph_.value(v).is_constant()) {
      if (quant != nullptr) return Conflict(v);
      ADZE_ASSIGN(Tensor codes, QuantizeConstant(graph_.value(v), e.type));
      ReplaceConstant(id, i, std::move(codes), e.type);
      return OkStatus();
    }
    graph_.SetInput(id, i, Requantized(CanonicalValue(graph_, v), &e.type));
    return OkStatus();
  }

  Status SetWeight(NodeId id) {
    const int i = FindOp(graph_.node(id).op)->quant.weight_input;
    const ValueId weight = graph_.input(id, i);
    const Value& w = graph_.value(weight);
    const TensorEncoding& e = *EntryOf(weight);
    ADZE_TRY(stored_.contains(id) ? CheckStoredWeight(w.name, e, w.constant)
                                  : CheckWeight(w.name, e, w.constant, WeightAxis(graph_, id)));
    if (w.type.quant != nullptr) return *w.type.quant == e.type ? OkStatus() : Conflict(weight);
    ADZE_ASSIGN(Tensor codes, QuantizeConstant(w, e.type));
    // Tied weights stay tied: every integer user of this tensor reads the same codes.
    const std::vector<NodeId> users(graph_.users(weight).begin(), graph_.users(weight).end());
    const bool all =
        std::all_of(users.begin(), users.end(), [&](NodeId u) { return IsWeightUser(u, weight); });
    const auto quant = std::make_shared<const QuantType>(e.type);
    if (all) {
      graph_.SetQuant(weight, quant);
      graph_.SetConstant(weight, std::move(codes));
      return OkStatus();
    }
    const ValueId copy = CopyConstant(weight, std::move(codes), quant);
    for (const NodeId u : users) {
      if (IsWeightUser(u, weight)) graph_.SetInput(u, i, copy);
    }
    return OkStatus();
  }
  bool IsWeightUser(NodeId u, ValueId weight) const {
    if (graph_.node(u).parent != 0 || !(IsInteger(u) || stored_.contains(u)) || !IsCompute(u)) {
      return false;
    }
    const Node& n = graph_.node(u);
    return WeightOf(u) == weight && std::count(n.inputs.begin(), n.inputs.end(), weight) == 1;
  }

  // int32 codes of the bias in units of the accumulator.
  Status SetBias(NodeId id) {
    const int i = FindOp(graph_.node(id).op)->quant.bias_input;
    const ValueId bias = graph_.input(id, i);
    if (bias == kNoId) return OkStatus();
    const QuantType& wq = *graph_.value(WeightOf(id)).type.quant;
    const float x_scale = EncodingOfInput(id, 0)->type.scale[0];
    const Tensor& weight = graph_.value(WeightOf(id)).constant;
    const int64_t channels = weight.dims()[static_cast<size_t>(WeightAxis(graph_, id))];
    QuantType q;
    q.storage = DType::kInt32;
    q.axis = 0;
    for (int64_t c = 0; c < channels; ++c) {
      q.scale.push_back(x_scale * wq.scale[wq.per_tensor() ? 0 : static_cast<size_t>(c)]);
    }
    q.zero_point.assign(q.scale.size(), 0);
    const Value& b = graph_.value(bias);
    if (b.type.quant != nullptr) return *b.type.quant == q ? OkStatus() : Conflict(bias);
    Tensor codes = Tensor::Allocate(DType::kInt32, {channels});
    for (int64_t c = 0; c < channels; ++c) {
      const double code = std::nearbyint(static_cast<double>(BiasAt(b.constant, c)) /
                                         q.scale[static_cast<size_t>(c)]);
      if (!(std::abs(code) <= 2147483647.0)) {
        return InvalidInput("bias '" + b.name + "' does not fit 32 bits");
      }
      codes.mutable_data<int32_t>()[c] = static_cast<int32_t>(code);
    }
    if (Status s = VerifyQuantType(q, channels); !s.ok()) {
      return s.WithContext("bias '" + b.name + "'");
    }
    ReplaceConstant(id, i, std::move(codes), q);
    return OkStatus();
  }

  // Input i of the node, a float constant, becomes `codes`: in place if nobody else reads it.
  void ReplaceConstant(NodeId id, int i, Tensor codes, const QuantType& type) {
    const ValueId old = graph_.input(id, i);
    const auto quant = std::make_shared<const QuantType>(type);
    if (graph_.users(old).size() == 1 && !graph_.IsRegionOutput(old)) {
      graph_.SetQuant(old, quant);
      graph_.SetConstant(old, std::move(codes));
      return;
    }
    graph_.SetInput(id, i, CopyConstant(old, std::move(codes), quant));
  }
  ValueId CopyConstant(ValueId old, Tensor codes, std::shared_ptr<const QuantType> quant) {
    const std::string name = graph_.value(old).name;
    const ValueId copy = graph_.AddConstant(graph_.UniqueName(name + "_quantized"),
                                            std::move(codes), std::move(quant));
    graph_.AddOrigin(copy, name);
    return copy;
  }

  // The value in another format (float when `type` is null): an existing adze.Requantize of it, or
  // a new one.
  ValueId Requantized(ValueId v, const QuantType* type) {
    for (const NodeId user : graph_.users(v)) {
      if (!IsRequantize(graph_, user) || graph_.node(user).parent != 0) continue;
      const ValueId out = graph_.node(user).outputs[0];
      const auto& quant = graph_.value(out).type.quant;
      if (type == nullptr ? quant == nullptr : quant != nullptr && *quant == *type) return out;
    }
    const NodeId producer = graph_.value(v).producer;
    const std::vector<NodeId>& nodes = graph_.top().nodes;
    auto position = nodes.begin();
    if (producer != kNoId) position = std::next(std::find(nodes.begin(), nodes.end(), producer));
    const std::string suffix = type == nullptr ? "_float" : "_quantized";
    const NodeId node = graph_.AddNode(OpType::Intern(kAdzeDomain, "Requantize"), "", {v},
                                       {graph_.UniqueName(graph_.value(v).name + suffix)}, {}, 0,
                                       position == nodes.end() ? kNoId : *position);
    const ValueId out = graph_.node(node).outputs[0];
    TensorType t = graph_.value(v).type;
    t.quant = type == nullptr ? nullptr : std::make_shared<const QuantType>(*type);
    graph_.SetType(out, std::move(t));
    return out;
  }

  // Whatever is not an integer operator reads a quantized value as float32; graph outputs keep name
  // and type.
  void LeaveIntegers(ValueId v) {
    const std::vector<NodeId> users(graph_.users(v).begin(), graph_.users(v).end());
    for (const NodeId u : users) {
      if (IsRequantize(graph_, u) || (graph_.node(u).parent == 0 && IsInteger(u))) continue;
      for (int i = 0; i < static_cast<int>(graph_.node(u).inputs.size()); ++i) {
        if (graph_.input(u, i) == v) graph_.SetInput(u, i, Requantized(v, nullptr));
      }
    }
    for (RegionId r = 0; r < graph_.num_regions(); ++r) {
      for (int i = 0; i < static_cast<int>(graph_.region(r).outputs.size()); ++i) {
        if (graph_.region(r).outputs[static_cast<size_t>(i)] != v) continue;
        const ValueId real = Requantized(v, nullptr);
        graph_.SetOutput(r, i, real);
        if (r == 0) SwapName(v, real);
      }
    }
  }
  // The graph output keeps the file's name; the integers behind it get another.
  void SwapName(ValueId integer, ValueId real) {
    const std::string name = graph_.value(integer).name;
    const std::string temporary = graph_.value(real).name;
    graph_.Rename(integer, graph_.UniqueName(name + "_quantized"));
    graph_.DropOrigin(integer, name);
    graph_.Rename(real, name);
    graph_.DropOrigin(real, temporary);
  }

  Graph& graph_;
  const Encodings& encodings_;
  std::vector<NodeId> order_;
  std::vector<NodePlan> plans_;
  std::set<NodeId> stored_;  // in float, but their weights are stored in codes
  std::map<NodeId, std::string> reasons_;
  std::map<std::pair<NodeId, int>, const TensorEncoding*> uses_;
  std::set<std::string> used_;
};

}  // namespace

Result<std::vector<BiasRepair>> RepairBiasOverflow(const Graph& graph, Encodings* encodings) {
  Graph copy = graph;
  Applier applier(copy, *encodings);
  ADZE_TRY(applier.Bind());
  ADZE_TRY(applier.Repair(encodings));
  return std::move(applier.repairs);
}

Result<ApplyReport> ApplyEncodings(Graph& graph, const Encodings& encodings) {
  Encodings repaired = encodings;
  ApplyReport report;
  ADZE_ASSIGN(report.repairs, RepairBiasOverflow(graph, &repaired));
  Applier applier(graph, repaired);
  ADZE_TRY(applier.Bind());
  ADZE_TRY(applier.Apply(&report));
  return report;
}

}  // namespace adze
