// A small thread pool: work is cut into chunks, and workers take the next chunk from one atomic
// counter, so a slow or preempted core delays the others by one chunk at most. Workers spin
// briefly, then sleep: they burn no CPU between runs. Nothing is pinned.
#ifndef ADZE_BASE_THREAD_POOL_H_
#define ADZE_BASE_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "base/function_ref.h"

namespace adze {

class ThreadPool {
 public:
  // `num_threads` counts the calling thread: 1 starts no thread. Values below 1 mean
  // AvailableCpus() (base/limits.h); above 4096 it means 4096.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  // Calls fn(chunk, worker) once for each chunk in [0, num_chunks), worker in [0, num_threads()),
  // and returns when all are done. The caller takes part as worker 0. No allocation. Not reentrant:
  // one ParallelFor at a time per pool, and fn must not call it.
  void ParallelFor(int64_t num_chunks, FunctionRef<void(int64_t chunk, int worker)> fn);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
  int num_threads_;
};

}  // namespace adze

#endif  // ADZE_BASE_THREAD_POOL_H_
