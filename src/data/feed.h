// Joins a data set to the inputs of a network: which goes where, and whether types and shapes fit.
#ifndef ADZE_DATA_FEED_H_
#define ADZE_DATA_FEED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/dataset.h"
#include "ops/dim.h"
#include "ops/tensor.h"

namespace adze {

// An input that the network must be given, in its own order.
struct NetworkInput {
  std::string name;
  DType dtype = DType::kUndefined;
  Shape shape;
};

// Immutable, thread-safe.
class Feed {
 public:
  // By name where the data set names its inputs, else by position. Refuses another number of inputs
  // and names that the network does not have.
  static Result<Feed> Create(std::vector<NetworkInput> network, const Dataset& dataset);

  // The batch size to read with: `wanted` when every input of the network has a symbolic first
  // dimension, its constant one otherwise; 1 for a data set that is not batched.
  int64_t BatchSize(int64_t wanted) const;

  // Views of the tensors of one Batch (or of a Sample of a data set that is not batched) in the
  // network's order; valid as long as `inputs`. Refuses another element type, rank or constant
  // dimension, naming the input.
  Result<std::vector<ConstTensorView>> Order(const std::vector<Tensor>& inputs) const;

 private:
  std::vector<NetworkInput> network_;
  std::vector<size_t> order_;  // network input i takes data set input order_[i]
  bool batched_ = true;
};

}  // namespace adze

#endif  // ADZE_DATA_FEED_H_
