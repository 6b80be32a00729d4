#include "algos/weight_grid.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace adze {
namespace {

// Scales tried: from the one that reaches the largest weight down, each that much smaller.
constexpr int kScales = 30;
constexpr float kStep = 0.93f;
// k-means over a histogram of so many bins.
constexpr size_t kBins = 16384;
constexpr int kIterations = 100;

// Squared error with this scale, and the scale that suits the codes best.
struct Fit {
  double error = 0;
  double scale = 0;
};
Fit FitScale(std::span<const float> numbers, float scale, std::span<const float> w,
             std::span<const float> importance) {
  Fit fit;
  double power = 0;
  double match = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    const double h = importance.empty() ? 1.0 : importance[i];
    const double number = numbers[NearestCode(numbers, w[i] / scale)];
    const double error = w[i] - scale * number;
    fit.error += h * error * error;
    power += h * number * number;
    match += h * number * w[i];
  }
  fit.scale = power > 0 && match > 0 ? match / power : 0;
  return fit;
}

// Ascending centres of clusters of numbers in [-1, 1], by Lloyd's iteration: from an even grid,
// which it can only improve on, and from quantiles, and the better of the two.
class KMeans {
 public:
  void Add(float x) {
    const auto bin = static_cast<size_t>(std::clamp((x + 1) * 0.5f * static_cast<float>(kBins),
                                                    0.0f, static_cast<float>(kBins - 1)));
    ++mass_[bin];
    sum_[bin] += x;
    squares_ += double{x} * x;
  }
  std::vector<float> Centres(size_t count) const {
    double total = 0;
    for (const double m : mass_) total += m;
    if (total == 0) return MakeCodebook({-1.0f, 1.0f}, count);
    std::vector<double> even, quantiles;
    for (size_t i = 0; i < count; ++i) {
      even.push_back(2.0 * static_cast<double>(i) / static_cast<double>(count - 1) - 1);
    }
    double seen = 0;
    for (size_t b = 0; b < kBins; ++b) {
      seen += mass_[b];
      while (quantiles.size() < count && mass_[b] > 0 &&
             seen >= total * (static_cast<double>(quantiles.size()) + 0.5) /
                         static_cast<double>(count)) {
        quantiles.push_back(sum_[b] / mass_[b]);
      }
    }
    const double of_even = Improve(&even);
    const double of_quantiles = Improve(&quantiles);
    const std::vector<double>& best = of_quantiles < of_even ? quantiles : even;
    return MakeCodebook(std::vector<float>(best.begin(), best.end()), count);
  }

 private:
  // Iterates; returns the squared error.
  double Improve(std::vector<double>* centres) const {
    double error = 0;
    for (int i = 0; i < kIterations; ++i) {
      std::sort(centres->begin(), centres->end());
      std::vector<double> mass(centres->size(), 0.0);
      std::vector<double> sum(centres->size(), 0.0);
      error = squares_;
      size_t c = 0;
      for (size_t b = 0; b < kBins; ++b) {
        if (mass_[b] == 0) continue;
        const double x = sum_[b] / mass_[b];
        while (c + 1 < centres->size() && (*centres)[c + 1] - x < x - (*centres)[c]) ++c;
        mass[c] += mass_[b];
        sum[c] += sum_[b];
      }
      for (size_t k = 0; k < centres->size(); ++k) {
        if (mass[k] == 0) continue;
        (*centres)[k] = sum[k] / mass[k];
        error -= sum[k] * sum[k] / mass[k];
      }
    }
    return error;
  }

  std::vector<double> mass_ = std::vector<double>(kBins, 0.0);
  std::vector<double> sum_ = std::vector<double>(kBins, 0.0);
  double squares_ = 0;
};

}  // namespace

std::vector<float> GridNumbers(const QuantType& q) {
  if (!q.codebook.empty()) return q.codebook;
  std::vector<float> numbers;
  IntRange range = RangeOf(q.storage);
  if (q.storage == DType::kInt8) range.min = -range.max;
  for (int64_t i = range.min; i <= range.max; ++i) numbers.push_back(static_cast<float>(i));
  return numbers;
}

std::vector<ScaleGroup> ScaleGroups(const ScaleIndex& index, std::span<const int64_t> at) {
  std::map<size_t, ScaleGroup> groups;
  for (size_t i = 0; i < at.size(); ++i) {
    const size_t scale = index(at[i]);
    ScaleGroup& group = groups[scale];
    group.scale = scale;
    group.members.push_back(static_cast<int32_t>(i));
  }
  std::vector<ScaleGroup> out;
  for (auto& [scale, group] : groups) out.push_back(std::move(group));
  return out;
}

float ChooseScale(std::span<const float> numbers, ScaleFormat format, float outer,
                  std::span<const float> w, std::span<const float> importance) {
  float reach = 0;
  for (const float x : w) reach = std::max(reach, std::abs(x));
  // The weaker side of the grid reaches the largest weight whatever its sign.
  const float weaker = std::min(-numbers.front(), numbers.back());
  const float stronger = std::max(-numbers.front(), numbers.back());
  const float top = weaker > 0 ? weaker : stronger;
  float wanted = top > 0 ? reach / top : reach;
  // A power of two is rounded to the nearest: the one above is to be among them.
  if (format == ScaleFormat::kPowerOfTwo) wanted *= 1.4142f;
  float best = NearestScale(format, wanted, outer);
  double least = HUGE_VAL;
  float last = 0;
  const auto consider = [&](float candidate) {
    const float scale = NearestScale(format, candidate, outer);
    if (scale == last) return 0.0;
    last = scale;
    const Fit fit = FitScale(numbers, scale, w, importance);
    if (fit.error < least) {
      least = fit.error;
      best = scale;
    }
    return fit.scale;
  };
  for (int i = 0; i < kScales; ++i, wanted *= kStep) consider(wanted);
  if (format == ScaleFormat::kFloat32) {
    last = 0;
    const double refit = consider(best);
    if (refit > 0) consider(static_cast<float>(refit));
  }
  return best;
}

void Neighbours(std::span<const float> numbers, float scale, float w, float* low, float* high,
                float* nearest) {
  const float x = w / scale;
  const auto above = std::lower_bound(numbers.begin(), numbers.end(), x);
  *high = scale * (above == numbers.end() ? numbers.back() : *above);
  *low = scale * (above == numbers.begin() ? numbers.front() : *(above - 1));
  if (above != numbers.end() && *above == x) *low = *high;
  *nearest = scale * numbers[NearestCode(numbers, x)];
}

float OuterScaleOf(const QuantType& q, ScaleFormat format, const Tensor& weight) {
  float reach = 0;
  for (const float x : weight.values<float>()) reach = std::max(reach, std::abs(x));
  return OuterScale(format, reach, q.codebook.empty() ? 1.0f : q.codebook.back());
}

Result<TensorEncoding> StoredWeightEncoding(const Graph& graph, const WeightUse& use,
                                            const NumberFormat& format, int64_t block_size,
                                            ThreadPool* pool) {
  const Value& v = graph.value(use.weight);
  if (v.constant.dtype() != DType::kFloat32) {
    return InternalError("weight '" + v.name + "' is not float32");
  }
  const std::span<const float> w = v.constant.values<float>();
  TensorEncoding e;
  e.provenance.observer = "weight";
  for (const float x : w) {
    if (!std::isfinite(x)) {
      return InvalidInput("weight '" + v.name + "' holds " +
                          (std::isnan(x) ? "NaN" : "an infinity"));
    }
    e.provenance.range_min = std::min(e.provenance.range_min, x);
    e.provenance.range_max = std::max(e.provenance.range_max, x);
  }
  QuantType& q = e.type;
  q.storage = format.storage;
  q.axis = use.axis;
  const std::vector<int64_t>& dims = v.constant.dims();
  // Inputs of a Conv are axis 1, of a matrix the other axis.
  const int inputs = use.axis == 1 ? 0 : 1;
  if (block_size > 0 && static_cast<int>(dims.size()) > inputs &&
      dims[static_cast<size_t>(inputs)] >= block_size) {
    q.axis = inputs;
    q.block_size = block_size;
  }
  const ScaleIndex index(dims, q);
  q.scale.assign(static_cast<size_t>(index.count()), 1.0f);
  q.zero_point.assign(q.scale.size(), 0);
  std::vector<std::vector<float>> members(q.scale.size());
  for (int64_t i = 0; i < v.constant.size(); ++i) {
    members[index(i)].push_back(w[static_cast<size_t>(i)]);
  }
  if (format.codebook != nullptr) q.codebook = format.codebook();
  if (format.learned) {
    KMeans means;
    for (const std::vector<float>& group : members) {
      float reach = 0;
      for (const float x : group) reach = std::max(reach, std::abs(x));
      if (reach == 0) continue;
      for (const float x : group) means.Add(x / reach);
    }
    q.codebook = means.Centres(size_t{1} << format.bits);
  }
  const std::vector<float> numbers = GridNumbers(q);
  const float outer = OuterScaleOf(q, format.scale, v.constant);
  pool->ParallelFor(index.count(), [&](int64_t s, int) {
    const auto n = static_cast<size_t>(s);
    q.scale[n] = ChooseScale(numbers, format.scale, outer, members[n], {});
  });
  return e;
}

}  // namespace adze
