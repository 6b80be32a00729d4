#include "eval/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "data/batch_reader.h"
#include "data/feed.h"
#include "eval/evaluate.h"
#include "lower/lower.h"
#include "numerics/dtype.h"
#include "ops/op_def.h"

namespace adze {
namespace {

// Samples on which channel factors are estimated; how much one must differ from 1, in itself and in
// standard errors, for the tensor to count as equalized.
constexpr int kFactorSamples = 8;
constexpr double kClearFactor = 0.1;
constexpr double kClearErrors = 6;
// Share of a channel's power that the line must explain: rounding alone can bend the slope of a
// channel that it has destroyed.
constexpr double kExplained = 0.9;

struct Pair {
  ValueId reference = kNoId;
  ValueId quantized = kNoId;
  bool forced = false;         // the step is also computed from the float network's tensors
  std::vector<float> factors;  // per channel (axis 1), of an equalization; empty: 1
};

bool IsRequantize(const Node& n) { return n.op == OpType::Intern(kAdzeDomain, "Requantize"); }

// Counts multiply-accumulates.
bool Computes(const Node& n) {
  const OpDef* const def = FindOp(n.op);
  return def != nullptr && def->macs != nullptr;
}

int NumComputed(const Graph& g, const Node& n) {
  return static_cast<int>(std::count_if(n.inputs.begin(), n.inputs.end(), [&](ValueId v) {
    return v != kNoId && !g.value(v).is_constant();
  }));
}

// An activation or the like: one computed input, no multiply-accumulates.
bool IsElementwise(const Graph& g, const Node& n) {
  if (Computes(n) || IsRequantize(n) || n.outputs.size() != 1 || NumComputed(g, n) != 1)
    return false;
  for (const ValueId v : n.inputs) {
    if (v == kNoId || g.value(v).is_constant()) continue;
    const Value& in = g.value(v);
    const Value& out = g.value(n.outputs[0]);
    return in.type.shape && out.type.shape && *in.type.shape == *out.type.shape;
  }
  return false;
}

// A float value that ends a layer: a multiply-accumulate and what directly follows it.
bool EndsFloatLayer(const Graph& g, ValueId v) {
  const auto users = g.users(v);
  if (users.size() == 1 && !g.IsRegionOutput(v) && IsElementwise(g, g.node(users[0]))) return false;
  while (true) {
    const Node* const n = g.producer(v);
    if (n == nullptr) return false;
    if (Computes(*n)) return true;
    if (!IsElementwise(g, *n)) return false;
    for (const ValueId in : n->inputs) {
      if (in != kNoId && !g.value(in).is_constant()) v = in;
    }
    if (g.users(v).size() != 1) return false;
  }
}

ValueId FindSame(const Graph& reference, const Value& v) {
  ValueId found = reference.FindValue(v.name);
  for (size_t i = 0; found == kNoId && i < v.origins.size(); ++i) {
    found = reference.FindValue(v.origins[i]);
  }
  if (found == kNoId) return kNoId;
  const Value& r = reference.value(found);
  const bool same = !r.is_constant() && r.type.dtype == DType::kFloat32 &&
                    r.type.quant == nullptr && r.type.shape && v.type.shape &&
                    r.type.shape->size() == v.type.shape->size();
  return same ? found : kNoId;
}

std::vector<Pair> MatchTensors(const Graph& reference, const Graph& quantized) {
  std::vector<Pair> pairs;
  for (const NodeId id : quantized.top().nodes) {
    for (const ValueId v : quantized.node(id).outputs) {
      if (v == kNoId || quantized.value(v).type.dtype != DType::kFloat32) continue;
      const bool output = quantized.IsGraphOutput(v);
      const bool rounded = quantized.value(v).type.quant != nullptr;
      const bool copies = IsRequantize(quantized.node(id));
      const ValueId in = copies ? quantized.node(id).inputs[0] : kNoId;
      const bool input = copies && rounded && quantized.value(in).producer == kNoId;
      if (!output && !input && (copies || !(rounded || EndsFloatLayer(quantized, v)))) continue;
      const ValueId same = FindSame(reference, quantized.value(input ? in : v));
      // The integers behind a graph output have another name; the output itself follows.
      if (same != kNoId) pairs.push_back({same, v, !quantized.users(v).empty(), {}});
    }
  }
  return pairs;
}

// The quantized graph with every matched tensor given from outside, so that each step shows its own
// error only.
Graph ForceInputs(const Graph& quantized, const std::vector<Pair>& pairs) {
  Graph g = quantized;
  const NodeId first = g.top().nodes.empty() ? kNoId : g.top().nodes[0];
  for (const Pair& p : pairs) {
    if (!p.forced) continue;
    const TensorType type = g.value(p.quantized).type;
    TensorType real = type;
    real.quant = nullptr;
    const std::string name = g.value(p.quantized).name;
    ValueId given = g.AddInput(g.UniqueName(name + "_given"), real);
    if (type.quant != nullptr) {
      const NodeId node = g.AddNode(OpType::Intern(kAdzeDomain, "Requantize"), "", {given},
                                    {g.UniqueName(name + "_rounded")}, {}, 0, first);
      given = g.node(node).outputs[0];
      g.SetType(given, type);
    }
    g.ReplaceUses(p.quantized, given);
    for (size_t i = 0; i < g.top().outputs.size(); ++i) {
      if (g.top().outputs[i] == given) g.SetOutput(0, static_cast<int>(i), p.quantized);
    }
  }
  return g;
}

struct Sums {
  double signal = 0;
  double total = 0;
  double own = 0;
  double inherited = 0;
  int64_t clipped = 0;
  int64_t count = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
};

// Elements of one channel lie together, `inner` of them.
struct Channels {
  explicit Channels(const std::vector<int64_t>& dims) {
    if (dims.size() < 2) return;
    count = dims[1];
    for (size_t d = 2; d < dims.size(); ++d) inner *= dims[d];
  }
  size_t operator()(int64_t i) const { return static_cast<size_t>(i / inner % count); }
  int64_t count = 1;
  int64_t inner = 1;
};

double Decibels(double signal, double error) {
  if (error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / error);
}

class Comparison {
 public:
  Comparison(const Graph& reference, const Graph& quantized, const CompareOptions& options,
             ThreadPool* pool)
      : reference_(reference),
        quantized_(quantized),
        options_(options),
        pool_(pool),
        pairs_(MatchTensors(reference, quantized)),
        sums_(pairs_.size()),
        moments_(pairs_.size()) {}

  Result<std::vector<TensorComparison>> Run(const Dataset& dataset) {
    std::vector<ValueId> of_reference;
    std::vector<ValueId> of_quantized;
    for (const Pair& p : pairs_) {
      of_reference.push_back(p.reference);
      of_quantized.push_back(p.quantized);
    }
    ADZE_ASSIGN(real_, Network::Create(reference_, of_reference, options_.isa, pool_));
    ADZE_ASSIGN(integer_, Network::Create(quantized_, of_quantized, options_.isa, pool_));
    // Channel factors must be known before errors are.
    if (options_.find_factors) {
      const int64_t samples = std::min<int64_t>(kFactorSamples, options_.samples);
      ADZE_TRY(ForEachBatch(dataset, samples, nullptr, [&](const std::vector<Tensor>& given, auto) {
        for (size_t i = 0; i < pairs_.size(); ++i) AddMoments(i, given[i], integer_.Read(i));
        return OkStatus();
      }));
      FindFactors();
    }
    ADZE_ASSIGN(forced_, Network::Create(ForceInputs(quantized_, pairs_), of_quantized,
                                         options_.isa, pool_));
    ADZE_TRY(ForEachBatch(
        dataset, options_.samples, options_.progress,
        [&](const std::vector<Tensor>& given, std::vector<ConstTensorView> inputs) -> Status {
          std::vector<Tensor> scaled;
          for (size_t i = 0; i < pairs_.size(); ++i) {
            scaled.push_back(Scaled(given[i], pairs_[i].factors));
            if (options_.observe) options_.observe(i, pairs_[i].quantized, scaled[i]);
            if (pairs_[i].forced) inputs.push_back(scaled[i].view());
          }
          ADZE_TRY(forced_.run->Run(inputs));
          for (size_t i = 0; i < pairs_.size(); ++i) {
            AddErrors(i, scaled[i], integer_.Read(i), forced_.Read(i));
          }
          return OkStatus();
        }));
    return Finish();
  }

 private:
  // A network ready to run, with the tensors that are compared.
  struct Network {
    static Result<Network> Create(const Graph& graph, const std::vector<ValueId>& tensors, Isa isa,
                                  ThreadPool* pool) {
      Network n;
      ADZE_ASSIGN(n.lowered, Lower(graph, {isa, tensors}));
      n.run = std::make_unique<Executor>(n.lowered.plan, pool);
      return n;
    }
    Tensor Read(size_t pair) const { return run->ReadFloat(lowered.taps[pair]); }
    LoweredPlan lowered;
    std::unique_ptr<Executor> run;
  };

  // Runs the float and the integer network on `samples` samples; `visit` gets the float network's
  // tensors and the inputs.
  template <typename Visit>
  Status ForEachBatch(const Dataset& dataset, int64_t samples, ProgressSink* progress,
                      const Visit& visit) {
    ADZE_ASSIGN(const Feed real_feed, Feed::Create(InputsOf(*real_.lowered.plan), dataset));
    ADZE_ASSIGN(const Feed integer_feed, Feed::Create(InputsOf(*integer_.lowered.plan), dataset));
    BatchOptions batches;
    batches.batch = integer_feed.BatchSize(real_feed.BatchSize(1));
    batches.limit = samples;
    batches.spread = options_.spread;
    batches.threads = pool_->num_threads();
    ADZE_ASSIGN(const auto reader, BatchReader::Create(&dataset, options_.split, batches));
    ProgressScope scope(progress, reader->num_samples(), "samples", "comparing");
    Batch batch;
    while (true) {
      ADZE_ASSIGN(const bool more, reader->Next(&batch));
      if (!more) return OkStatus();
      ADZE_ASSIGN(const auto real_inputs, real_feed.Order(batch.inputs));
      ADZE_ASSIGN(auto inputs, integer_feed.Order(batch.inputs));
      ADZE_TRY(real_.run->Run(real_inputs));
      ADZE_TRY(integer_.run->Run(inputs));
      std::vector<Tensor> given;
      for (size_t i = 0; i < pairs_.size(); ++i) {
        given.push_back(real_.Read(i));
        if (given[i].dims() != integer_.Read(i).dims()) {
          return InvalidInput("tensor '" + reference_.value(pairs_[i].reference).name +
                              "' has other dimensions in the quantized network");
        }
      }
      ADZE_TRY(visit(given, std::move(inputs)));
      scope.Advance(batch.size());
    }
  }

  struct Moments {
    int64_t count = 0;
    double ff = 0;
    double qf = 0;
    double qq = 0;
  };

  // Per channel; not of values at the ends of the format, which may be clipped.
  void AddMoments(size_t index, const Tensor& f, const Tensor& q) {
    const Channels channel(f.dims());
    const auto [low, high] = RangeOfFormat(pairs_[index].quantized, 0.5);
    moments_[index].resize(static_cast<size_t>(channel.count));
    for (int64_t i = 0; i < f.size(); ++i) {
      const double x = f.data<float>()[i];
      const double y = q.data<float>()[i];
      if (y < low || y > high) continue;
      Moments& m = moments_[index][channel(i)];
      ++m.count;
      m.ff += x * x;
      m.qf += x * y;
      m.qq += y * y;
    }
  }

  // An equalized tensor is the float network's times a factor per channel: the slope of a line
  // through 0. Most tensors have none.
  void FindFactors() {
    for (size_t i = 0; i < pairs_.size(); ++i) {
      if (quantized_.IsGraphOutput(pairs_[i].quantized)) continue;
      std::vector<float> factors(moments_[i].size(), 1.0f);
      bool clear = false;
      for (size_t c = 0; c < factors.size(); ++c) {
        const Moments& m = moments_[i][c];
        if (m.count < 2 || !(m.ff > 0 && m.qf > 0)) continue;
        if (m.qf * m.qf < kExplained * m.ff * m.qq) continue;
        const double slope = m.qf / m.ff;
        const double residue = std::max(0.0, m.qq - slope * m.qf);
        const double error = std::sqrt(residue / static_cast<double>(m.count - 1) / m.ff);
        const double away = std::abs(slope - 1);
        factors[c] = static_cast<float>(slope);
        clear = clear || (away > kClearFactor && away > kClearErrors * error);
      }
      if (clear) pairs_[i].factors = std::move(factors);
    }
  }

  // The real values whose codes are `inside` codes from the first and the last of the format;
  // infinite without one.
  std::pair<double, double> RangeOfFormat(ValueId v, double inside) const {
    const auto& quant = quantized_.value(v).type.quant;
    if (quant == nullptr || !quant->per_tensor()) return {-HUGE_VAL, HUGE_VAL};
    const IntRange range = RangeOf(quant->storage);
    const double zero_point = quant->zero_point[0];
    return {(static_cast<double>(range.min) - zero_point + inside) * quant->scale[0],
            (static_cast<double>(range.max) - zero_point - inside) * quant->scale[0]};
  }

  static Tensor Scaled(const Tensor& f, const std::vector<float>& factors) {
    if (factors.empty()) return f;
    const Channels channel(f.dims());
    Tensor out = Tensor::Allocate(DType::kFloat32, f.dims());
    for (int64_t i = 0; i < f.size(); ++i) {
      out.mutable_data<float>()[i] = f.data<float>()[i] * factors[channel(i)];
    }
    return out;
  }

  // All three in the quantized network's scale; errors count in the float network's.
  void AddErrors(size_t index, const Tensor& f, const Tensor& q, const Tensor& own) {
    const Pair& p = pairs_[index];
    Sums& s = sums_[index];
    const auto [low, high] = RangeOfFormat(p.quantized, -0.5);
    const Channels channel(f.dims());
    for (int64_t i = 0; i < f.size(); ++i) {
      const double back = p.factors.empty() ? 1.0 : 1.0 / p.factors[channel(i)];
      const double x = f.data<float>()[i];
      const double total = (q.data<float>()[i] - x) * back;
      const double mine = (own.data<float>()[i] - x) * back;
      s.signal += x * back * (x * back);
      s.total += total * total;
      s.own += mine * mine;
      s.inherited += (total - mine) * (total - mine);
      s.clipped += x < low || x > high;
      s.min = std::min(s.min, static_cast<float>(x * back));
      s.max = std::max(s.max, static_cast<float>(x * back));
    }
    s.count += f.size();
  }

  std::vector<TensorComparison> Finish() const {
    std::vector<TensorComparison> out;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const Sums& s = sums_[i];
      const Node& n = *quantized_.producer(pairs_[i].quantized);
      TensorComparison c;
      c.name = reference_.value(pairs_[i].reference).name;
      c.reference = pairs_[i].reference;
      c.value = pairs_[i].quantized;
      c.scaled = !pairs_[i].factors.empty();
      c.node = n.name;
      c.op = n.op.ToString();
      c.quantized = quantized_.value(pairs_[i].quantized).type.quant != nullptr;
      c.total_sqnr_db = Decibels(s.signal, s.total);
      c.own_sqnr_db = Decibels(s.signal, s.own);
      c.inherited_sqnr_db = Decibels(s.signal, s.inherited);
      c.clipped_share =
          s.count > 0 ? static_cast<double>(s.clipped) / static_cast<double>(s.count) : 0;
      c.observed_min = s.min;
      c.observed_max = s.max;
      out.push_back(std::move(c));
    }
    return out;
  }

  const Graph& reference_;
  const Graph& quantized_;
  const CompareOptions& options_;
  ThreadPool* pool_;
  std::vector<Pair> pairs_;
  std::vector<Sums> sums_;
  std::vector<std::vector<Moments>> moments_;  // per tensor and channel
  Network real_;
  Network integer_;
  Network forced_;  // the integer network, every step given the float network's tensors
};

}  // namespace

Result<std::vector<TensorComparison>> CompareTensors(const Graph& reference, const Graph& quantized,
                                                     const Dataset& dataset,
                                                     const CompareOptions& options,
                                                     ThreadPool* pool) {
  return Comparison(reference, quantized, options, pool).Run(dataset);
}

std::vector<ValueId> ComparedTensors(const Graph& reference, const Graph& quantized) {
  std::vector<ValueId> values;
  for (const Pair& p : MatchTensors(reference, quantized)) {
    if (std::find(values.begin(), values.end(), p.reference) == values.end()) {
      values.push_back(p.reference);
    }
  }
  return values;
}

}  // namespace adze
