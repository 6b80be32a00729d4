#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>

namespace adze {

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kGeneric:
      return "generic";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
  }
  return "?";
}

std::optional<Isa> ParseIsa(std::string_view name) {
  for (Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512Vnni}) {
    if (name == IsaName(isa)) return isa;
  }
  return std::nullopt;
}

Isa DetectIsa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // Every CPU with AVX2 and FMA has BMI; some virtual machines hide it.
  for (const bool has : {__builtin_cpu_supports("avx2") != 0, __builtin_cpu_supports("fma") != 0,
                         __builtin_cpu_supports("bmi") != 0, __builtin_cpu_supports("bmi2") != 0}) {
    if (!has) return Isa::kGeneric;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni")) {
    return Isa::kAvx512Vnni;
  }
  return Isa::kAvx2;
#else
  return Isa::kGeneric;
#endif
}

Result<Isa> ChooseIsa() {
  const Isa best = DetectIsa();
  const char* const wanted = std::getenv("ADZE_ISA");
  if (wanted == nullptr || *wanted == '\0') return best;
  const std::optional<Isa> isa = ParseIsa(wanted);
  if (!isa) {
    return UsageError(std::string("ADZE_ISA=") + wanted +
                      ": unknown instruction set; choose generic, avx2 or avx512vnni");
  }
  if (*isa > best) {
    return UsageError(std::string("ADZE_ISA=") + wanted + ": this CPU supports only up to " +
                      IsaName(best));
  }
  return *isa;
}

IsaList SupportedIsas() {
  IsaList list{};
  for (Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512Vnni}) {
    if (isa <= DetectIsa()) list.isa[list.size++] = isa;
  }
  return list;
}

CpuFeatureList CpuFeatures() {
  CpuFeatureList list{};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto add = [&](const char* name, bool present, bool used) {
    list.feature[list.size++] = {name, present, used};
  };
  const bool avx2 = __builtin_cpu_supports("avx2") != 0;
  add("AVX2", avx2, true);
  add("FMA", __builtin_cpu_supports("fma") != 0, true);
  add("AVX-512 BW", __builtin_cpu_supports("avx512bw") != 0, true);
  add("AVX-512 VNNI", __builtin_cpu_supports("avx512vnni") != 0, true);
  // The compilers' names for these two differ: CPUID leaf 7, and for AMX whether the operating
  // system keeps the tile registers (XCR0 bits 17 and 18).
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool leaf1 = __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0;
  add("AVX-VNNI", avx2 && leaf1 && (eax >> 4 & 1) != 0, false);
  bool amx = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 25 & 1) != 0;
  if (amx) {
    asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    amx = (eax >> 17 & 3) == 3;
  }
  add("AMX INT8", amx, false);
#endif
  return list;
}

}  // namespace adze
