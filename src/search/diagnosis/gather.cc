#include "search/diagnosis/gather.h"

#include <algorithm>
#include <cmath>

#include "passes/pass_util.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// Codes of a bias beyond these are cut off.
constexpr double kBiasReach = 2147483647.0;

bool HasQuant(const Graph& g, ValueId v) { return g.value(v).type.quant != nullptr; }

// The values that a step is computed from, copies into other formats looked through; those that are
// computed and not rounded are followed further up.
std::vector<ValueId> Sources(const Graph& g, ValueId v) {
  std::vector<ValueId> sources;
  const NodeId id = g.value(v).producer;
  if (id == kNoId) return sources;
  for (ValueId in : g.node(id).inputs) {
    if (in == kNoId || g.value(in).is_constant()) continue;
    in = CanonicalValue(g, in);
    if (HasQuant(g, in) || g.value(in).producer == kNoId) {
      sources.push_back(in);
      continue;
    }
    const std::vector<ValueId> further = Sources(g, in);
    sources.insert(sources.end(), further.begin(), further.end());
  }
  return sources;
}

// The addition or concatenation that computes `v`, unrounded operators of one input aside.
NodeId JoinOf(const Graph& g, ValueId v) {
  NodeId id = g.value(v).producer;
  while (id != kNoId && !g.node(id).op.Is("Add") && !g.node(id).op.Is("Concat")) {
    const Node& n = g.node(id);
    if (n.inputs.size() != 1 || HasQuant(g, n.inputs[0])) return kNoId;
    id = g.value(n.inputs[0]).producer;
  }
  return id;
}

// Axis of the channels: 1 of images and of what convolutions compute, else the last.
bool ChannelsFirst(const Graph& g, ValueId v) {
  const auto& shape = g.value(v).type.shape;
  if (!shape || shape->size() < 3) return false;
  if (shape->size() > 3) return true;
  const auto is_conv = [&](NodeId id) { return id != kNoId && g.node(id).op.Is("Conv"); };
  const auto users = g.users(v);
  return is_conv(ComputeNode(g, v)) || std::any_of(users.begin(), users.end(), is_conv);
}

// Whether factors per channel could go into the weights: a convolution computes `v`, perhaps with a
// Relu that runs with it, and only convolutions read it.
bool IsEqualizable(const Graph& g, ValueId v) {
  const NodeId conv = ComputeNode(g, v);
  if (conv == kNoId || !g.node(conv).op.Is("Conv") || g.IsRegionOutput(v)) return false;
  for (ValueId at = v; g.value(at).producer != conv;) {
    const NodeId id = g.value(at).producer;
    const std::optional<Bounds> clamp = ClampBounds(g, id);
    if (!clamp || clamp->lo != 0 || std::isfinite(clamp->hi)) return false;
    at = g.node(id).inputs[0];
  }
  const auto users = g.users(v);
  return !users.empty() && std::all_of(users.begin(), users.end(), [&](NodeId u) {
    const Node& n = g.node(u);
    if (!n.op.Is("Conv") || n.inputs[0] != v || !g.value(n.inputs[1]).is_constant()) return false;
    const int64_t groups = n.attrs.Int("group", 1);
    return groups == 1 || g.value(n.inputs[1]).constant.dims()[1] == 1;
  });
}

// The float network tells: its activations are one operator each.
bool IsBeforeActivation(const Graph& reference, const LayerFacts& layer) {
  const ValueId v = layer.compared.reference;
  const NodeId producer = reference.value(v).producer;
  const auto users = reference.users(v);
  if (producer == kNoId || users.size() != 1 || ComputeNode(reference, v) != producer) return false;
  const Node& n = reference.node(users[0]);
  const OpDef* const def = FindOp(n.op);
  return def != nullptr && def->quant.is_activation && !n.op.Is("Relu") && !n.op.Is("Clip");
}

class Gathering {
 public:
  Gathering(const GatherInput& in, ThreadPool* pool) : in_(in), q_(in.quantized), pool_(pool) {}

  Result<Facts> Run() {
    CompareOptions options = in_.compare;
    options.find_factors = MatchLayers();
    std::vector<std::shared_ptr<TensorRecord>> records;
    options.observe = [&](size_t index, ValueId value, const Tensor& real) {
      if (records.size() <= index) records.resize(index + 1);
      if (records[index] == nullptr) records[index] = std::make_shared<TensorRecord>();
      Record(value, real, records[index].get());
    };
    ADZE_ASSIGN(const std::vector<TensorComparison> compared,
                CompareTensors(in_.reference, q_, in_.dataset, options, pool_));
    if (compared.empty()) {
      return InvalidInput("the networks have no tensor in common: no names and shapes agree");
    }
    records.resize(compared.size());
    for (size_t i = 0; i < compared.size(); ++i) {
      layer_of_[RoundedValue(q_, compared[i].value)] = i;
      if (records[i] == nullptr) continue;
      const HistRecord& h = records[i]->hist;
      if (h.nans + h.infs == 0) continue;
      return InvalidInput("tensor '" + compared[i].name + "' of the float network holds " +
                          (h.nans != 0 ? "NaN" : "an infinity"));
    }
    for (size_t i = 0; i < compared.size(); ++i) {
      LayerFacts& layer = facts_.layers.emplace_back();
      layer.compared = compared[i];
      layer.seen = records[i];
      Describe(RoundedValue(q_, compared[i].value), &layer);
    }
    for (LayerFacts& layer : facts_.layers) AddNeighbours(&layer);
    return std::move(facts_);
  }

 private:
  // Finds the layers' weights in the float network. Says whether the quantized one may have been
  // equalized: weights tell, where there are any, what rounded activations tell less well.
  bool MatchLayers() {
    bool scaled = false;
    int unknown = 0;
    for (const NodeId id : q_.top().nodes) {
      const OpDef* const def = FindOp(q_.node(id).op);
      if (def == nullptr || def->quant.kind != QuantKind::kCompute) continue;
      const ValueId weight = q_.input(id, def->quant.weight_input);
      if (weight == kNoId || !HasQuant(q_, weight)) continue;
      std::optional<FloatWeights> real = UnroundedWeights(in_.reference, q_, id);
      if (real) {
        scaled = scaled || real->scaled;
        facts_.unrounded.emplace(id, std::move(*real));
      } else {
        ++unknown;
      }
    }
    return scaled || unknown > static_cast<int>(facts_.unrounded.size());
  }

  void Record(ValueId value, const Tensor& real, TensorRecord* record) const {
    if (real.size() == 0) return;
    CollectSample(in_.compare.isa, real.values<float>(), record, pool_);
    if (real.rank() < 2) return;
    const std::vector<int64_t>& dims = real.dims();
    const size_t axis = ChannelsFirst(q_, value) ? 1 : dims.size() - 1;
    int64_t inner = 1;
    for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
    record->channel.Collect(in_.compare.isa, real.data<float>(), real.size() / (dims[axis] * inner),
                            dims[axis], inner, pool_);
  }

  void Describe(ValueId v, LayerFacts* layer) {
    if (in_.calibrated != nullptr && !layer->compared.scaled) {
      const auto record = in_.calibrated->tensors.find(layer->compared.name);
      if (record != in_.calibrated->tensors.end()) {
        layer->calibrated = std::make_shared<const TensorRecord>(record->second);
      }
    }
    const QuantType* const type = q_.value(v).type.quant.get();
    if (type != nullptr && type->per_tensor()) {
      const IntRange range = RangeOf(type->storage);
      const double scale = type->scale[0];
      layer->codes =
          Codes{scale * static_cast<double>(range.min - type->zero_point[0]),
                scale * static_cast<double>(range.max - type->zero_point[0]), scale, type->storage};
    }
    layer->moved = IsMoved(v);
    layer->equalizable = IsEqualizable(q_, v);
    layer->before_activation = HasQuant(q_, v) && IsBeforeActivation(in_.reference, *layer);
    if (const NodeId compute = ComputeNode(q_, v); compute != kNoId) DescribeWeight(compute, layer);
  }

  // A copy of codes that another value has.
  bool IsMoved(ValueId v) const {
    const Node* const n = q_.producer(v);
    const OpDef* const def = n == nullptr ? nullptr : FindOp(n->op);
    if (def == nullptr || !NeedsEqualScales(*def) || !HasQuant(q_, v)) return false;
    const std::vector<int> data = DataInputs(*n, *def);
    return std::all_of(data.begin(), data.end(),
                       [&](int i) { return SameQuant(q_, n->inputs[static_cast<size_t>(i)], v); });
  }

  void DescribeWeight(NodeId compute, LayerFacts* layer) {
    const QuantRole& role = FindOp(q_.node(compute).op)->quant;
    const Value& w = q_.value(q_.input(compute, role.weight_input));
    const QuantType* const type = w.type.quant.get();
    const auto found = facts_.unrounded.find(compute);
    if (type == nullptr || found == facts_.unrounded.end()) return;
    const Tensor& real = found->second.weight;
    const auto axis = static_cast<size_t>(WeightAxis(q_, compute));
    const int64_t channels = real.dims()[axis];
    int64_t inner = 1;
    for (size_t d = axis + 1; d < real.dims().size(); ++d) inner *= real.dims()[d];
    WeightFacts& facts = layer->weight.emplace();
    facts.one_scale = type->per_tensor();
    if (facts.one_scale) facts.step = type->scale[0];
    facts.reach.assign(static_cast<size_t>(channels), 0.0);
    for (int64_t i = 0; i < real.size(); ++i) {
      double& reach = facts.reach[static_cast<size_t>(i / inner % channels)];
      reach = std::max<double>(reach, std::abs(real.data<float>()[i]));
    }
    for (const BiasRepair& r : in_.repairs) {
      if (r.weight != w.name) continue;
      layer->biases.push_back({r.channel, r.new_scale / r.old_scale, true});
    }
    const ValueId bias = q_.input(compute, role.bias_input);
    if (bias == kNoId || !found->second.bias.defined()) return;
    const QuantType* const steps = q_.value(bias).type.quant.get();
    if (steps == nullptr || steps->storage != DType::kInt32) return;
    for (int64_t c = 0; c < found->second.bias.size(); ++c) {
      const double code = std::abs(found->second.bias.data<float>()[c]) /
                          steps->scale[steps->per_tensor() ? 0 : static_cast<size_t>(c)];
      if (code > kBiasReach) layer->biases.push_back({c, code / kBiasReach, false});
    }
  }

  void AddNeighbours(LayerFacts* layer) {
    const ValueId v = RoundedValue(q_, layer->compared.value);
    for (const ValueId source : Sources(q_, v)) layer->reads.push_back(NameOf(source));
    const NodeId join = JoinOf(q_, v);
    if (join == kNoId) return;
    for (ValueId in : q_.node(join).inputs) {
      if (in == kNoId || q_.value(in).is_constant()) continue;
      const auto branch = layer_of_.find(CanonicalValue(q_, in));
      if (branch == layer_of_.end()) continue;
      const LayerFacts& b = facts_.layers[branch->second];
      if (b.seen == nullptr) continue;
      layer->branches.push_back({b.compared.name, std::max<double>(std::abs(b.seen->range.min),
                                                                   std::abs(b.seen->range.max))});
    }
  }

  std::string NameOf(ValueId v) const {
    const auto layer = layer_of_.find(v);
    return layer == layer_of_.end() ? EncodingName(q_, v)
                                    : facts_.layers[layer->second].compared.name;
  }

  const GatherInput& in_;
  const Graph& q_;
  ThreadPool* pool_;
  std::map<ValueId, size_t> layer_of_;  // value of the quantized network -> index
  Facts facts_;
};

}  // namespace

Result<Facts> GatherFacts(const GatherInput& input, ThreadPool* pool) {
  return Gathering(input, pool).Run();
}

}  // namespace adze
