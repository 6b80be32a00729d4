#include "base/limits.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace adze {
namespace {

// Numbers at the start of a small file; how many of the two were there.
int ReadNumbers(const std::string& path, long long* a, long long* b = nullptr) {
  std::FILE* const f = std::fopen(path.c_str(), "re");
  if (f == nullptr) return 0;
  const int n = b ? std::fscanf(f, "%lld %lld", a, b) : std::fscanf(f, "%lld", a);
  std::fclose(f);
  return n < 0 ? 0 : n;
}

// Calls fn with the folder of this process's cgroup and of each above it, in version 2 and in the
// hierarchy of `controller` of version 1: the limits of all hold. In a container the path may lie
// outside of what is mounted; the mounted root is seen then.
void ForEachCgroup(std::string_view controller, FunctionRef<void(const std::string& folder)> fn) {
  std::FILE* const f = std::fopen("/proc/self/cgroup", "re");
  if (f == nullptr) return;
  char text[4096];
  // "5:cpu,cpuacct:/a/b", version 2 "0::/a/b".
  while (std::fgets(text, sizeof(text), f) != nullptr) {
    const std::string_view line(text, std::strcspn(text, "\n"));
    const size_t colon = line.find(':');
    const size_t second = line.find(':', colon + 1);
    if (colon == line.npos || second == line.npos) continue;
    const std::string names = ',' + std::string(line.substr(colon + 1, second - colon - 1)) + ',';
    std::string root = "/sys/fs/cgroup/";
    if (names != ",,") {
      if (names.find(',' + std::string(controller) + ',') == names.npos) continue;
      root += std::string(controller) + '/';
    }
    for (std::string path(line.substr(second + 1)); !path.empty() && path[0] == '/';
         path.erase(path.rfind('/'))) {
      if (path.back() != '/') fn(root + path.substr(1) + '/');
    }
    fn(root);
  }
  std::fclose(f);
}

// The number behind `name` at the start of a line, "name: 12" or "name 12"; 0 if there is none.
int64_t Field(const std::string& path, std::string_view name) {
  std::FILE* const f = std::fopen(path.c_str(), "re");
  if (f == nullptr) return 0;
  char line[256];
  long long value = 0;
  while (std::fgets(line, sizeof(line), f) != nullptr) {
    const char* const rest = line + name.size();
    if (std::strncmp(line, name.data(), name.size()) == 0 && (*rest == ':' || *rest == ' ')) {
      if (std::sscanf(rest + 1, "%lld", &value) != 1) value = 0;
      break;
    }
  }
  std::fclose(f);
  return value;
}

int64_t OwnAddressSpace() {
  long long pages = 0;
  return ReadNumbers("/proc/self/statm", &pages) == 1 ? int64_t{pages} * ::sysconf(_SC_PAGESIZE)
                                                      : 0;
}

}  // namespace

CpuLimits ReadCpuLimits() {
  CpuLimits limits;
  limits.online = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  limits.affinity = limits.online;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    limits.affinity = std::max(1, CPU_COUNT(&set));
  }
  const auto note = [&](long long quota, long long period) {
    if (quota <= 0 || period <= 0) return;
    const double cpus = static_cast<double>(quota) / static_cast<double>(period);
    limits.quota = limits.quota > 0 ? std::min(limits.quota, cpus) : cpus;
  };
  ForEachCgroup("cpu", [&](const std::string& folder) {
    long long quota = 0;
    long long period = 0;
    if (ReadNumbers(folder + "cpu.max", &quota, &period) == 2 ||
        (ReadNumbers(folder + "cpu.cfs_quota_us", &quota) == 1 &&
         ReadNumbers(folder + "cpu.cfs_period_us", &period) == 1)) {
      note(quota, period);
    }
  });
  return limits;
}

int AvailableCpus() {
  const CpuLimits limits = ReadCpuLimits();
  if (limits.quota <= 0 || limits.quota >= limits.affinity) return limits.affinity;
  const int whole = static_cast<int>(limits.quota);
  return whole + (limits.quota > whole ? 1 : 0);
}

MemoryLimits ReadMemoryLimits() {
  MemoryLimits limits;
  limits.total_bytes = Field("/proc/meminfo", "MemTotal") * 1024;
  limits.available_bytes = Field("/proc/meminfo", "MemAvailable") * 1024;
  const auto note = [&](const std::string& folder, const char* limit_file, const char* used_file) {
    long long limit = 0;
    long long used = 0;
    // Version 1 says "none" with a number near 2^63.
    if (ReadNumbers(folder + limit_file, &limit) != 1 || limit <= 0 || limit >= 1LL << 60) return;
    limits.cgroup_bytes =
        limits.cgroup_bytes > 0 ? std::min<int64_t>(limits.cgroup_bytes, limit) : limit;
    if (ReadNumbers(folder + used_file, &used) != 1) return;
    used -= Field(folder + "memory.stat", "inactive_file");  // cached files give way
    limits.available_bytes = std::min<int64_t>(limits.available_bytes, std::max(0LL, limit - used));
  };
  ForEachCgroup("memory", [&](const std::string& folder) {
    note(folder, "memory.max", "memory.current");
    note(folder, "memory.limit_in_bytes", "memory.usage_in_bytes");
  });
  rlimit address_space;
  if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    limits.process_bytes = static_cast<int64_t>(address_space.rlim_cur);
    limits.available_bytes = std::min(
        limits.available_bytes, std::max<int64_t>(0, limits.process_bytes - OwnAddressSpace()));
  }
  return limits;
}

}  // namespace adze
