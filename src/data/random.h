// Random numbers that are the same on every machine: a counter through SplitMix64's output function
// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Any element can
// be computed alone.
#ifndef ADZE_DATA_RANDOM_H_
#define ADZE_DATA_RANDOM_H_

#include <cstdint>

namespace adze {

// Number `index` of the stream `seed`, all 64 bits uniform.
inline uint64_t RandomBits(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
// In (0, 1), 53 bits: never an end, so that its logarithm is finite.
inline double RandomUnit(uint64_t seed, uint64_t index) {
  return (static_cast<double>(RandomBits(seed, index) >> 11) + 0.5) * 0x1p-53;
}

}  // namespace adze

#endif  // ADZE_DATA_RANDOM_H_
