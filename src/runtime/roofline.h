// The roofline of this machine: no network can run faster than its arithmetic at the peak rate, nor
// than its bytes at the peak bandwidth (Williams, Waterman & Patterson, "Roofline", 2009).
#ifndef ADZE_RUNTIME_ROOFLINE_H_
#define ADZE_RUNTIME_ROOFLINE_H_

#include <cstdint>

#include "base/cpu.h"
#include "base/thread_pool.h"

namespace adze {

// What one run of a network costs, by count.
struct RunCost {
  int64_t int8_macs = 0;
  int64_t float_macs = 0;
  int64_t weight_bytes = 0;      // packed, each once
  int64_t activation_bytes = 0;  // each step reads its inputs and writes its outputs once
  int64_t macs() const { return int8_macs + float_macs; }
};

// Rates of all threads of a pool together.
struct MachinePeak {
  double int8_macs_per_s = 0;
  double float_macs_per_s = 0;
  double read_bytes_per_s = 0;
};

// The best of many short windows, 0.1 to 0.8 s in all. Bandwidth is measured by reading a buffer
// of `working_set_bytes` again and again, so it is that of the cache, or the memory, in which the
// network lives. Zero where the buffer cannot be allocated.
MachinePeak MeasurePeak(Isa isa, int64_t working_set_bytes, ThreadPool& pool);

struct Roofline {
  double compute_s = 0;
  double memory_s = 0;
  double seconds() const { return compute_s > memory_s ? compute_s : memory_s; }
};
Roofline RooflineOf(const RunCost& cost, const MachinePeak& peak);

// Pushes this process's data out of the caches: every thread of the pool writes through its part of
// a buffer of twice the last-level cache. Falls back to 64 MiB where the cache's size is unknown
// and stops at 256 MiB.
class CacheEvictor {
 public:
  explicit CacheEvictor(ThreadPool* pool);
  ~CacheEvictor();
  CacheEvictor(const CacheEvictor&) = delete;
  CacheEvictor& operator=(const CacheEvictor&) = delete;
  bool ok() const { return buffer_ != nullptr; }  // false: no memory
  void Evict();                                   // only when ok()

 private:
  ThreadPool* pool_;
  int64_t bytes_;
  uint64_t* buffer_;
  uint64_t round_ = 0;
};

}  // namespace adze

#endif  // ADZE_RUNTIME_ROOFLINE_H_
