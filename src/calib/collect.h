// Collection of statistics: runs the float network over samples with taps on the tensors to
// observe. Streaming: memory does not depend on the number of samples.
#ifndef ADZE_CALIB_COLLECT_H_
#define ADZE_CALIB_COLLECT_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "calib/records.h"
#include "data/dataset.h"
#include "data/feed.h"
#include "ir/graph.h"

namespace adze {

// Called from one thread: what is being done ("statistics", "auto"), and how far it is.
using Progress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

struct CollectOptions {
  std::string split = "all";
  int64_t samples = 256;        // at most; the split may hold fewer
  std::vector<ValueId> values;  // float32 values of region 0 to observe
  // Members of `values` that get ChannelRecords as well (axis 1; the last axis below rank 3).
  std::vector<ValueId> channel_values;
  int64_t channel_samples = 0;  // how many samples ChannelRecords see, spread evenly; 0: all
  Isa isa = Isa::kGeneric;
  Progress progress;  // may be empty
};

// Records of `values`, keyed by EncodingName. Refuses data that does not fit the network, an empty
// split, and NaN or infinity in an observed tensor, by name.
Result<Statistics> CollectStatistics(const Graph& graph, const Dataset& dataset,
                                     const CollectOptions& options, ThreadPool* pool);

// Reads samples of a split, spread evenly over it, decoded in parallel a few at a time; gives them
// as the network's inputs.
class SampleReader {
 public:
  // At most `samples` samples (0: all). `dataset` and `pool` must outlive the reader. Refuses an
  // unknown split and data that does not fit the network.
  static Result<SampleReader> Create(const Graph& graph, const Dataset& dataset,
                                     const std::string& split, int64_t samples, ThreadPool* pool);
  int64_t num_batches()
      const;  // of batch_size() samples each: 1 unless the network's batch is fixed
  int64_t batch_size() const { return batch_; }
  struct Batch {
    std::vector<Tensor> tensors;                 // own the memory
    std::vector<ConstTensorView> inputs;         // views of `tensors` in the network's order
    std::string id;                              // of the first sample
    std::vector<std::optional<int64_t>> labels;  // one per sample
  };
  Status Next(Batch* batch);
  // The same, valid until the next call.
  Status Next(std::vector<ConstTensorView>* inputs);

 private:
  SampleReader(Feed feed, const Dataset& dataset, std::string split, ThreadPool* pool)
      : feed_(std::move(feed)), dataset_(&dataset), split_(std::move(split)), pool_(pool) {}
  Status Decode();
  Feed feed_;
  const Dataset* dataset_;
  std::string split_;
  ThreadPool* pool_;
  int64_t batch_ = 1;
  std::vector<int64_t> indices_;
  size_t next_ = 0;  // into indices_, of the first sample not decoded yet
  std::vector<Sample> decoded_;
  size_t used_ = 0;  // of decoded_
  Batch current_;
};

}  // namespace adze

#endif  // ADZE_CALIB_COLLECT_H_
