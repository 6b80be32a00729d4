#include "base/limits.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <string>
#include <string_view>

#include "base/cpu.h"
#include "base/subprocess.h"

namespace adze {
namespace {

TEST(Limits, AffinityIsFollowed) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(ReadCpuLimits().affinity, CPU_COUNT(&before));
  EXPECT_LE(AvailableCpus(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i) {
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(ReadCpuLimits().affinity, 1);
  EXPECT_EQ(AvailableCpus(), 1);
  EXPECT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(Limits, Memory) {
  const MemoryLimits m = ReadMemoryLimits();
  EXPECT_GT(m.total_bytes, 1 << 20);
  EXPECT_GT(m.available_bytes, 0);
  EXPECT_LE(m.available_bytes, m.total_bytes);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = before;
  small.rlim_cur = rlim_t{1} << 50;  // no limit in practice, but one
  if (before.rlim_max >= small.rlim_cur) {
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
    EXPECT_EQ(ReadMemoryLimits().process_bytes, int64_t{1} << 50);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  }
}

TEST(Cpu, FeaturesAgreeWithTheInstructionSet) {
  for (const CpuFeature& f : CpuFeatures()) {
    const std::string_view name = f.name;
    const bool old = name == "AVX2" || name == "FMA";
    if (!old && !name.starts_with("AVX-512")) continue;
    EXPECT_GE(f.present, DetectIsa() >= (old ? Isa::kAvx2 : Isa::kAvx512Vnni)) << name;
  }
}

TEST(Subprocess, FirstLine) {
  EXPECT_EQ(FirstLineOf({"sh", "-c", "echo one; echo two"}, 20), "one");
  EXPECT_EQ(FirstLineOf({"sh", "-c", "printf 'a\\033[1mb'"}, 20), "a[1mb");
  EXPECT_EQ(FirstLineOf({"sh", "-c", "cat"}, 20), "");  // its input is empty
  EXPECT_EQ(FirstLineOf({"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"}, 20),
            std::string(100, 'x'));
}

TEST(Subprocess, FailureAndLimit) {
  EXPECT_EQ(FirstLineOf({"sh", "-c", "echo one; exit 3"}, 20), std::nullopt);
  EXPECT_EQ(FirstLineOf({"no-such-program-of-adze"}, 20), std::nullopt);
  EXPECT_EQ(FirstLineOf({"sh", "-c", "echo one; sleep 30"}, 0.2), std::nullopt);
  EXPECT_EQ(FirstLineOf({"sh", "-c", "exec >&-; sleep 30"}, 0.2), std::nullopt);
}

}  // namespace
}  // namespace adze
