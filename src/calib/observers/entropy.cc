// The range that loses least information: the Kullback-Leibler divergence between the distribution
// clipped to the range and its quantized form (S. Migacz, "8-bit inference with TensorRT", GTC
// 2017), for ranges with two free ends. The histogram is spread over kBins linear bins; a candidate
// range covers whole bins; what lies outside is added to its end bins; the quantized form joins
// bins into 256 levels (128 per side for symmetric quantizers) and spreads each level over its
// non-empty bins. Exact zeros are left out: every quantizer represents them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "calib/observers/density.h"
#include "calib/observers/observer.h"

namespace adze {
namespace {

constexpr int kBins = 2048;
constexpr int kCandidates = 64;  // per end

// Prefix sums over the linear bins, so that a candidate costs one step per level.
struct Distribution {
  std::vector<double> p;        // mass per bin
  std::vector<double> mass;     // of the bins before
  std::vector<double> filled;   // how many of them are not empty
  std::vector<double> p_log_p;  // sum of p log p over them
};

double XLogX(double x) { return x > 0 ? x * std::log(x) : 0; }

// Divergence for bins [begin, end) quantized to `levels`: sum of P log(P / Q), where P has the
// outliers in its end bins and Q, one constant per level over its non-empty bins, does not have
// them. Both are normalised to 1.
double Divergence(const Distribution& d, int begin, int end, int levels) {
  const size_t first = static_cast<size_t>(begin);
  const size_t last = static_cast<size_t>(end) - 1;
  const double below = d.mass[first];
  const double above = d.mass.back() - d.mass[last + 1];
  const double total = d.mass.back();
  const double kept = total - below - above;
  if (!(kept > 0)) return std::numeric_limits<double>::infinity();
  double sum = d.p_log_p[last + 1] - d.p_log_p[first];
  sum += XLogX(d.p[first] + below) - XLogX(d.p[first]);
  sum += XLogX(d.p[last] + above) - XLogX(d.p[last]);
  // An end bin that holds outliers only has no Q: it counts as if a 1e-4 part of a value were
  // there.
  constexpr double kSmooth = 1e-4;
  const int64_t size = end - begin;
  for (int64_t level = 0; level < levels; ++level) {
    const size_t a = static_cast<size_t>(begin + level * size / levels);
    const size_t b = static_cast<size_t>(begin + (level + 1) * size / levels);
    const double mass = d.mass[b] - d.mass[a];
    const double filled = d.filled[b] - d.filled[a];
    const double log_q = filled > 0 ? std::log(mass / filled) : 0;
    if (filled > 0) sum -= mass * log_q;
    const auto outliers = [&](size_t bin, double count) {
      if (count > 0) sum -= count * (d.p[bin] > 0 ? log_q : std::log(kSmooth));
    };
    if (level == 0) outliers(first, below);
    if (level == levels - 1) outliers(last, above);
  }
  return sum / total + std::log(kept / total);
}

RealRange FinishEntropy(const TensorRecord& record, const ObserverSpec& spec) {
  const RangeRecord& r = record.range;
  double min = std::min(r.min, 0.0f);
  double max = std::max(r.max, 0.0f);
  if (spec.symmetric) {
    max = std::max(-min, max);
    min = -max;
  }
  std::vector<double> p(kBins, 0.0);
  const double width = (max - min) / kBins;
  if (!(width > 0)) return {r.min, r.max};
  for (const Interval& i : DensityOf(record)) {
    const auto bin = [&](double x) {
      return std::clamp(static_cast<int>((x - min) / width), 0, kBins - 1);
    };
    const int first = bin(i.low);
    const int last = bin(i.high);
    for (int b = first; b <= last; ++b) {
      const double low = std::max(i.low, min + b * width);
      const double high = std::min(i.high, min + (b + 1) * width);
      const double share = first == last ? 1.0 : std::max(0.0, high - low) / (i.high - i.low);
      p[static_cast<size_t>(b)] += i.count * share;
    }
  }
  Distribution d{std::move(p), {0}, {0}, {0}};
  for (const double mass : d.p) {
    d.mass.push_back(d.mass.back() + mass);
    d.filled.push_back(d.filled.back() + (mass > 0 ? 1 : 0));
    d.p_log_p.push_back(d.p_log_p.back() + XLogX(mass));
  }
  if (!(d.mass.back() > 0)) return {r.min, r.max};

  const int levels = spec.symmetric ? 255 : 256;
  const int zero = std::clamp(static_cast<int>(std::lround(-min / width)), 0, kBins);
  int begin = 0;
  int end = kBins;
  double best = Divergence(d, begin, end, levels);
  // At least as many bins as levels stay, as in the original; at equal divergence the wider range
  // wins.
  const auto attempt = [&](int b, int e) {
    if (e - b < levels || b > zero || e < zero) return;
    const double divergence = Divergence(d, b, e, levels);
    if (divergence < best) {
      best = divergence;
      begin = b;
      end = e;
    }
  };
  if (spec.symmetric) {
    for (int c = 1; c < kCandidates; ++c) {
      const int cut = c * (kBins / 2) / kCandidates;
      attempt(cut, kBins - cut);
    }
  } else {
    for (int c = 1; c < kCandidates; ++c) attempt(begin, kBins - c * (kBins - zero) / kCandidates);
    const int chosen = end;
    for (int c = 1; c < kCandidates; ++c) attempt(c * zero / kCandidates, chosen);
  }
  const auto within = [&](double x) { return std::clamp(static_cast<float>(x), r.min, r.max); };
  return {within(min + begin * width), within(min + end * width)};
}

}  // namespace

extern constexpr ObserverDef kEntropyObserver = {
    .name = "entropy",
    .summary =
        "the smallest Kullback-Leibler divergence between the values and their quantized form",
    .finish = FinishEntropy,
};

}  // namespace adze
