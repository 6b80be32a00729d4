// Plan files (.adz): a Plan with its packed weights, mapped and used in place. The format is
// docs/design/adz.md. Nothing in a file is trusted: both checksums are verified, and every offset,
// count, number and reference is checked in time linear in the file before it is used; what depends
// on the sizes of the inputs is checked by Executor::Prepare.
#ifndef ADZE_RUNTIME_PLAN_FILE_H_
#define ADZE_RUNTIME_PLAN_FILE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/cpu.h"
#include "base/status.h"
#include "runtime/plan.h"

namespace adze {

// The same plan gives the same bytes. Refuses plans beyond the limits of the format.
Status WritePlan(const Plan& plan, const std::string& path);

struct PlanFromFile {
  std::shared_ptr<const Plan> plan;  // its tensors lie in the mapping and keep it alive
  Isa packed_for = Isa::kGeneric;    // what the file was made for
  int repacked_steps = 0;            // whose weights were copied into the layout of another ISA
};

// The plan for `isa`, bit for bit what Lower gives for it. Steps whose weights lie in another
// packing layout are packed anew, in memory.
Result<PlanFromFile> ReadPlan(const std::string& path, Isa isa);
// The same from memory that begins at a multiple of 64 bytes and that `owner` keeps alive.
Result<PlanFromFile> ReadPlanFromMemory(std::span<const std::byte> bytes,
                                        const std::shared_ptr<const void>& owner, Isa isa);

}  // namespace adze

#endif  // ADZE_RUNTIME_PLAN_FILE_H_
