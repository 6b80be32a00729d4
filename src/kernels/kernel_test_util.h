// Helpers of the kernel tests: random operands at odd addresses with guard bytes, and the record of
// exercised ISAs.
#ifndef ADZE_KERNELS_KERNEL_TEST_UTIL_H_
#define ADZE_KERNELS_KERNEL_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "base/cpu.h"

namespace adze {

// The permitted over-read of every kernel (kOverreadBytes of the executor).
inline constexpr int64_t kTestOverread = 64;

// n elements starting at an address that is aligned to the element only, followed by exactly the
// permitted over-read, filled with a pattern that CheckGuards finds again.
template <typename T>
class OddBuffer {
 public:
  explicit OddBuffer(int64_t n) : n_(n), bytes_(Lead() + n * sizeof(T) + kTestOverread, kGuard) {}
  T* data() { return reinterpret_cast<T*>(bytes_.data() + Lead()); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + Lead()); }
  int64_t size() const { return n_; }
  T& operator[](int64_t i) { return data()[i]; }
  // True when nothing was written outside the elements.
  bool GuardsIntact() const {
    const size_t end = Lead() + n_ * sizeof(T);
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if ((i < Lead() || i >= end) && bytes_[i] != kGuard) return false;
    }
    return true;
  }

 private:
  static constexpr uint8_t kGuard = 0xA5;
  static constexpr size_t Lead() { return 64 + sizeof(T); }
  int64_t n_;
  std::vector<uint8_t> bytes_;
};

template <typename T>
void FillRandom(std::mt19937& rng, int64_t lo, int64_t hi, T* data, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    data[i] = static_cast<T>(lo + static_cast<int64_t>(rng() % static_cast<uint64_t>(hi - lo + 1)));
  }
}

inline bool IsaSupported(Isa isa) {
  for (Isa s : SupportedIsas()) {
    if (s == isa) return true;
  }
  return false;
}

// Calls fn(row) for every row of a family's list that this CPU can run, prints their names, and
// fails when a supported ISA of the list was not reached.
template <typename Rows, typename Fn>
void ForEachSupportedRow(const char* family, const Rows& rows, const Fn& fn) {
  int exercised = 0;
  int expected = 0;
  for (const auto& row : rows) {
    if (!IsaSupported(row.isa)) {
      std::printf("[  ISA   ] %s: %s needs %s, which this CPU lacks\n", family, row.name,
                  IsaName(row.isa));
      continue;
    }
    ++expected;
    SCOPED_TRACE(row.name);
    fn(row);
    std::printf("[  ISA   ] %s: %s exercised (%s)\n", family, row.name, IsaName(row.isa));
    ++exercised;
  }
  EXPECT_EQ(exercised, expected);
  EXPECT_GE(exercised, 1);
}

}  // namespace adze

#endif  // ADZE_KERNELS_KERNEL_TEST_UTIL_H_
