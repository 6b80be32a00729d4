// Which tensor lost it: a quantized network beside its float network, tensor by tensor.
#ifndef ADZE_EVAL_COMPARE_H_
#define ADZE_EVAL_COMPARE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "data/dataset.h"
#include "ir/graph.h"

namespace adze {

struct CompareOptions {
  std::string split = "all";
  int64_t samples = 32;  // the first of the split
  bool spread = false;   // or that many spread evenly over it
  // Look for channels that an equalization has scaled, and scale them back; false: there are none.
  bool find_factors = true;
  Isa isa = Isa::kGeneric;
  ProgressSink* progress = nullptr;
  // Gets the float network's values of every compared tensor, in the quantized network's scale:
  // index in the result, id there. Called from one thread, batch after batch.
  std::function<void(size_t index, ValueId value, const Tensor& real)> observe;
};

// One tensor that both networks have. Ratios are signal power of the float network over error
// power, in dB, over all samples; +infinity: no error.
struct TensorComparison {
  std::string name;
  ValueId reference = kNoId;  // in the float network
  ValueId value = kNoId;      // in the quantized network
  std::string node;           // that computes it in the quantized network: its name, or ""
  std::string op;
  bool quantized = false;  // rounded there
  bool scaled = false;     // its channels have factors of an equalization
  double total_sqnr_db = 0;
  // Of what its own step adds: computed from the float network's tensors, rounded as the step takes
  // them, by integer weights, and rounded.
  double own_sqnr_db = 0;
  // Of the rest (total - own, value by value): what came in with the inputs.
  double inherited_sqnr_db = 0;
  double clipped_share = 0;  // of the float network's values beyond the range of the format
  float observed_min = 0;    // of the float network's values
  float observed_max = 0;
};

// Tensors of equal names (or origins) and shapes, in the order in which `quantized` computes them:
// inputs that it rounds, values that it rounds, results that stay float, and graph outputs. Both
// graphs as `lift` and `simplify` leave them. Refuses networks with other inputs and data that does
// not fit.
Result<std::vector<TensorComparison>> CompareTensors(const Graph& reference, const Graph& quantized,
                                                     const Dataset& dataset,
                                                     const CompareOptions& options,
                                                     ThreadPool* pool);

// The tensors of the float network that CompareTensors would compare, each once.
std::vector<ValueId> ComparedTensors(const Graph& reference, const Graph& quantized);

}  // namespace adze

#endif  // ADZE_EVAL_COMPARE_H_
