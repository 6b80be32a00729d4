// Collection of statistics: runs the float network over samples with taps on the tensors to observe. Streaming:
// memory does not depend on the number of samples.
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
#include "ir/graph.h"

namespace adze {

// Called from one thread: what is being done ("statistics", "auto"), and how far it is.
using Progress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

struct CollectOptions {
  std::string split = "all";
  int64_t samples = 256;       // at most; the split may hold fewer
  std::vector<ValueId> values; // float32 values of region 0 to observe
  bool channels = false;       // ChannelRecords as well (axis 1; the last axis for rank 2)
  Isa isa = Isa::kGeneric;
  Progress progress;           // may be empty
};

// Records of `values`, keyed by EncodingName. Refuses data that does not fit the network, an empty split, and NaN or
// infinity in an observed tensor, by name.
Result<Statistics> CollectStatistics(const Graph& graph, const Dataset& dataset,
                                     const CollectOptions& options, ThreadPool* pool);

// Maps data set inputs to graph inputs: element i is the index into Sample::inputs of graph input i. Names must match
// where the data set gives them; refuses missing and surplus inputs by name.
Result<std::vector<int>> MatchInputs(const Graph& graph, const Dataset& dataset);

}  // namespace adze

#endif  // ADZE_CALIB_COLLECT_H_
