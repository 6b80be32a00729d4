#include "runtime/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace adze {
namespace {

void ExpectDisjoint(std::span<const Lifetime> blocks, const ArenaPlan& plan) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % kArenaAlignment, 0);
    EXPECT_LE(plan.offsets[i] + blocks[i].bytes, plan.bytes);
    for (size_t j = 0; j < i; ++j) {
      const bool in_time = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
      const bool in_space = plan.offsets[i] < plan.offsets[j] + blocks[j].bytes &&
                            plan.offsets[j] < plan.offsets[i] + blocks[i].bytes;
      EXPECT_FALSE(in_time && in_space) << i << " and " << j;
    }
  }
}

// The smallest arena over all orders of placing each block at its lowest free offset: the optimum,
// since every optimal layout can be pushed down into that form.
int64_t BruteForce(std::span<const Lifetime> blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  int64_t best = INT64_MAX;
  do {
    std::vector<int64_t> offset(blocks.size(), 0);
    int64_t top = 0;
    for (size_t k = 0; k < order.size(); ++k) {
      const Lifetime& b = blocks[order[k]];
      int64_t at = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (size_t m = 0; m < k; ++m) {
          const Lifetime& o = blocks[order[m]];
          const bool in_time = b.first <= o.last && o.first <= b.last;
          if (in_time && at < offset[order[m]] + o.bytes && offset[order[m]] < at + b.bytes) {
            at = offset[order[m]] + o.bytes;
            moved = true;
          }
        }
      }
      offset[order[k]] = at;
      top = std::max(top, at + b.bytes);
    }
    best = std::min(best, top);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

TEST(Planner, NearTheBruteForceOptimum) {
  std::mt19937 rng(7);
  int64_t greedy_total = 0;
  int64_t optimum_total = 0;
  for (int round = 0; round < 150; ++round) {
    std::vector<Lifetime> blocks(7);
    for (Lifetime& b : blocks) {
      b.bytes = kArenaAlignment * (1 + static_cast<int64_t>(rng() % 12));
      b.first = static_cast<int32_t>(rng() % 8);
      b.last = b.first + static_cast<int32_t>(rng() % 4);
    }
    const ArenaPlan plan = PlanArena(blocks);
    ExpectDisjoint(blocks, plan);
    const int64_t optimum = BruteForce(blocks);
    EXPECT_GE(plan.bytes, optimum);
    EXPECT_GE(optimum, ArenaLowerBound(blocks));
    EXPECT_LE(plan.bytes, optimum * 3 / 2);
    greedy_total += plan.bytes;
    optimum_total += optimum;
  }
  EXPECT_LE(greedy_total, optimum_total * 105 / 100);
}

TEST(Planner, ChainNeedsTwoBuffers) {
  std::vector<Lifetime> blocks;
  for (int32_t i = 0; i < 20; ++i) blocks.push_back({1000, i, i + 1});
  const ArenaPlan plan = PlanArena(blocks);
  ExpectDisjoint(blocks, plan);
  EXPECT_EQ(plan.bytes, 2 * 1024);
}

TEST(Planner, EmptyAndZero) {
  EXPECT_EQ(PlanArena({}).bytes, 0);
  const Lifetime zero[] = {{0, 0, 5}, {64, 0, 5}};
  EXPECT_EQ(PlanArena(zero).bytes, 64);
}

}  // namespace
}  // namespace adze
