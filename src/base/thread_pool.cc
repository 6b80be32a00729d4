#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

namespace adze {
namespace {

// About 20 microseconds of polling before a worker sleeps: longer than the gap between two layers,
// far shorter than the gap between two requests.
constexpr int kSpinIterations = 2000;

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// cgroup v2 then v1; 0 when there is no quota.
int CgroupCpus() {
  auto read_two = [](const char* path, long long* a, long long* b) {
    std::FILE* const f = std::fopen(path, "re");
    if (f == nullptr) return 0;
    const int n = b ? std::fscanf(f, "%lld %lld", a, b) : std::fscanf(f, "%lld", a);
    std::fclose(f);
    return n < 0 ? 0 : n;
  };
  long long quota = 0;
  long long period = 0;
  if (read_two("/sys/fs/cgroup/cpu.max", &quota, &period) != 2) {
    if (read_two("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, nullptr) != 1 ||
        read_two("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, nullptr) != 1) {
      return 0;
    }
  }
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<long long>((quota + period - 1) / period, 4096));
}

}  // namespace

int AvailableCpus() {
  cpu_set_t set;
  int cpus = 1;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) cpus = std::max(1, CPU_COUNT(&set));
  const int quota = CgroupCpus();
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

// One job at a time. `generation` is even when idle; publishing a job makes it odd, then workers
// join by incrementing `active` and leave by decrementing it. The caller closes the job (generation
// becomes even) and waits for `active` to reach zero, so no worker can touch `fn` after ParallelFor
// has returned.
struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0};
  std::atomic<int64_t> next_chunk{0};
  std::atomic<int64_t> chunks_done{0};
  std::atomic<int> active{0};
  std::atomic<bool> stop{false};
  std::atomic<int64_t> num_chunks{0};
  std::atomic<const FunctionRef<void(int64_t, int)>*> fn{nullptr};
  std::vector<std::thread> threads;

  void Work(int worker) {
    const int64_t n = num_chunks.load(std::memory_order_relaxed);
    const auto* const f = fn.load(std::memory_order_relaxed);
    int64_t mine = 0;
    for (int64_t c; (c = next_chunk.fetch_add(1, std::memory_order_relaxed)) < n;) {
      (*f)(c, worker);
      ++mine;
    }
    if (mine != 0) chunks_done.fetch_add(mine, std::memory_order_release);
  }

  // Joins the current job if it is open. Holding `mutex` orders the check against the caller's
  // closing.
  bool Join(uint64_t* seen) {
    std::lock_guard<std::mutex> lock(mutex);
    const uint64_t now = generation.load(std::memory_order_relaxed);
    if ((now & 1) == 0 || now == *seen) return false;
    *seen = now;
    active.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  void Loop(int worker) {
    uint64_t seen = 0;
    while (true) {
      for (int i = 0; i < kSpinIterations; ++i) {
        const uint64_t now = generation.load(std::memory_order_acquire);
        if (((now & 1) != 0 && now != seen) || stop.load(std::memory_order_relaxed)) break;
        CpuRelax();
      }
      if (Join(&seen)) {
        Work(worker);
        active.fetch_sub(1, std::memory_order_release);
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex);
      wake.wait(lock, [&] {
        const uint64_t now = generation.load(std::memory_order_relaxed);
        return stop.load(std::memory_order_relaxed) || ((now & 1) != 0 && now != seen);
      });
      if (stop.load(std::memory_order_relaxed)) return;
    }
  }
};

ThreadPool::ThreadPool(int num_threads)
    : shared_(std::make_unique<Shared>()),
      num_threads_(num_threads < 1 ? AvailableCpus() : num_threads) {
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
  Shared& s = *shared_;
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.num_chunks.store(num_chunks, std::memory_order_relaxed);
    s.fn.store(&fn, std::memory_order_relaxed);
    s.next_chunk.store(0, std::memory_order_relaxed);
    s.chunks_done.store(0, std::memory_order_relaxed);
    s.generation.fetch_add(1, std::memory_order_release);  // odd: open
  }
  s.wake.notify_all();
  s.Work(0);
  while (s.chunks_done.load(std::memory_order_acquire) != num_chunks) CpuRelax();
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.generation.fetch_add(1, std::memory_order_release);  // even: closed
  }
  while (s.active.load(std::memory_order_acquire) != 0) CpuRelax();
}

}  // namespace adze
