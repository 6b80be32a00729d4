#include "eval/interval.h"

#include <algorithm>
#include <cmath>

namespace adze {
namespace {
constexpr double kZ95 = 1.959963984540054;  // 97.5 % point of the normal distribution
}  // namespace

Interval WilsonInterval95(int64_t hits, int64_t samples) {
  const double n = static_cast<double>(samples);
  const double p = static_cast<double>(hits) / n;
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ95 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Interval PairedDifference95(int64_t only_a, int64_t only_b, int64_t samples) {
  const double n = static_cast<double>(samples);
  const double discordant = static_cast<double>(only_a + only_b);
  const double gain = static_cast<double>(only_b - only_a);
  if (discordant == 0) return {std::max(-1.0, -3 / n), std::min(1.0, 3 / n)};
  const double half = kZ95 * std::sqrt(discordant - gain * gain / n) / n;
  return {gain / n - half, gain / n + half};
}

}  // namespace adze
