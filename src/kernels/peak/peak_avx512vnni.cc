// 16 accumulators hide the latency of two multiply ports.
#include <immintrin.h>
#include <stdint.h>

namespace adze {
namespace {
constexpr int kAccumulators = 16;

// Opaque: the compiler would compute equal accumulators once.
template <typename Vector>
__attribute__((always_inline)) inline void Start(Vector zero, Vector (&acc)[kAccumulators]) {
#pragma GCC unroll 16
  for (int i = 0; i < kAccumulators; ++i) {
    Vector own = zero;
    asm volatile("" : "+v"(own));
    acc[i] = own;
  }
}

// Without a use the loops would be dropped.
template <typename Vector>
__attribute__((always_inline)) inline void Keep(const Vector (&acc)[kAccumulators]) {
#pragma GCC unroll 16
  for (int i = 0; i < kAccumulators; ++i) asm volatile("" : : "v"(acc[i]));
}

}  // namespace

int64_t PeakInt8Avx512Vnni(int64_t rounds) {
  __m512i acc[kAccumulators];
  Start(_mm512_setzero_si512(), acc);
  const __m512i x = _mm512_set1_epi8(1);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kAccumulators; ++i) acc[i] = _mm512_dpbusd_epi32(acc[i], x, x);
  }
  Keep(acc);
  return rounds * kAccumulators * 64;
}

int64_t PeakF32Avx512Vnni(int64_t rounds) {
  __m512 acc[kAccumulators];
  Start(_mm512_setzero_ps(), acc);
  const __m512 x = _mm512_set1_ps(0.5f);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kAccumulators; ++i) acc[i] = _mm512_fmadd_ps(x, x, acc[i]);
  }
  Keep(acc);
  return rounds * kAccumulators * 16;
}

uint64_t PeakReadAvx512Vnni(const void* data, int64_t bytes) {
  const __m512i* const p = static_cast<const __m512i*>(data);
  __m512i sum[8];
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) sum[k] = _mm512_setzero_si512();
  for (int64_t i = 0; i < bytes / 64; i += 8) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sum[k] = _mm512_xor_si512(sum[k], _mm512_load_si512(p + i + k));
  }
  for (int k = 1; k < 8; ++k) sum[0] = _mm512_xor_si512(sum[0], sum[k]);
  uint64_t words[8];
  _mm512_storeu_si512(words, sum[0]);
  return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}

}  // namespace adze
