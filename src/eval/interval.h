// Confidence intervals of accuracies.
#ifndef ADZE_EVAL_INTERVAL_H_
#define ADZE_EVAL_INTERVAL_H_

#include <cstdint>

namespace adze {

struct Interval {
  double low = 0;
  double high = 0;
};

// 95 % interval of a proportion of `hits` in `samples` > 0 (Wilson 1927): it stays inside [0, 1]
// and is right near both ends, where the normal interval is not.
Interval WilsonInterval95(int64_t hits, int64_t samples);

// 95 % interval of the difference of two accuracies on the same samples: p_b - p_a, where `only_a`
// samples were right under a alone and `only_b` under b alone (McNemar's discordant pairs). Normal
// approximation with
//   variance = (only_a + only_b - (only_b - only_a)^2 / n) / n^2.
// With no discordant pair that is zero width although the truth is not known exactly; then the rule
// of three gives
// +-3/n.
Interval PairedDifference95(int64_t only_a, int64_t only_b, int64_t samples);

}  // namespace adze

#endif  // ADZE_EVAL_INTERVAL_H_
