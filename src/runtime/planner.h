// The memory planner: a pure function from lifetimes to offsets in one arena.
#ifndef ADZE_RUNTIME_PLANNER_H_
#define ADZE_RUNTIME_PLANNER_H_

#include <cstdint>
#include <span>
#include <vector>

namespace adze {

inline constexpr int64_t kArenaAlignment = 64;

// A block of `bytes` that must not overlap any block alive at the same time. Times are step
// numbers, both inclusive.
struct Lifetime {
  int64_t bytes = 0;
  int32_t first = 0;
  int32_t last = 0;
};

struct ArenaPlan {
  std::vector<int64_t> offsets;  // per lifetime, multiples of kArenaAlignment; 0-byte blocks get 0
  int64_t bytes = 0;             // size of the arena
};

// Greedy by size: the largest block first, each at the lowest gap among the blocks it overlaps in
// time (Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
// O(n^2).
ArenaPlan PlanArena(std::span<const Lifetime> lifetimes);

// The largest sum of bytes alive at one time: no plan can be smaller.
int64_t ArenaLowerBound(std::span<const Lifetime> lifetimes);

}  // namespace adze

#endif  // ADZE_RUNTIME_PLANNER_H_
