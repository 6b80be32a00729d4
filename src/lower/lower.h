// Graph -> Plan: fuses what the kernels can do in one step, chooses layouts and kernels, packs
// weights.
//
// A tap keeps a value readable after a run. It is a fusion barrier with an extended life: a tapped
// and an untapped plan of the same graph compute the same bits (integers always; floats for one
// ISA).
#ifndef ADZE_LOWER_LOWER_H_
#define ADZE_LOWER_LOWER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "ir/graph.h"
#include "runtime/plan.h"

namespace adze {

struct LowerOptions {
  Isa isa = Isa::kGeneric;    // usually ChooseIsa()
  std::vector<ValueId> taps;  // values of `graph` (region 0) to keep readable
  bool only_taps = false;     // the plan has no outputs, and computes what the taps need
};

struct LoweredPlan {
  std::shared_ptr<const Plan> plan;
  std::vector<int32_t> taps;  // plan value index of each tap, in the order of LowerOptions::taps
};

// The graph must verify. Unsupported operators, forms and dtypes are refused with kUnsupported
// naming operator and node: all of them are listed, not only the first.
Result<LoweredPlan> Lower(const Graph& graph, const LowerOptions& options);

}  // namespace adze

#endif  // ADZE_LOWER_LOWER_H_
