// 12 accumulators hide the latency of two multiply ports.
#include <immintrin.h>
#include <stdint.h>

namespace adze {
namespace {
constexpr int kAccumulators = 12;

// Opaque: the compiler would compute equal accumulators once.
template <typename Vector>
__attribute__((always_inline)) inline void Start(Vector zero, Vector (&acc)[kAccumulators]) {
#pragma GCC unroll 12
  for (int i = 0; i < kAccumulators; ++i) {
    Vector own = zero;
    asm volatile("" : "+x"(own));
    acc[i] = own;
  }
}

// Without a use the loops would be dropped.
template <typename Vector>
__attribute__((always_inline)) inline void Keep(const Vector (&acc)[kAccumulators]) {
#pragma GCC unroll 12
  for (int i = 0; i < kAccumulators; ++i) asm volatile("" : : "x"(acc[i]));
}

}  // namespace

int64_t PeakInt8Avx2(int64_t rounds) {
  __m256i acc[kAccumulators];
  Start(_mm256_setzero_si256(), acc);
  __m256i x = _mm256_set1_epi16(1);
  const __m256i w = _mm256_set1_epi16(1);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kAccumulators; ++i) {
      asm volatile("" : "+x"(x));  // each product is computed anew
      acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(x, w));
    }
  }
  Keep(acc);
  return rounds * kAccumulators * 16;
}

int64_t PeakF32Avx2(int64_t rounds) {
  __m256 acc[kAccumulators];
  Start(_mm256_setzero_ps(), acc);
  const __m256 x = _mm256_set1_ps(0.5f);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kAccumulators; ++i) acc[i] = _mm256_fmadd_ps(x, x, acc[i]);
  }
  Keep(acc);
  return rounds * kAccumulators * 8;
}

uint64_t PeakReadAvx2(const void* data, int64_t bytes) {
  const __m256i* const p = static_cast<const __m256i*>(data);
  __m256i sum[8];
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) sum[k] = _mm256_setzero_si256();
  for (int64_t i = 0; i < bytes / 32; i += 8) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sum[k] = _mm256_xor_si256(sum[k], _mm256_load_si256(p + i + k));
  }
  for (int k = 1; k < 8; ++k) sum[0] = _mm256_xor_si256(sum[0], sum[k]);
  uint64_t words[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), sum[0]);
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

}  // namespace adze
