#include "algos/adaptive_rounding.h"

#include <algorithm>
#include <cmath>

#include "algos/bias_correction.h"
#include "algos/input_moments.h"
#include "numerics/rounding.h"

namespace adze {
namespace {

// Second moments held at a time; layers beyond that wait for another run over the samples.
constexpr int64_t kMaxMomentBytes = int64_t{96} << 20;
constexpr int kMaxSweeps = 12;
constexpr double kDamping = 0.01;  // see InputMatrix

void RoundLayer(MomentLayer* layer, const QuantType& q, const RoundingSettings& settings,
                ThreadPool* pool, Graph* adjusted) {
  const int64_t k = layer->k;
  const int64_t stride = (k + kMomentPad - 1) / kMomentPad * kMomentPad;
  const int64_t per_group = layer->out / layer->groups;
  const Tensor weight = adjusted->value(layer->weight).constant;
  const float* const w = weight.data<float>();
  Tensor rounded = Tensor::Allocate(DType::kFloat32, weight.dims());
  float* const result = rounded.mutable_data<float>();
  std::vector<double> shift(static_cast<size_t>(layer->out), 0.0);
  const auto round = [&](int64_t o, const std::vector<float>& h) {
    const float scale = q.scale[q.per_tensor() ? 0 : static_cast<size_t>(o)];
    std::vector<float> target(static_cast<size_t>(k));
    std::vector<float> codes(static_cast<size_t>(k));
    const auto at = [&](int64_t i) { return layer->transposed ? i * layer->out + o : o * k + i; };
    for (int64_t i = 0; i < k; ++i) target[static_cast<size_t>(i)] = w[at(i)] / scale;
    RoundChannel(target, h.data(), stride, settings.limit, codes);
    const double* const sums = layer->sums.data() + o / per_group * k;
    for (int64_t i = 0; i < k; ++i) {
      const float t = target[static_cast<size_t>(i)];
      const float nearest = std::clamp(RoundNearestEven(t), -static_cast<float>(settings.limit),
                                       static_cast<float>(settings.limit));
      const float code = codes[static_cast<size_t>(i)];
      shift[static_cast<size_t>(o)] += static_cast<double>(code - nearest) * sums[i] /
                                       static_cast<double>(layer->rows) * scale * layer->x_scale;
      result[at(i)] = code * scale;
    }
  };
  if (layer->groups == 1) {
    const MomentMatrix h = InputMatrix(*layer, 0, stride, kDamping, pool);
    pool->ParallelFor(layer->out, [&](int64_t o, int) { round(o, h.values); });
  } else {
    pool->ParallelFor(layer->groups, [&](int64_t g, int) {
      const MomentMatrix h = InputMatrix(*layer, g, stride, kDamping, nullptr);
      for (int64_t o = g * per_group; o < (g + 1) * per_group; ++o) round(o, h.values);
    });
  }
  adjusted->SetConstant(layer->weight, std::move(rounded));
  if (layer->centered) SubtractFromBias(adjusted, layer->node, shift);
}

}  // namespace

void AddScaledRow(float factor, const float* __restrict row, int64_t stride,
                  float* __restrict sum) {
  for (int64_t b = 0; b < stride; b += kMomentPad) {
    for (int64_t i = 0; i < kMomentPad; ++i) sum[b + i] += factor * row[b + i];
  }
}

void DescendValues(const float* h, int64_t stride, std::span<const float> u,
                   std::span<const float> low, std::span<const float> high,
                   std::span<float> values) {
  const auto k = static_cast<int64_t>(values.size());
  std::vector<float> gradient(static_cast<size_t>(stride), 0.0f);  // H v - u
  for (int64_t j = 0; j < k; ++j) {
    gradient[static_cast<size_t>(j)] -= u[static_cast<size_t>(j)];
    AddScaledRow(values[static_cast<size_t>(j)], h + j * stride, stride, gradient.data());
  }
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool changed = false;
    for (int64_t j = 0; j < k; ++j) {
      const auto n = static_cast<size_t>(j);
      const float other = values[n] == low[n] ? high[n] : low[n];
      if (other == values[n]) continue;
      const float delta = other - values[n];
      const float curvature = delta * delta * h[j * stride + j];
      const float change = 2 * delta * gradient[n] + curvature;
      // Rounding errors of the gradient must not keep the descent going.
      if (!(change < -1e-4f * curvature)) continue;
      values[n] = other;
      AddScaledRow(delta, h + j * stride, stride, gradient.data());
      changed = true;
    }
    if (!changed) break;
  }
}

void DescendCodes(const float* h, int64_t stride, std::span<const float> u,
                  std::span<const float> target, IntRange range, std::span<float> codes) {
  const auto lo = static_cast<float>(range.min);
  const auto hi = static_cast<float>(range.max);
  std::vector<float> low(codes.begin(), codes.end());
  std::vector<float> high(low);
  for (size_t j = 0; j < codes.size(); ++j) {
    if (std::abs(codes[j] - target[j]) >= 1) continue;
    low[j] = std::max(std::floor(target[j]), lo);
    high[j] = std::min(std::ceil(target[j]), hi);
  }
  DescendValues(h, stride, u, low, high, codes);
}

void RoundChannel(std::span<const float> target, const float* h, int64_t stride, int limit,
                  std::span<float> codes) {
  const auto bound = static_cast<float>(limit);
  std::vector<float> u(static_cast<size_t>(stride), 0.0f);
  for (size_t j = 0; j < target.size(); ++j) {
    codes[j] = std::clamp(RoundNearestEven(target[j]), -bound, bound);
    AddScaledRow(target[j], h + static_cast<int64_t>(j) * stride, stride, u.data());
  }
  DescendCodes(h, stride, u, target, {-limit, limit}, codes);
}

Result<int64_t> RoundAdaptively(const Graph& quantized, const QuantizationPlan& plan,
                                const Encodings& weights, const Dataset& dataset,
                                const RoundingSettings& settings, ThreadPool* pool,
                                Graph* adjusted) {
  std::vector<MomentLayer> layers =
      MomentLayers(quantized, plan.weights, *adjusted, settings.correct_bias);
  std::erase_if(layers,
                [](const MomentLayer& l) { return l.moment_bytes(false) > kMaxMomentBytes; });
  const MomentOptions options = {.split = settings.split,
                                 .samples = settings.samples,
                                 .isa = settings.isa,
                                 .progress = settings.progress};
  int64_t rounded = 0;
  for (size_t begin = 0; begin < layers.size();) {
    size_t end = begin;
    int64_t bytes = 0;
    while (end < layers.size() &&
           (end == begin || bytes + layers[end].moment_bytes(false) <= kMaxMomentBytes)) {
      bytes += layers[end++].moment_bytes(false);
    }
    const std::span<MomentLayer> chunk(&layers[begin], end - begin);
    ADZE_TRY(CollectMoments(quantized, *adjusted, dataset, options, pool, chunk));
    for (MomentLayer& layer : chunk) {
      if (layer.rows > 0) {
        const QuantType& q = weights.tensors.at(adjusted->value(layer.weight).name).type;
        RoundLayer(&layer, q, settings, pool, adjusted);
        ++rounded;
      }
      layer.moments = {};
    }
    begin = end;
  }
  return rounded;
}

}  // namespace adze
