// What the system lets this process use: processors and memory.
#ifndef ADZE_BASE_LIMITS_H_
#define ADZE_BASE_LIMITS_H_

#include <cstdint>

namespace adze {

struct CpuLimits {
  int online = 1;    // processors of the machine
  int affinity = 1;  // those that this process may run on
  double quota = 0;  // processors' worth of time that its cgroup grants; 0: no limit
};
CpuLimits ReadCpuLimits();

// CPUs this process may use: the smaller of its affinity mask and its cgroup quota (rounded up), at
// least 1.
int AvailableCpus();

struct MemoryLimits {
  int64_t total_bytes = 0;      // of the machine
  int64_t available_bytes = 0;  // that could be had now, under all limits below
  int64_t cgroup_bytes = 0;     // the smallest limit of its cgroups; 0: none
  int64_t process_bytes = 0;    // of its address space (ulimit -v); 0: none
};
MemoryLimits ReadMemoryLimits();

}  // namespace adze

#endif  // ADZE_BASE_LIMITS_H_
