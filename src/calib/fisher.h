// How much the loss moves with each tensor: the diagonal of the empirical Fisher information, the
// squared gradient of the cross-entropy -log p(class), averaged over samples. Weighted with it, an
// error in a layer's output counts as much as it changes the network's answer (BRECQ, Li et al.
// 2021; FIT). The class is the one that the network itself gives, so no labels are needed.
//
// Gradients are an ordinary graph (passes/differentiate.h) and run like every other: one forward
// and backward run a sample.
#ifndef ADZE_CALIB_FISHER_H_
#define ADZE_CALIB_FISHER_H_

#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "data/dataset.h"
#include "ir/graph.h"

namespace adze {

struct FisherOptions {
  std::string split = "all";
  int64_t samples = 64;         // at most; the split may hold fewer
  std::vector<ValueId> values;  // float32 values of region 0, usually outputs of layers
  Isa isa = Isa::kGeneric;
};

// For each of `values`, the mean over samples and elements of the squared gradient; the same for
// any number of threads. The network's first output must be scores of rank 2 [batch, classes], or a
// Softmax of them. Refuses what cannot be differentiated (docs/design/gradients.md), by node.
Result<std::vector<double>> CollectFisher(const Graph& graph, const Dataset& dataset,
                                          const FisherOptions& options, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_CALIB_FISHER_H_
