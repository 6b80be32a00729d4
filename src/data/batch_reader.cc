#include "data/batch_reader.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "ops/dim.h"

namespace adze {
namespace {

constexpr int kMaxThreads = 256;
constexpr int kMaxPrefetch = 1024;

// Adds the batch dimension and copies the samples together; a batch of one is not copied.
Result<Batch> Stack(std::vector<Sample> samples, bool batched) {
  Batch batch;
  for (Sample& s : samples) {
    batch.labels.push_back(s.label);
    batch.ids.push_back(std::move(s.id));
  }
  const int64_t n = static_cast<int64_t>(samples.size());
  for (size_t i = 0; i < samples[0].inputs.size(); ++i) {
    const Tensor& first = samples[0].inputs[i];
    if (!batched) {
      batch.inputs.push_back(first);
      continue;
    }
    if (first.rank() >= kMaxRank) {
      return Unsupported("the batch dimension would exceed the rank limit of " +
                         std::to_string(kMaxRank));
    }
    std::vector<int64_t> dims = first.dims();
    dims.insert(dims.begin(), n);
    if (n == 1) {
      batch.inputs.push_back(first.Reshaped(std::move(dims)));
      continue;
    }
    ADZE_ASSIGN(Tensor stacked, Tensor::TryAllocate(first.dtype(), std::move(dims)));
    std::byte* to = static_cast<std::byte*>(stacked.mutable_raw());
    for (size_t s = 0; s < samples.size(); ++s) {
      const Tensor& t = samples[s].inputs[i];
      if (t.dims() != first.dims()) {
        return InvalidInput(batch.ids[s] + ": shape " + ShapeToString(ToShape(t.dims())) +
                            " differs from " + ShapeToString(ToShape(first.dims())) + " of " +
                            batch.ids[0] + "; add a resize or crop, or use batch 1");
      }
      std::memcpy(to, t.raw(), t.bytes());
      to += t.bytes();
    }
    batch.inputs.push_back(std::move(stacked));
  }
  return batch;
}

}  // namespace

struct BatchReader::Impl {
  const Dataset* dataset;
  std::string split;
  BatchOptions options;
  int64_t available = 0;  // samples in the split
  int64_t num_samples = 0;
  int64_t num_batches = 0;

  std::mutex mutex;
  std::condition_variable room;   // a batch was taken, or stop
  std::condition_variable ready;  // a batch is done
  bool stop = false;
  int64_t claimed = 0;                              // batches given to a thread
  int64_t taken = 0;                                // batches given to the caller
  std::deque<std::optional<Result<Batch>>> window;  // of batches taken .. claimed - 1
  std::vector<std::thread> threads;

  Result<Batch> ReadBatch(int64_t b) const {
    const int64_t begin = b * options.batch;
    const int64_t end = std::min(begin + options.batch, num_samples);
    std::vector<Sample> samples(static_cast<size_t>(end - begin));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t index = options.spread ? i * available / num_samples : i;
      ADZE_TRY(dataset->Read(split, index, &samples[static_cast<size_t>(i - begin)]));
    }
    return Stack(std::move(samples), dataset->batched());
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      room.wait(lock, [&] {
        return stop || claimed == num_batches || claimed - taken < options.prefetch;
      });
      if (stop || claimed == num_batches) return;
      const int64_t b = claimed++;
      window.emplace_back();
      lock.unlock();
      Result<Batch> batch = ReadBatch(b);
      lock.lock();
      if (stop) return;
      window[static_cast<size_t>(b - taken)] = std::move(batch);
      ready.notify_one();
    }
  }
};

BatchReader::BatchReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BatchReader::~BatchReader() {
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->room.notify_all();
  for (std::thread& t : impl_->threads) t.join();
}

Result<std::unique_ptr<BatchReader>> BatchReader::Create(const Dataset* dataset,
                                                         const std::string& split,
                                                         const BatchOptions& options) {
  ADZE_ASSIGN(const int64_t available, dataset->NumSamples(split));
  if (options.batch < 1 || options.limit < 0) {
    return UsageError("the batch must be at least 1 and the limit not negative");
  }
  if (options.threads < 1 || options.threads > kMaxThreads || options.prefetch < 1 ||
      options.prefetch > kMaxPrefetch) {
    return UsageError("1 to 256 decoding threads and 1 to 1024 prefetched batches are possible");
  }
  if (!dataset->batched() && options.batch != 1) {
    return UsageError(dataset->path() +
                      ": samples have no batch dimension, so the batch must be 1");
  }
  auto impl = std::make_unique<Impl>();
  impl->dataset = dataset;
  impl->split = split;
  impl->options = options;
  impl->available = available;
  impl->num_samples = options.limit == 0 ? available : std::min(available, options.limit);
  impl->num_batches = (impl->num_samples + options.batch - 1) / options.batch;
  Impl* const shared = impl.get();
  std::unique_ptr<BatchReader> reader(new BatchReader(std::move(impl)));
  try {
    for (int t = 0; t < options.threads; ++t) {
      shared->threads.emplace_back([shared] { shared->Work(); });
    }
  } catch (const std::system_error& e) {
    return InvalidInput(std::string("cannot start a decoding thread: ") + e.what());
  }
  return reader;
}

int64_t BatchReader::num_samples() const { return impl_->num_samples; }

Result<bool> BatchReader::Next(Batch* batch) {
  std::unique_lock<std::mutex> lock(impl_->mutex);
  if (impl_->taken == impl_->num_batches) return false;
  impl_->ready.wait(lock,
                    [&] { return !impl_->window.empty() && impl_->window.front().has_value(); });
  Result<Batch> next = *std::move(impl_->window.front());
  impl_->window.pop_front();
  ++impl_->taken;
  impl_->room.notify_one();
  if (!next.ok()) return next.status();
  *batch = std::move(next).value();
  return true;
}

}  // namespace adze
