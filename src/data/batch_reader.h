// Reads a split in batches, decoding ahead on background threads.
#ifndef ADZE_DATA_BATCH_READER_H_
#define ADZE_DATA_BATCH_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/dataset.h"
#include "ops/tensor.h"

namespace adze {

struct BatchOptions {
  int64_t batch = 1;    // samples per batch; the last one may hold fewer
  int64_t limit = 0;    // that many samples of the split, its first; 0: all
  int threads = 1;      // background threads that decode
  int prefetch = 4;     // batches decoded ahead: the bound of memory
  bool spread = false;  // samples spread evenly over the split instead of its first
};

struct Batch {
  std::vector<Tensor>
      inputs;  // [size, ...] each; without that dimension when the data set is not batched
  std::vector<std::optional<int64_t>> labels;  // one per sample
  std::vector<std::string> ids;
  int64_t size() const { return static_cast<int64_t>(ids.size()); }
};

// Batches come in the order of the split whatever the number of threads. Next is called from one
// thread.
class BatchReader {
 public:
  // `dataset` must outlive the reader. Refuses an unknown split and options out of range.
  static Result<std::unique_ptr<BatchReader>> Create(const Dataset* dataset,
                                                     const std::string& split,
                                                     const BatchOptions& options);
  ~BatchReader();  // stops the threads; batches not taken are dropped
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  int64_t num_samples() const;  // that all Next calls together will give

  // Moves the next batch into `batch`; false after the last. The first sample that cannot be read,
  // or whose shape differs from that of its neighbours in the batch, is an error.
  Result<bool> Next(Batch* batch);

 private:
  struct Impl;
  explicit BatchReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adze

#endif  // ADZE_DATA_BATCH_READER_H_
