#include "runtime/planner.h"

#include <algorithm>
#include <numeric>

namespace adze {
namespace {

int64_t Align(int64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

bool Overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

ArenaPlan PlanArena(std::span<const Lifetime> lifetimes) {
  ArenaPlan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<size_t> placed;  // sorted by offset
  for (size_t i : order) {
    const int64_t bytes = Align(lifetimes[i].bytes);
    if (bytes == 0) continue;
    // The smallest gap that fits among the neighbours in time; else above all of them.
    int64_t best = -1;
    int64_t best_gap = 0;
    int64_t end = 0;
    for (size_t j : placed) {
      if (!Overlap(lifetimes[i], lifetimes[j])) continue;
      const int64_t gap = plan.offsets[j] - end;
      if (gap >= bytes && (best < 0 || gap < best_gap)) {
        best = end;
        best_gap = gap;
      }
      end = std::max(end, plan.offsets[j] + Align(lifetimes[j].bytes));
    }
    plan.offsets[i] = best >= 0 ? best : end;
    plan.bytes = std::max(plan.bytes, plan.offsets[i] + bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), i,
                         [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
        i);
  }
  return plan;
}

int64_t ArenaLowerBound(std::span<const Lifetime> lifetimes) {
  int64_t bound = 0;
  for (const Lifetime& at : lifetimes) {
    int64_t sum = 0;
    for (const Lifetime& other : lifetimes) {
      if (other.first <= at.first && at.first <= other.last) sum += Align(other.bytes);
    }
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace adze
