#include "runtime/roofline.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "kernels/peak/peak.h"

namespace adze {
namespace {

using Clock = std::chrono::steady_clock;

// Windows are shorter than a time slice, so that on a busy machine some are undisturbed.
constexpr double kWindowSeconds = 1e-3;
constexpr int kWindows = 40;
constexpr int kMinWindows = 4;
constexpr double kMaxSeconds = 0.25;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Units of work per second: `work(rounds)` on every thread, `rounds` so that a window is long
// against handing it out, the best of several windows.
template <typename Work>
double BestRate(ThreadPool& pool, Work work) {
  int64_t rounds = 1;
  double best = 0;
  const auto begin = Clock::now();
  for (int window = 0;
       window < kMinWindows || (window < kWindows && SecondsSince(begin) < kMaxSeconds);) {
    int64_t units = 0;
    const auto start = Clock::now();
    pool.ParallelFor(pool.num_threads(), [&](int64_t chunk, int) {
      const int64_t done = work(rounds, chunk);
      if (chunk == 0) units = done;
    });
    const double seconds = SecondsSince(start);
    if (seconds < kWindowSeconds && rounds < (int64_t{1} << 40)) {
      rounds *= seconds < kWindowSeconds / 10 ? 8 : 2;
      continue;
    }
    best = std::max(best, static_cast<double>(units) * pool.num_threads() / seconds);
    ++window;
  }
  return best;
}

}  // namespace

MachinePeak MeasurePeak(Isa isa, int64_t working_set_bytes, ThreadPool& pool) {
  const PeakLoops& loops = FindPeak(isa);
  MachinePeak peak;
  peak.int8_macs_per_s =
      BestRate(pool, [&](int64_t rounds, int64_t) { return loops.multiply_int8(rounds); });
  peak.float_macs_per_s =
      BestRate(pool, [&](int64_t rounds, int64_t) { return loops.multiply_f32(rounds); });
  // Equal parts of whole 512-byte blocks, and enough of them that a loop's start does not count.
  const int64_t threads = pool.num_threads();
  const int64_t part = std::max<int64_t>(working_set_bytes / threads / 512 * 512, 8192);
  char* const buffer =
      static_cast<char*>(std::aligned_alloc(512, static_cast<size_t>(part * threads)));
  if (buffer == nullptr) return peak;
  // Written, because untouched pages are all the same page of zeros.
  std::memset(buffer, 1, static_cast<size_t>(part * threads));
  peak.read_bytes_per_s = BestRate(pool, [&](int64_t rounds, int64_t chunk) {
    for (int64_t r = 0; r < rounds; ++r) {
      const uint64_t sum = loops.read(buffer + chunk * part, part);
      asm volatile("" : : "r"(sum) : "memory");
    }
    return rounds * part;
  });
  std::free(buffer);
  return peak;
}

Roofline RooflineOf(const RunCost& cost, const MachinePeak& peak) {
  Roofline r;
  r.compute_s = static_cast<double>(cost.int8_macs) / peak.int8_macs_per_s +
                static_cast<double>(cost.float_macs) / peak.float_macs_per_s;
  if (peak.read_bytes_per_s > 0) {
    r.memory_s =
        static_cast<double>(cost.weight_bytes + cost.activation_bytes) / peak.read_bytes_per_s;
  }
  return r;
}

CacheEvictor::CacheEvictor(ThreadPool* pool) : pool_(pool) {
  const long cache = std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE), ::sysconf(_SC_LEVEL2_CACHE_SIZE));
  bytes_ =
      cache > 0 ? std::min<int64_t>(2 * int64_t{cache}, int64_t{256} << 20) : int64_t{64} << 20;
  buffer_ = static_cast<uint64_t*>(std::malloc(static_cast<size_t>(bytes_)));
}

CacheEvictor::~CacheEvictor() { std::free(buffer_); }

void CacheEvictor::Evict() {
  ++round_;
  const int64_t threads = pool_->num_threads();
  const int64_t part = bytes_ / 8 / threads;
  pool_->ParallelFor(
      threads, [&](int64_t chunk, int) { std::fill_n(buffer_ + chunk * part, part, round_); });
}

}  // namespace adze
