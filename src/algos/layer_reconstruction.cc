#include "algos/layer_reconstruction.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "algos/bias_correction.h"
#include "algos/input_moments.h"
#include "algos/weight_grid.h"
#include "numerics/rounding.h"
#include "quant/integer_form.h"

namespace adze {
namespace {

// Moments held at a time; larger layers keep their nearest codes.
constexpr int64_t kMaxMomentBytes = int64_t{192} << 20;
// The fewest patches per layer, and how much the weights are held back where patches say little:
// more than for rounding alone, since weights may move away from the float ones here.
constexpr int64_t kMinRows = 4096;
constexpr double kDamping = 0.1;
// Scales tried for narrow weights: these shares of the one that reaches the largest weight.
constexpr float kSmallestShare = 0.4f;
constexpr int kShares = 11;
constexpr int kRefits = 2;

IntRange CodesOfWeight(DType storage, int limit) {
  if (storage != DType::kInt8) return RangeOf(storage);
  return {-limit, limit};
}

// One output channel of a layer.
class Channel {
 public:
  Channel(const float* h, int64_t stride, std::vector<float> w, std::vector<float> u,
          IntRange range)
      : h_(h), stride_(stride), w_(std::move(w)), u_(std::move(u)), range_(range) {}

  // The codes for this scale, and their error up to a constant.
  double Solve(float scale, bool descend, std::vector<float>* codes) const {
    codes->resize(w_.size());
    for (size_t i = 0; i < w_.size(); ++i) {
      (*codes)[i] = std::clamp(RoundNearestEven(w_[i] / scale), static_cast<float>(range_.min),
                               static_cast<float>(range_.max));
    }
    if (descend) {
      std::vector<float> u(u_);
      std::vector<float> target(w_);
      for (float& v : u) v /= scale;
      for (float& v : target) v /= scale;
      DescendCodes(h_, stride_, u, target, range_, *codes);
    }
    const auto [power, match] = Products(*codes);
    return static_cast<double>(scale) * (scale * power - 2 * match);
  }

  // The scale that suits codes best; 0 when none does.
  float BestScale(const std::vector<float>& codes) const {
    const auto [power, match] = Products(codes);
    return power > 0 && match > 0 ? static_cast<float>(match / power) : 0.0f;
  }

 private:
  // q^T H q and q^T u.
  std::pair<double, double> Products(const std::vector<float>& codes) const {
    std::vector<float> product(static_cast<size_t>(stride_), 0.0f);
    for (size_t j = 0; j < codes.size(); ++j) {
      if (codes[j] != 0) {
        AddScaledRow(codes[j], h_ + static_cast<int64_t>(j) * stride_, stride_, product.data());
      }
    }
    double power = 0;
    double match = 0;
    for (size_t j = 0; j < codes.size(); ++j) {
      power += static_cast<double>(codes[j]) * product[j];
      match += static_cast<double>(codes[j]) * u_[j];
    }
    return {power, match};
  }

  const float* h_;
  int64_t stride_;
  std::vector<float> w_, u_;
  IntRange range_;
};

// Codes of one channel of integers with one scale, which may change if `choose_scale`.
std::vector<float> SolveChannel(const Channel& channel, bool choose_scale, float* scale) {
  std::vector<float> best;
  if (!choose_scale) {
    channel.Solve(*scale, true, &best);
    return best;
  }
  std::vector<float> codes;
  const float whole = *scale;
  double least = HUGE_VAL;
  for (int i = 0; i < kShares; ++i) {
    const float share = 1 - (1 - kSmallestShare) * static_cast<float>(i) / (kShares - 1);
    const double error = channel.Solve(share * whole, false, &codes);
    if (error >= least) continue;
    least = error;
    *scale = share * whole;
  }
  least = channel.Solve(*scale, true, &best);
  for (int refit = 0; refit < kRefits; ++refit) {
    const float other = channel.BestScale(best);
    if (!(other > 0) || other == *scale) break;
    const double error = channel.Solve(other, true, &codes);
    if (!(error < least)) break;
    least = error;
    *scale = other;
    best = codes;
  }
  return best;
}

// Numbers of one channel in any format: a scale per group, chosen for itself, then the numbers
// around each weight with which the channel does best as a whole.
std::vector<float> SolveOnGrid(const MomentMatrix& h, int64_t stride, const std::vector<float>& w,
                               const std::vector<float>& u, std::span<const float> numbers,
                               std::span<const ScaleGroup> groups, ScaleFormat format, float outer,
                               QuantType* q) {
  std::vector<float> values(w.size()), low(w.size()), high(w.size());
  for (const ScaleGroup& group : groups) {
    std::vector<float> mine, importance;
    for (const int32_t i : group.members) {
      mine.push_back(w[static_cast<size_t>(i)]);
      importance.push_back(h.values[static_cast<size_t>(i * (stride + 1))]);
    }
    float& scale = q->scale[group.scale];
    scale = ChooseScale(numbers, format, outer, mine, importance);
    for (const int32_t i : group.members) {
      const auto n = static_cast<size_t>(i);
      Neighbours(numbers, scale, w[n], &low[n], &high[n], &values[n]);
    }
  }
  DescendValues(h.values.data(), stride, u, low, high, values);
  return values;
}

void ReconstructLayer(const MomentLayer& layer, const Tensor& real_weight,
                      const RoundingSettings& settings, ThreadPool* pool, QuantType* q,
                      Graph* adjusted) {
  const int64_t k = layer.k;
  const int64_t stride = (k + kMomentPad - 1) / kMomentPad * kMomentPad;
  const int64_t per_group = layer.out / layer.groups;
  const IntRange range = CodesOfWeight(q->storage, settings.limit);
  const float* const w = real_weight.data<float>();
  Tensor rounded = Tensor::Allocate(DType::kFloat32, real_weight.dims());
  float* const result = rounded.mutable_data<float>();
  std::vector<double> shift(static_cast<size_t>(layer.out), 0.0);
  const bool on_grid =
      !q->codebook.empty() || q->block_size != 0 || settings.scales == ScaleFormat::kPowerOfTwo;
  const std::vector<float> numbers = on_grid ? GridNumbers(*q) : std::vector<float>();
  const float outer = on_grid ? OuterScaleOf(*q, settings.scales, real_weight) : 1.0f;
  const ScaleIndex scale_of(real_weight.dims(), *q);
  const auto solve = [&](int64_t o, const MomentMatrix& h, const std::vector<float>& cross) {
    const auto at = [&](int64_t i) { return layer.transposed ? i * layer.out + o : o * k + i; };
    std::vector<float> real(static_cast<size_t>(k));
    for (int64_t i = 0; i < k; ++i) real[static_cast<size_t>(i)] = w[at(i)];
    std::vector<float> u(static_cast<size_t>(k));
    for (int64_t i = 0; i < k; ++i) {
      const float* const row = cross.data() + i * stride;
      float sums[kMomentPad] = {};
      for (int64_t j = 0; j < k; ++j) sums[j % kMomentPad] += row[j] * real[static_cast<size_t>(j)];
      double sum = 0;
      for (const float s : sums) sum += s;
      u[static_cast<size_t>(i)] = static_cast<float>(sum);
    }
    std::vector<float> values;  // in units of `unit`
    float unit = 1;
    if (on_grid) {
      std::vector<int64_t> places(static_cast<size_t>(k));
      for (int64_t i = 0; i < k; ++i) places[static_cast<size_t>(i)] = at(i);
      values = SolveOnGrid(h, stride, real, u, numbers, ScaleGroups(scale_of, places),
                           settings.scales, outer, q);
    } else {
      float& scale = q->scale[static_cast<size_t>(o)];
      const Channel channel(h.values.data(), stride, real, std::move(u), range);
      values = SolveChannel(channel, IsNarrow(q->storage), &scale);
      unit = scale;
    }
    const size_t first = static_cast<size_t>(o / per_group * k);
    double mean = 0;
    for (int64_t i = 0; i < k; ++i) {
      const size_t n = static_cast<size_t>(i);
      mean += static_cast<double>(values[n]) * unit * layer.sums[first + n] -
              static_cast<double>(real[n]) * layer.real_sums[first + n];
      result[at(i)] = values[n] * unit;
    }
    shift[static_cast<size_t>(o)] = mean / static_cast<double>(layer.rows) * layer.x_scale;
  };
  if (layer.groups == 1) {
    const MomentMatrix h = InputMatrix(layer, 0, stride, kDamping, pool);
    const std::vector<float> cross = CrossMatrix(layer, 0, stride, h.damping);
    pool->ParallelFor(layer.out, [&](int64_t o, int) { solve(o, h, cross); });
  } else {
    pool->ParallelFor(layer.groups, [&](int64_t g, int) {
      const MomentMatrix h = InputMatrix(layer, g, stride, kDamping, nullptr);
      const std::vector<float> cross = CrossMatrix(layer, g, stride, h.damping);
      for (int64_t o = g * per_group; o < (g + 1) * per_group; ++o) solve(o, h, cross);
    });
  }
  adjusted->SetConstant(layer.weight, std::move(rounded));
  if (layer.centered) SubtractFromBias(adjusted, layer.node, shift);
}

// The layers by how many layers lie before them: those of one stage do not read each other.
std::vector<std::vector<WeightUse>> Stages(const Graph& graph, const QuantizationPlan& plan) {
  std::map<NodeId, WeightUse> uses;
  for (const WeightUse& use : plan.weights) uses[use.node] = use;
  std::map<ValueId, size_t> depth;  // of values: layers before them
  std::vector<std::vector<WeightUse>> stages;
  for (const NodeId id : graph.top().nodes) {
    size_t before = 0;
    for (const ValueId in : graph.node(id).inputs) {
      if (const auto it = depth.find(in); it != depth.end()) before = std::max(before, it->second);
    }
    if (const auto it = uses.find(id); it != uses.end()) {
      if (stages.size() <= before) stages.resize(before + 1);
      stages[before++].push_back(it->second);
    }
    for (const ValueId out : graph.node(id).outputs) {
      if (out != kNoId) depth[out] = before;
    }
  }
  return stages;
}

}  // namespace

Result<int64_t> ReconstructLayers(const Graph& real, const QuantizationPlan& plan,
                                  const Dataset& dataset, const RoundingSettings& settings,
                                  const Rebuild& rebuild, ThreadPool* pool, Graph quantized,
                                  Graph* adjusted, Encodings* weights) {
  int64_t done = 0;
  const std::vector<std::vector<WeightUse>> stages = Stages(real, plan);
  for (size_t s = 0; s < stages.size(); ++s) {
    if (rebuild != nullptr && s > 0) {
      ADZE_ASSIGN(quantized, rebuild());
    }
    std::vector<MomentLayer> layers =
        MomentLayers(quantized, stages[s], *adjusted, settings.correct_bias, rebuild == nullptr);
    std::erase_if(layers,
                  [](const MomentLayer& l) { return l.moment_bytes(true) > kMaxMomentBytes; });
    for (size_t begin = 0; begin < layers.size();) {
      size_t end = begin;
      int64_t bytes = 0;
      while (end < layers.size() &&
             (end == begin || bytes + layers[end].moment_bytes(true) <= kMaxMomentBytes)) {
        bytes += layers[end++].moment_bytes(true);
      }
      const std::span<MomentLayer> chunk(&layers[begin], end - begin);
      const MomentOptions options = {.split = settings.split,
                                     .samples = settings.samples,
                                     .min_rows = kMinRows,
                                     .isa = settings.isa,
                                     .float_inputs = rebuild == nullptr,
                                     .real = &real};
      ADZE_TRY(CollectMoments(quantized, *adjusted, dataset, options, pool, chunk));
      for (MomentLayer& layer : chunk) {
        if (layer.rows > 0) {
          ReconstructLayer(layer, real.value(layer.weight).constant, settings, pool,
                           &weights->tensors.at(real.value(layer.weight).name).type, adjusted);
          ++done;
        }
        layer = {};
      }
      begin = end;
    }
    if (settings.progress) {
      settings.progress("reconstruction", static_cast<int64_t>(s) + 1,
                        static_cast<int64_t>(stages.size()));
    }
  }
  return done;
}

}  // namespace adze
