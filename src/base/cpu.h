// What the processor offers, and which instruction set the kernels may use.
#ifndef ADZE_BASE_CPU_H_
#define ADZE_BASE_CPU_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace adze {

// Ordered from oldest to newest; a kernel row is usable when its ISA is <= the chosen one.
// Values are stable: they are stored in plans and lock files.
enum class Isa : int {
  kGeneric = 0,     // portable C++, the reference
  kAvx2 = 10,       // AVX2 + FMA + BMI2
  kAvx512Vnni = 20  // AVX-512 F/BW/DQ/VL + VNNI
};

const char* IsaName(Isa isa);                        // "generic", "avx2", "avx512vnni"
std::optional<Isa> ParseIsa(std::string_view name);  // the inverse; nullopt when unknown

// The best ISA that this processor and operating system support.
Isa DetectIsa();

// DetectIsa(), lowered by the environment variable ADZE_ISA. Naming an unknown ISA, or one the CPU
// lacks, is an error.
Result<Isa> ChooseIsa();

// Every ISA this machine can run, oldest first: what the tests iterate over.
struct IsaList {
  Isa isa[3];
  int size;
  const Isa* begin() const { return isa; }
  const Isa* end() const { return isa + size; }
};
IsaList SupportedIsas();

// One instruction-set extension that matters to neural networks.
struct CpuFeature {
  const char* name;
  bool present;  // the processor and the operating system have it
  bool used;     // some kernel of this build wants it
};
// Of x86-64, oldest first; empty elsewhere.
struct CpuFeatureList {
  CpuFeature feature[6];
  int size;
  const CpuFeature* begin() const { return feature; }
  const CpuFeature* end() const { return feature + size; }
};
CpuFeatureList CpuFeatures();

}  // namespace adze

#endif  // ADZE_BASE_CPU_H_
