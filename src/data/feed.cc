#include "data/feed.h"

#include <algorithm>
#include <set>

namespace adze {

Result<Feed> Feed::Create(std::vector<NetworkInput> network, const Dataset& dataset) {
  const std::vector<std::string>& names = dataset.input_names();
  if (names.size() != network.size()) {
    return InvalidInput(dataset.path() + ": describes " + std::to_string(names.size()) +
                        " inputs, the network has " + std::to_string(network.size()));
  }
  Feed feed;
  feed.batched_ = dataset.batched();
  std::set<size_t> taken;
  feed.order_.assign(network.size(), network.size());
  for (size_t d = 0; d < names.size(); ++d) {
    size_t at = d;
    if (!names[d].empty()) {
      at = 0;
      std::string known;
      while (at < network.size() && network[at].name != names[d]) {
        known += (known.empty() ? "" : ", ") + network[at++].name;
      }
      if (at == network.size()) {
        return InvalidInput(dataset.path() + ": the network has no input '" + names[d] +
                            "', it has: " + known);
      }
    }
    if (!taken.insert(at).second) {
      return InvalidInput(dataset.path() + ": input '" + network[at].name +
                          "' of the network is described twice");
    }
    feed.order_[at] = d;
  }
  feed.network_ = std::move(network);
  return feed;
}

int64_t Feed::BatchSize(int64_t wanted) const {
  if (!batched_) return 1;
  for (const NetworkInput& input : network_) {
    if (!input.shape.empty() && input.shape[0].is_const()) {
      return std::max<int64_t>(1, input.shape[0].value());
    }
  }
  return wanted;
}

Result<std::vector<ConstTensorView>> Feed::Order(const std::vector<Tensor>& inputs) const {
  ADZE_CHECK(inputs.size() == network_.size());
  std::vector<ConstTensorView> views;
  for (size_t i = 0; i < network_.size(); ++i) {
    const NetworkInput& want = network_[i];
    const Tensor& have = inputs[order_[i]];
    bool fits = have.rank() == static_cast<int>(want.shape.size());
    for (size_t d = 0; fits && d < want.shape.size(); ++d) {
      fits = !want.shape[d].is_const() || want.shape[d].value() == have.dims()[d];
    }
    if (!fits || have.dtype() != want.dtype) {
      return InvalidInput("input '" + want.name + "' of the network is " + DTypeName(want.dtype) +
                          " " + ShapeToString(want.shape) + ", the data set gives " +
                          DTypeName(have.dtype()) + " " + ShapeToString(ToShape(have.dims())));
    }
    views.push_back(have.view());
  }
  return views;
}

}  // namespace adze
