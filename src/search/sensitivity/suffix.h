// The part of a network that a change somewhere reaches, so that only it runs again.
#ifndef ADZE_SEARCH_SENSITIVITY_SUFFIX_H_
#define ADZE_SEARCH_SENSITIVITY_SUFFIX_H_

#include <set>
#include <vector>

#include "ir/graph.h"

namespace adze {

struct Suffix {
  Graph graph;
  // What each of its inputs is in the whole graph, in order: a graph input, or a value that the
  // change does not reach. Outputs are those of the whole graph, in order.
  std::vector<ValueId> inputs;
};

// The nodes of region 0 that are in `changed` or depend on one. Networks with inner regions keep
// all nodes.
Suffix SuffixFrom(const Graph& graph, const std::set<NodeId>& changed);

}  // namespace adze

#endif  // ADZE_SEARCH_SENSITIVITY_SUFFIX_H_
