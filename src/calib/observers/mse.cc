// The range with the smallest expected squared error of the quantized values, from the histogram
// alone. With the values of a bin spread evenly, both parts have closed forms: inside the range the
// error is the sawtooth distance to the next grid point (delta^2 / 12 on average where a bin is
// wider than the step, exact where it is narrower); outside, the distance to the nearer end.
#include <algorithm>
#include <cmath>

#include "calib/observers/density.h"
#include "calib/observers/observer.h"

namespace adze {
namespace {

// Bins of 4 to 6 % are fine enough to compare ranges, and the search is four times faster.
constexpr int kJoin = 4;

// Integral of (distance from t to the nearest multiple of 1)^2 over [0, u].
double SawtoothIntegral(double u) {
  const double k = std::nearbyint(u);
  const double r = u - k;
  return k / 12.0 + r * r * r / 3.0;
}

struct Grid {
  double delta;  // step
  double low;    // smallest and largest representable value
  double high;
};

Grid GridOf(double lo, double hi, const ObserverSpec& spec) {
  const AffineParams p = ChooseAffineParams(static_cast<float>(lo), static_cast<float>(hi),
                                            spec.storage, spec.symmetric);
  const IntRange range = RangeOf(spec.storage);
  const double delta = p.scale;
  return {delta, delta * static_cast<double>(range.min - p.zero_point),
          delta * static_cast<double>(range.max - p.zero_point)};
}

double ExpectedError(const std::vector<Interval>& density, const Grid& g) {
  const double inverse = 1.0 / g.delta;
  const double cube = g.delta * g.delta * g.delta;
  double error = 0;
  for (const Interval& i : density) {
    const double per_length = i.count / (i.high - i.low);
    const double a = std::clamp(i.low, g.low, g.high);
    const double b = std::clamp(i.high, g.low, g.high);
    double integral = 0;
    if (a < b) integral += cube * (SawtoothIntegral(b * inverse) - SawtoothIntegral(a * inverse));
    // Integral of (t - end)^2 over the part outside.
    const auto clipped = [](double near, double far) {
      return (far * far * far - near * near * near) / 3;
    };
    if (i.high > g.high) integral += clipped(std::max(i.low, g.high) - g.high, i.high - g.high);
    if (i.low < g.low) integral += clipped(g.low - std::min(i.high, g.low), g.low - i.low);
    error += per_length * integral;
  }
  return error;
}

RealRange FinishMse(const TensorRecord& record, const ObserverSpec& spec) {
  const std::vector<Interval> density = DensityOf(record, kJoin);
  const double min = std::min(record.range.min, 0.0f);
  const double max = std::max(record.range.max, 0.0f);
  double low = 1;  // shares of min and max
  double high = 1;
  const auto error = [&](double l, double h) {
    return ExpectedError(density, GridOf(l * min, h * max, spec));
  };
  double best = error(1, 1);
  // Coarse over both ends at once, then finer around the best, one end at a time.
  constexpr int kCoarse = 8;
  const auto attempt = [&](double l, double h) {
    if (l <= 0 || h <= 0 || l > 1 || h > 1) return;
    const double e = error(l, h);
    if (e < best) {
      best = e;
      low = l;
      high = h;
    }
  };
  const bool two_sided = min < 0 && max > 0;
  for (int i = 0; i < kCoarse; ++i) {
    const double h = 1.0 - 0.1 * i;
    if (!two_sided || spec.symmetric) {
      attempt(h, h);
      continue;
    }
    for (int j = 0; j < kCoarse; ++j) attempt(1.0 - 0.1 * j, h);
  }
  // Heavy tails: the best range may be a small part of the extremes.
  for (double share = 0.25; share > 1e-3; share *= 0.75) {
    attempt(share, share);
    if (two_sided && !spec.symmetric) {
      attempt(1, share);
      attempt(share, 1);
    }
  }
  for (double step = 0.05; step > 0.004; step /= 2) {
    for (int round = 0; round < 2; ++round) {
      const double l = low;
      const double h = high;
      for (const double sign : {-1.0, 1.0}) {
        if (!two_sided || spec.symmetric) {
          attempt(l * (1 + sign * step), h * (1 + sign * step));
        } else {
          attempt(low, h * (1 + sign * step));
          attempt(l * (1 + sign * step), high);
        }
      }
    }
  }
  return {static_cast<float>(low * min), static_cast<float>(high * max)};
}

}  // namespace

extern constexpr ObserverDef kMseObserver = {
    .name = "mse",
    .summary = "the range with the smallest expected squared error",
    .finish = FinishMse,
};

}  // namespace adze
