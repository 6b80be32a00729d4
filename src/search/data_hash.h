// A name for the data that a compression saw: "the same data" for folders of images.
#ifndef ADZE_SEARCH_DATA_HASH_H_
#define ADZE_SEARCH_DATA_HASH_H_

#include <cstdint>
#include <string>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "data/dataset.h"
#include "search/recipe.h"

namespace adze {

struct DataHash {
  std::string sha256;  // over everything that networks and metrics see of both splits
  int64_t shared = 0;  // samples of the evaluation split that the calibration split has too
};

// Decodes and preprocesses every sample of recipe's splits once.
Result<DataHash> HashData(const Dataset& dataset, const Recipe& recipe, ThreadPool* pool,
                          ProgressSink* progress);

}  // namespace adze

#endif  // ADZE_SEARCH_DATA_HASH_H_
