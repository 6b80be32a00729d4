// eliminate_dead: erases nodes whose outputs nobody needs.
#include <algorithm>

#include "passes/pass.h"

namespace adze {
namespace {

Result<int64_t> Run(Graph& graph, const PassContext& context) {
  int64_t erased = 0;
  // Users come after producers, so one walk from the end finds whole chains. Outer regions after
  // inner ones would find a little more; the pipeline's next round does.
  for (RegionId region = 0; region < graph.num_regions(); ++region) {
    const std::vector<NodeId> nodes = graph.region(region).nodes;
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      const std::vector<ValueId>& outputs = graph.node(*it).outputs;
      const bool used = std::any_of(outputs.begin(), outputs.end(), [&](ValueId out) {
        return out != kNoId &&
               (!graph.users(out).empty() || graph.IsRegionOutput(out) || context.IsPreserved(out));
      });
      if (used) continue;
      graph.EraseNode(*it);
      ++erased;
    }
  }
  return erased;
}

}  // namespace

extern constexpr PassDef kEliminateDeadPass = {
    .name = "eliminate_dead",
    .summary = "Removes nodes whose outputs nobody needs",
    .run = Run,
};

}  // namespace adze
