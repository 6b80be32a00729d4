#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/limits.h"

namespace adze {
namespace {

// About 20 to 50 microseconds of polling before a worker sleeps: longer than the gap between two
// layers, far shorter than the gap between two requests.
constexpr int kSpinIterations = 2000;

constexpr int kMaxThreads = 4096;  // fits the count of active workers

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// One job at a time, described by `num_chunks`, `fn` and `next_chunk`, which the caller writes only
// while the job is closed and nobody is active. `state` says so in one word, so that joining and
// closing cannot cross: number of the job, a bit for open, number of active workers. A worker joins
// an open job that it has not seen by counting itself, and takes chunks until there are none; the
// caller does the same, closes the job and waits until nobody is active. Nobody locks on this path:
// a worker that spins sees the new job at once, and a lock that the caller still holds would put it
// to sleep. The mutex is for sleepers only.
struct ThreadPool::Shared {
  static constexpr uint64_t kActive = 0xffff;  // mask
  static constexpr uint64_t kOpen = uint64_t{1} << 16;
  static constexpr uint64_t kJob = uint64_t{1} << 17;  // step

  std::atomic<uint64_t> state{0};
  std::atomic<int64_t> next_chunk{0};
  std::atomic<int64_t> num_chunks{0};
  std::atomic<const FunctionRef<void(int64_t, int)>*> fn{nullptr};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<int> sleepers{0};
  std::vector<std::thread> threads;

  static bool IsNew(uint64_t now, uint64_t seen) {
    return (now & kOpen) != 0 && now / kJob != seen;
  }

  void Work(int worker) {
    const int64_t n = num_chunks.load(std::memory_order_relaxed);
    const auto* const f = fn.load(std::memory_order_relaxed);
    for (int64_t c; (c = next_chunk.fetch_add(1, std::memory_order_relaxed)) < n;) (*f)(c, worker);
  }

  bool Join(uint64_t* seen) {
    uint64_t now = state.load(std::memory_order_acquire);
    while (IsNew(now, *seen)) {
      if (state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
        *seen = now / kJob;
        return true;
      }
    }
    return false;
  }

  void Loop(int worker) {
    uint64_t seen = 0;
    while (true) {
      for (int i = 0; i < kSpinIterations; ++i) {
        if (IsNew(state.load(std::memory_order_relaxed), seen) ||
            stop.load(std::memory_order_relaxed)) {
          break;
        }
        CpuRelax();
      }
      if (Join(&seen)) {
        Work(worker);
        state.fetch_sub(1, std::memory_order_release);
        continue;
      }
      // Either this sees the job that the caller opens, or the caller sees this sleeper.
      std::unique_lock<std::mutex> lock(mutex);
      sleepers.fetch_add(1);
      wake.wait(lock, [&] { return stop.load() || IsNew(state.load(), seen); });
      sleepers.fetch_sub(1);
      if (stop.load(std::memory_order_relaxed)) return;
    }
  }

  void Open(int64_t chunks, const FunctionRef<void(int64_t, int)>& f) {
    num_chunks.store(chunks, std::memory_order_relaxed);
    fn.store(&f, std::memory_order_relaxed);
    next_chunk.store(0, std::memory_order_relaxed);
    state.store((state.load(std::memory_order_relaxed) / kJob + 1) * kJob + kOpen);
    if (sleepers.load() == 0) return;
    { std::lock_guard<std::mutex> lock(mutex); }  // a sleeper has checked or waits by now
    wake.notify_all();
  }

  void Close() {
    state.fetch_and(~kOpen, std::memory_order_relaxed);
    for (int i = 0; (state.load(std::memory_order_acquire) & kActive) != 0; ++i) {
      if (i < kSpinIterations) {
        CpuRelax();
      } else {
        std::this_thread::yield();  // the worker may have lost its core to this thread
      }
    }
  }
};

ThreadPool::ThreadPool(int num_threads)
    : shared_(std::make_unique<Shared>()),
      num_threads_(std::min(num_threads < 1 ? AvailableCpus() : num_threads, kMaxThreads)) {
  for (int i = 1; i < num_threads_; ++i) {
    shared_->threads.emplace_back([this, i] { shared_->Loop(i); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->stop.store(true);
  }
  shared_->wake.notify_all();
  for (std::thread& t : shared_->threads) t.join();
}

void ThreadPool::ParallelFor(int64_t num_chunks, FunctionRef<void(int64_t, int)> fn) {
  if (num_threads_ == 1 || num_chunks <= 1) {
    for (int64_t c = 0; c < num_chunks; ++c) fn(c, 0);
    return;
  }
  shared_->Open(num_chunks, fn);
  shared_->Work(0);
  shared_->Close();
}

}  // namespace adze
