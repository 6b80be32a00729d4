// Helpers of the float kernels' tests.
#ifndef ADZE_KERNELS_FLOAT_TEST_UTIL_H_
#define ADZE_KERNELS_FLOAT_TEST_UTIL_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace adze::testing {

// A small generator of its own, so that a failing case is the same everywhere (xorshift64*).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2685821657736338717u + 88172645463325252u) {}
  uint32_t Bits() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 2685821657736338717u) >> 32);
  }
  float Uniform(float lo, float hi) {
    return lo + (hi - lo) * (static_cast<float>(Bits() >> 8) * 0x1p-24f);
  }
  int Int(int lo, int hi) {
    return lo + static_cast<int>(Bits() % static_cast<uint32_t>(hi - lo + 1));
  }

 private:
  uint64_t state_;
};

// n floats starting `misalign` floats after an allocation of exactly the needed size (so that
// AddressSanitizer sees one element too many), filled with uniform values in [lo, hi].
class Buffer {
 public:
  Buffer(int64_t n, int misalign, Random* random = nullptr, float lo = -1, float hi = 1)
      : misalign_(misalign), data_(static_cast<size_t>(n + misalign), kCanary) {
    if (random != nullptr) {
      for (int64_t i = 0; i < n; ++i) data()[i] = random->Uniform(lo, hi);
    }
  }
  float* data() { return data_.data() + misalign_; }
  const float* data() const { return data_.data() + misalign_; }
  int64_t size() const { return static_cast<int64_t>(data_.size()) - misalign_; }
  float& operator[](int64_t i) { return data()[i]; }
  float operator[](int64_t i) const { return data()[i]; }

  static constexpr float kCanary = -12345.5f;

 private:
  int misalign_;
  std::vector<float> data_;
};

// |got - want| in units in the last place of the float nearest to `want`; 0 if both are NaN or
// equal. Results below the smallest normal number count as one unit of it.
inline double UlpError(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : INFINITY;
  const float rounded = static_cast<float>(want);
  if (got == rounded) return 0;
  if (std::isinf(rounded) || std::isinf(got) || std::isnan(got)) return INFINITY;
  const double magnitude = std::fmax(std::fabs(want), 0x1p-126);
  const double ulp = std::exp2(std::floor(std::log2(magnitude)) - 23);
  return std::fabs(double{got} - want) / ulp;
}

}  // namespace adze::testing

#endif  // ADZE_KERNELS_FLOAT_TEST_UTIL_H_
