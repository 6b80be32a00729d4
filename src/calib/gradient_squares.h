// Squared gradients, averaged over the samples of a data set: what Fisher information (fisher.h)
// and the trace of a Hessian (hessian_trace.h) are made of.
#ifndef ADZE_CALIB_GRADIENT_SQUARES_H_
#define ADZE_CALIB_GRADIENT_SQUARES_H_

#include <functional>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "data/dataset.h"
#include "ir/graph.h"

namespace adze {

struct GradientSamples {
  std::string split = "all";
  int64_t samples = 64;  // at most; the split may hold fewer
  Isa isa = Isa::kGeneric;
};

// `network` is what `gradients` (of Differentiate) was made of; `seeds` gives what the inputs
// behind the network's are for a batch, counted from 0 (null: there are none). For each of the last
// `values` outputs the mean over samples and elements of its square; the same for any number of
// threads.
using Seeds = std::function<std::vector<Tensor>(int64_t batch)>;
Result<std::vector<double>> MeanGradientSquares(const Graph& network, Graph gradients,
                                                size_t values, const Seeds& seeds,
                                                const Dataset& dataset,
                                                const GradientSamples& options, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_CALIB_GRADIENT_SQUARES_H_
