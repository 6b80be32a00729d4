#include "search/diagnosis/what_if.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "algos/auto_select.h"
#include "passes/pass_util.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// Networks in memory at a time, and what measuring one may cost.
constexpr size_t kNetworksAtOnce = 4;
constexpr double kMacsPerNetwork = 6e9;
constexpr int64_t kFewestSamples = 8;
constexpr float kMaxFactor = 1024;

bool IsCompute(const Graph& g, NodeId id) {
  const OpDef* const def = FindOp(g.node(id).op);
  return def != nullptr && def->quant.kind == QuantKind::kCompute;
}

ValueId ValueOf(const Graph& g, const LayerFacts& layer) {
  return RoundedValue(g, layer.compared.value);
}

const Value& WeightOf(const Graph& g, NodeId id) {
  return g.value(g.input(id, FindOp(g.node(id).op)->quant.weight_input));
}

Codes UnionOf(const Codes& a, const Codes& b) {
  Codes u = a;
  u.low = std::min(a.low, b.low);
  u.high = std::max(a.high, b.high);
  return u;
}

// Networks that all end in Softmax are compared before it; see EndAtLogits.
void EndAlike(std::initializer_list<Graph*> graphs) {
  std::vector<Graph> ended;
  std::vector<std::vector<bool>> moved;
  for (const Graph* g : graphs) {
    Graph& e = ended.emplace_back(*g);
    EndAtLogits(&e);
    std::vector<bool>& m = moved.emplace_back();
    for (size_t i = 0; i < e.top().outputs.size(); ++i) {
      m.push_back(e.top().outputs[i] != g->top().outputs[i]);
    }
    if (m != moved[0]) return;
  }
  size_t i = 0;
  for (Graph* g : graphs) *g = std::move(ended[i++]);
}

}  // namespace

WhatIf::WhatIf(const Graph& quantized, const Simulation& simulation, const Facts& facts)
    : q_(quantized), simulation_(simulation), facts_(facts) {
  for (size_t i = 0; i < facts.layers.size(); ++i) layer_of_[ValueOf(q_, facts.layers[i])] = i;
  for (const auto& [v, fake] : simulation.rounding) group_of_[v] = v;
  // Values come before what is computed from them, so one pass finds the first of every group.
  for (const NodeId id : q_.top().nodes) {
    const Node& n = q_.node(id);
    const OpDef* const def = FindOp(n.op);
    if (def == nullptr || !NeedsEqualScales(*def)) continue;
    std::vector<ValueId> members;
    for (const int i : DataInputs(n, *def)) members.push_back(n.inputs[static_cast<size_t>(i)]);
    for (const ValueId out : n.outputs) {
      if (out != kNoId) members.push_back(out);
    }
    if (members.empty()) continue;
    const ValueId like = members.back();
    std::erase_if(members, [&](ValueId v) {
      return v == kNoId || !group_of_.contains(v) || !SameQuant(q_, v, like);
    });
    if (members.empty()) continue;
    ValueId first = group_of_[members[0]];
    for (const ValueId v : members) first = std::min(first, group_of_[v]);
    for (const ValueId v : members) {
      const ValueId old = group_of_[v];
      for (auto& [value, group] : group_of_) {
        if (group == old) group = first;
      }
    }
  }
}

const LayerFacts* WhatIf::FactsOf(ValueId v) const {
  const auto found = layer_of_.find(v);
  return found == layer_of_.end() ? nullptr : &facts_.layers[found->second];
}

Codes WhatIf::CodesOf(ValueId v) const {
  const QuantType& type = *q_.value(v).type.quant;
  const IntRange range = RangeOf(type.storage);
  const double scale = type.scale[0];
  return {scale * static_cast<double>(range.min - type.zero_point[0]),
          scale * static_cast<double>(range.max - type.zero_point[0]), scale, type.storage};
}

void WhatIf::SetRanges(const Finding& finding, Graph* graph) const {
  std::map<ValueId, Codes> wanted;  // by group
  std::set<ValueId> settled;
  for (size_t p = 0; p < finding.places.size(); ++p) {
    if (finding.fixes[p].kind != FixKind::kRange) continue;
    const ValueId v = ValueOf(q_, facts_.layers[finding.places[p]]);
    if (!group_of_.contains(v)) continue;
    const auto [it, added] = wanted.try_emplace(group_of_.at(v), finding.fixes[p].range);
    if (!added) it->second = UnionOf(it->second, finding.fixes[p].range);
    settled.insert(v);
  }
  for (const auto& [v, group] : group_of_) {
    const auto it = wanted.find(group);
    const LayerFacts* const facts = FactsOf(v);
    if (it == wanted.end() || settled.contains(v) || facts == nullptr || facts->moved ||
        facts->seen == nullptr) {
      continue;
    }
    it->second = UnionOf(it->second, BestRange(*facts->seen, it->second.storage));
  }
  for (const auto& [v, group] : group_of_) {
    const auto it = wanted.find(group);
    if (it != wanted.end()) SetCodes(graph, simulation_.rounding.at(v), it->second);
  }
}

std::vector<NodeId> WhatIf::Readers(ValueId v) const {
  std::vector<NodeId> readers;
  for (const NodeId id : q_.users(v)) {
    const Node& n = q_.node(id);
    if (IsCompute(q_, id)) {
      readers.push_back(id);
      continue;
    }
    // Through what has no other input, such as an activation or a pooling.
    const auto computed = std::count_if(n.inputs.begin(), n.inputs.end(), [&](ValueId in) {
      return in != kNoId && !q_.value(in).is_constant();
    });
    if (computed != 1 || n.parent != 0) continue;
    for (const ValueId out : n.outputs) {
      if (out == kNoId) continue;
      const std::vector<NodeId> further = Readers(out);
      readers.insert(readers.end(), further.begin(), further.end());
    }
  }
  return readers;
}

// The tensor, and a gate that is made of it and multiplied with it: x * Sigmoid(x) is one
// activation.
void WhatIf::Unround(ValueId v, Graph* graph) const {
  std::vector<ValueId> values = {v};
  for (const NodeId id : q_.users(v)) {
    const Node& n = q_.node(id);
    if (n.inputs.size() != 1 || n.outputs.size() != 1) continue;
    const auto users = q_.users(n.outputs[0]);
    const bool gate = !users.empty() && std::all_of(users.begin(), users.end(), [&](NodeId u) {
      const std::vector<ValueId>& in = q_.node(u).inputs;
      return std::find(in.begin(), in.end(), v) != in.end();
    });
    if (gate) values.push_back(n.outputs[0]);
  }
  for (const ValueId x : values) {
    const auto fake = simulation_.rounding.find(x);
    if (fake == simulation_.rounding.end()) continue;
    const LayerFacts* const facts = FactsOf(x);
    SetCodes(graph, fake->second,
             FineCodes(CodesOf(x), facts == nullptr ? nullptr : facts->seen.get()));
  }
}

// As KeepInFloat does: these layers have unrounded weights, and what only they read is not rounded.
bool WhatIf::KeepFloat(const std::vector<NodeId>& kept, Graph* graph) const {
  if (kept.empty()) return false;
  std::set<NodeId> spared(kept.begin(), kept.end());
  const auto only_spared = [&](ValueId v) {
    const auto users = q_.users(v);
    return !users.empty() && !q_.IsRegionOutput(v) &&
           std::all_of(users.begin(), users.end(), [&](NodeId u) { return spared.contains(u); });
  };
  const std::vector<NodeId>& order = q_.top().nodes;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const std::vector<ValueId>& outputs = q_.node(*it).outputs;
    const bool all = std::all_of(outputs.begin(), outputs.end(),
                                 [&](ValueId v) { return v == kNoId || only_spared(v); });
    if (all && !IsCompute(q_, *it)) spared.insert(*it);
  }
  for (const auto& [v, fake] : simulation_.rounding) {
    if (!only_spared(v)) continue;
    const LayerFacts* const facts = FactsOf(v);
    SetCodes(graph, fake, FineCodes(CodesOf(v), facts == nullptr ? nullptr : facts->seen.get()));
  }
  for (const NodeId node : kept) {
    const auto weights = facts_.unrounded.find(node);
    if (weights == facts_.unrounded.end()) return false;
    SetWeights(graph, node, weights->second);
  }
  return true;
}

bool WhatIf::RoundPerChannel(NodeId node, Graph* graph) const {
  const auto real = facts_.unrounded.find(node);
  if (real == facts_.unrounded.end()) return false;
  SetWeights(graph, node, {RoundWeight(q_, node, real->second.weight), real->second.bias});
  return true;
}

bool WhatIf::FitBias(const LayerFacts& layer, Graph* graph) const {
  const NodeId node = ComputeNode(q_, ValueOf(q_, layer));
  const auto real = node == kNoId ? facts_.unrounded.end() : facts_.unrounded.find(node);
  if (real == facts_.unrounded.end()) return false;
  const QuantType& type = *WeightOf(q_, node).type.quant;
  const Tensor& weight = real->second.weight;
  std::vector<double> scales(
      static_cast<size_t>(weight.dims()[static_cast<size_t>(WeightAxis(q_, node))]));
  for (size_t c = 0; c < scales.size(); ++c) scales[c] = type.scale[type.per_tensor() ? 0 : c];
  for (const BiasFacts& b : layer.biases) scales[static_cast<size_t>(b.channel)] *= b.times;
  SetWeights(graph, node, {RoundWeight(q_, node, weight, scales), real->second.bias});
  return true;
}

// Factors bring every channel to the reach of the largest; where the weights that read it are mixed
// over channels, half of the way (in octaves), as the error moves into them.
Result<bool> WhatIf::Equalize(const LayerFacts& layer, Graph* graph) const {
  const ValueId v = ValueOf(q_, layer);
  const std::vector<double> reach = ChannelReach(*layer.seen);
  const std::vector<NodeId> readers = Readers(v);
  const auto depthwise = [&](NodeId id) { return q_.node(id).attrs.Int("group", 1) > 1; };
  const bool all_depthwise = std::all_of(readers.begin(), readers.end(), depthwise);
  const double top = *std::max_element(reach.begin(), reach.end());
  std::vector<float> factors;
  Codes codes{0, 0, 0, layer.codes->storage};
  for (size_t c = 0; c < reach.size(); ++c) {
    const double full = reach[c] > 0 ? top / reach[c] : 1.0;
    factors.push_back(
        std::clamp(static_cast<float>(all_depthwise ? full : std::sqrt(full)), 1.0f, kMaxFactor));
    const ChannelRecord::Channel& seen = layer.seen->channel.channels[c];
    codes.low = std::min<double>(codes.low, seen.min * factors[c]);
    codes.high = std::max<double>(codes.high, seen.max * factors[c]);
  }
  for (const NodeId node : readers) {
    const auto real = facts_.unrounded.find(node);
    if (real == facts_.unrounded.end()) return false;
    const Tensor& w = real->second.weight;
    const int64_t out = w.dims()[0];
    const int64_t taps = w.size() / (out * w.dims()[1]);
    const int64_t per_input = std::max<int64_t>(out / static_cast<int64_t>(factors.size()), 1);
    const auto factor = [&](int64_t i) {
      const int64_t c =
          depthwise(node) ? i / taps / w.dims()[1] / per_input : i / taps % w.dims()[1];
      return factors[static_cast<size_t>(c)];
    };
    Tensor scaled = Tensor::Allocate(DType::kFloat32, w.dims());
    float* const s = scaled.mutable_data<float>();
    for (int64_t i = 0; i < w.size(); ++i) s[i] = w.data<float>()[i] / factor(i);
    std::vector<double> scales;
    if (WeightOf(q_, node).type.quant->per_tensor()) {
      float most = 0;
      for (int64_t i = 0; i < w.size(); ++i) most = std::max(most, std::abs(s[i]));
      scales.assign(static_cast<size_t>(out),
                    std::max(most, 1e-30f) / static_cast<double>(WeightCodes(q_, node).max));
    }
    Tensor rounded = RoundWeight(q_, node, scaled, scales);
    for (int64_t i = 0; i < w.size(); ++i) rounded.mutable_data<float>()[i] *= factor(i);
    SetWeights(graph, node, {std::move(rounded), real->second.bias});
  }
  const NodeId fake = simulation_.rounding.at(v);
  SetCodes(graph, fake, codes);
  ADZE_TRY(SetChannelFactors(graph, fake, factors));
  return true;
}

Result<bool> WhatIf::Apply(const Finding& finding, Graph* graph) const {
  if (finding.fixes.empty()) return false;
  SetRanges(finding, graph);
  std::vector<NodeId> kept;
  for (size_t p = 0; p < finding.places.size(); ++p) {
    const LayerFacts& layer = facts_.layers[finding.places[p]];
    const NodeId node = ComputeNode(q_, ValueOf(q_, layer));
    bool done = true;
    switch (finding.fixes[p].kind) {
      case FixKind::kRange:
        break;
      case FixKind::kPerChannelWeights:
        done = node != kNoId && RoundPerChannel(node, graph);
        break;
      case FixKind::kEqualize: {
        ADZE_ASSIGN(done, Equalize(layer, graph));
        break;
      }
      case FixKind::kKeepFloat:
        if (node != kNoId) kept.push_back(node);
        done = node != kNoId;
        break;
      case FixKind::kKeepReadersFloat: {
        const std::vector<NodeId> readers = Readers(ValueOf(q_, layer));
        kept.insert(kept.end(), readers.begin(), readers.end());
        done = !readers.empty();
        break;
      }
      case FixKind::kUnround:
        Unround(ValueOf(q_, layer), graph);
        break;
      case FixKind::kFitBias:
        done = FitBias(layer, graph);
        break;
    }
    if (!done) return false;
  }
  return kept.empty() || KeepFloat(kept, graph);
}

namespace {

// Each kind's worst, then each kind's second …
std::vector<size_t> MeasuringOrder(const std::vector<Finding>& findings, int64_t limit) {
  std::vector<std::vector<size_t>> of_kind;
  for (const FindingDef* def : AllFindings()) {
    std::vector<size_t>& mine = of_kind.emplace_back();
    for (size_t i = 0; i < findings.size(); ++i) {
      if (findings[i].kind == def->name && !findings[i].fixes.empty()) mine.push_back(i);
    }
  }
  std::vector<size_t> order;
  for (size_t turn = 0;; ++turn) {
    const size_t before = order.size();
    for (const std::vector<size_t>& mine : of_kind) {
      if (turn < mine.size() && static_cast<int64_t>(order.size()) < limit) {
        order.push_back(mine[turn]);
      }
    }
    if (order.size() == before) return order;
  }
}

// Of every kind all places, or of layers that lose much those that gain most in float.
void AddTogether(std::vector<Finding>* findings) {
  const size_t count = findings->size();
  for (const FindingDef* def : AllFindings()) {
    if (def->together == nullptr) continue;
    std::vector<Finding> mine;
    for (size_t i = 0; i < count; ++i) {
      const Finding& f = (*findings)[i];
      if (f.kind != def->name || f.fixes.empty()) continue;
      if (def->best_only == 0 || f.gain_db.value_or(0) > 0) mine.push_back(f);
    }
    std::stable_sort(mine.begin(), mine.end(), [](const Finding& a, const Finding& b) {
      return a.gain_db.value_or(0) > b.gain_db.value_or(0);
    });
    if (def->best_only > 0) mine.resize(std::min(mine.size(), def->best_only));
    if (mine.size() > 1) findings->push_back(TakenTogether(mine));
  }
}

}  // namespace

Result<OutputFigures> MeasureFixes(const Graph& reference, const Graph& quantized,
                                   const Facts& facts, const Dataset& dataset,
                                   const WhatIfOptions& options, ThreadPool* pool,
                                   std::vector<Finding>* findings) {
  ADZE_ASSIGN(Simulation simulation, Simulate(quantized));
  Graph real = reference;
  Graph integers = quantized;
  EndAlike({&real, &integers, &simulation.graph});
  const std::vector<size_t> order = MeasuringOrder(*findings, options.fixes);

  double macs = 1;
  for (const NodeId id : real.top().nodes) macs += static_cast<double>(NodeMacs(real, id));
  OutputFigures figures;
  ADZE_ASSIGN(const int64_t available, dataset.NumSamples(options.split));
  figures.samples =
      std::min({std::max(static_cast<int64_t>(kMacsPerNetwork / macs), kFewestSamples),
                options.samples, available});
  ReferenceOutputs references;
  const auto measure = [&](const std::vector<const Graph*>& graphs) {
    return OutputSqnr(real, graphs, dataset, options.split, figures.samples, options.isa, pool,
                      std::numeric_limits<double>::infinity(), &references);
  };
  ADZE_ASSIGN(const std::vector<double> base, measure({&integers, &simulation.graph}));
  figures.sqnr_db = base[0];
  figures.simulated_db = base[1];

  const WhatIf what_if(quantized, simulation, facts);
  ProgressScope scope(options.progress, static_cast<int64_t>(order.size()), "fixes",
                      "trying fixes");
  const auto try_all = [&](const std::vector<size_t>& which) -> Status {
    for (size_t begin = 0; begin < which.size(); begin += kNetworksAtOnce) {
      std::vector<Graph> graphs;
      std::vector<size_t> tried;
      const size_t end = std::min(begin + kNetworksAtOnce, which.size());
      for (size_t k = begin; k < end; ++k) {
        Graph graph = simulation.graph;
        ADZE_ASSIGN(const bool applied, what_if.Apply((*findings)[which[k]], &graph));
        if (!applied) continue;
        graphs.push_back(std::move(graph));
        tried.push_back(which[k]);
      }
      std::vector<const Graph*> pointers;
      for (const Graph& g : graphs) pointers.push_back(&g);
      if (!pointers.empty()) {
        ADZE_ASSIGN(const std::vector<double> sqnr, measure(pointers));
        for (size_t k = 0; k < tried.size(); ++k) {
          (*findings)[tried[k]].gain_db = sqnr[k] - figures.simulated_db;
        }
      }
      figures.fixes += static_cast<int64_t>(tried.size());
      scope.Advance(static_cast<int64_t>(end - begin));
    }
    return OkStatus();
  };
  ADZE_TRY(try_all(order));
  if (options.fixes == 0) return figures;
  const size_t single = findings->size();
  AddTogether(findings);
  std::vector<size_t> together;
  for (size_t i = single; i < findings->size(); ++i) together.push_back(i);
  ADZE_TRY(try_all(together));
  return figures;
}

}  // namespace adze
