// Portable C++ as the reference kernels are: what the compiler makes of plain loops.
#include <stddef.h>
#include <stdint.h>

namespace adze {
namespace {

constexpr int kLanes = 32;

template <typename Operand, typename Accumulator>
int64_t Multiply(int64_t rounds) {
  Operand a[kLanes], b[kLanes];
  Accumulator sum[kLanes] = {};
  for (int i = 0; i < kLanes; ++i) a[i] = b[i] = static_cast<Operand>(1);
  for (int64_t r = 0; r < rounds; ++r) {
    asm volatile("" : : "r"(a), "r"(b) : "memory");  // the products are not computed ahead
    for (int i = 0; i < kLanes; ++i) sum[i] += static_cast<Accumulator>(a[i]) * b[i];
  }
  asm volatile("" : : "r"(sum) : "memory");
  return rounds * kLanes;
}

}  // namespace

// The sums hold int32 for 2^31 rounds of 1 * 1.
int64_t PeakInt8Generic(int64_t rounds) { return Multiply<int8_t, int32_t>(rounds); }
int64_t PeakF32Generic(int64_t rounds) { return Multiply<float, float>(rounds); }

uint64_t PeakReadGeneric(const void* data, int64_t bytes) {
  const uint64_t* const p = static_cast<const uint64_t*>(data);
  uint64_t sum[8] = {};
  for (int64_t i = 0; i < bytes / 8; i += 8) {
    for (int k = 0; k < 8; ++k) sum[k] ^= p[i + k];
  }
  return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

}  // namespace adze
