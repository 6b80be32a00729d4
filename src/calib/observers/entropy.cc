// The range that loses least information: the Kullback-Leibler divergence between the distribution clipped to the range
// and its quantized form (S. Migacz, "8-bit inference with TensorRT", GTC 2017), for ranges with two free ends. The
// histogram is spread over kBins linear bins; a candidate range covers whole bins; what lies outside is added to its end
// bins; the quantized form joins bins into 256 levels (128 per side for symmetric quantizers) and spreads each level over its
// non-empty bins. Exact zeros are left out: every quantizer represents them.
#include <algorithm>
#include <cmath>

#include "calib/observers/density.h"
#include "calib/observers/observer.h"

namespace adze {
namespace {

constexpr int kBins = 2048;
constexpr int kCandidates = 64;  // per end

// Divergence for bins [begin, end) quantized to `levels`.
double Divergence(const std::vector<double>& p, const std::vector<double>& prefix, int begin,
                  int end, int levels) {
  const double below = prefix[static_cast<size_t>(begin)];
  const double above = prefix.back() - prefix[static_cast<size_t>(end)];
  const double total = prefix.back();
  const int size = end - begin;
  if (size <= levels) return (below + above) / total;  // every bin has its own level: only clipping
  // Sum over bins of P log(P / Q): P has the outliers at its ends, Q does not.
  double divergence = 0;
  for (int level = 0; level < levels; ++level) {
    const int first = begin + static_cast<int>(static_cast<int64_t>(level) * size / levels);
    const int last = begin + static_cast<int>(static_cast<int64_t>(level + 1) * size / levels);
    double mass = 0;
    int filled = 0;
    for (int b = first; b < last; ++b) {
      mass += p[static_cast<size_t>(b)];
      filled += p[static_cast<size_t>(b)] > 0;
    }
    const double q = filled == 0 ? 0 : mass / filled;
    for (int b = first; b < last; ++b) {
      double reference = p[static_cast<size_t>(b)];
      if (b == begin) reference += below;
      if (b == end - 1) reference += above;
      if (reference <= 0) continue;
      // An end bin that holds outliers only: smoothed, as nothing of Q is there.
      const double quantized = p[static_cast<size_t>(b)] > 0 ? q : 1e-4;
      divergence += reference * std::log(reference / quantized);
    }
  }
  const double kept = total - below - above;
  // Both distributions normalised: P by total, Q by what it kept.
  return divergence / total + std::log(std::max(kept, 1e-12) / total);
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
  std::vector<double> prefix(kBins + 1, 0.0);
  for (size_t b = 0; b < kBins; ++b) prefix[b + 1] = prefix[b] + p[b];
  if (!(prefix.back() > 0)) return {r.min, r.max};

  const int levels = spec.symmetric ? 255 : 256;
  const int zero = std::clamp(static_cast<int>(std::lround(-min / width)), 0, kBins);
  int begin = 0;
  int end = kBins;
  double best = Divergence(p, prefix, begin, end, levels);
  // At least as many bins as levels stay, as in the original; at equal divergence the wider range wins.
  const auto attempt = [&](int b, int e) {
    if (e - b < levels || b > zero || e < zero) return;
    const double d = Divergence(p, prefix, b, e, levels);
    if (d < best) {
      best = d;
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
    .summary = "the smallest Kullback-Leibler divergence between the values and their quantized form",
    .finish = FinishEntropy,
};

}  // namespace adze
