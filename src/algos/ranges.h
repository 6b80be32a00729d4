// Observers applied to the groups of a quantization plan.
#ifndef ADZE_ALGOS_RANGES_H_
#define ADZE_ALGOS_RANGES_H_

#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "calib/observers/observer.h"
#include "calib/records.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// The range that each observer proposes for each group: [group][observer], in the orders of
// `plan.groups` and AllObservers(); `spec` for the storage type of each group. Refuses statistics
// that lack a tensor, and constants that hold NaN or infinities.
Result<std::vector<std::vector<RealRange>>> ProposeRanges(const Graph& graph,
                                                          const QuantizationPlan& plan,
                                                          const Statistics& statistics,
                                                          const ObserverSpec& spec, Isa isa,
                                                          ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_ALGOS_RANGES_H_
