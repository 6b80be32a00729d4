#include "numerics/number_format.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace adze {

#define ADZE_NUMBER_FORMAT(symbol) extern const NumberFormat symbol;
#include "numerics/number_format_list.inc"
#undef ADZE_NUMBER_FORMAT

std::span<const NumberFormat* const> AllNumberFormats() {
  static constexpr const NumberFormat* kFormats[] = {
#define ADZE_NUMBER_FORMAT(symbol) &symbol,
#include "numerics/number_format_list.inc"
#undef ADZE_NUMBER_FORMAT
  };
  return kFormats;
}

const NumberFormat* FindNumberFormat(std::string_view name) {
  for (const NumberFormat* f : AllNumberFormats()) {
    if (name == f->name) return f;
  }
  return nullptr;
}

const NumberFormat* FormatOfCodebook(std::span<const float> codebook) {
  for (const NumberFormat* f : AllNumberFormats()) {
    if (f->codebook == nullptr || codebook.size() != size_t{1} << BitsOf(f->storage)) continue;
    if (std::ranges::equal(codebook, f->codebook())) return f;
  }
  return nullptr;
}

std::vector<float> NumbersOf(const NumberFormat& format) {
  if (format.codebook != nullptr) return format.codebook();
  std::vector<float> numbers;
  const IntRange range = RangeOf(format.storage);
  for (int64_t i = range.min; i <= range.max; ++i) numbers.push_back(static_cast<float>(i));
  return numbers;
}

size_t NearestCode(std::span<const float> codebook, float x) {
  if (std::isnan(x)) x = 0;
  const auto above = std::lower_bound(codebook.begin(), codebook.end(), x);
  if (above == codebook.begin()) return 0;
  // The first of equal numbers is the code.
  const auto below = std::lower_bound(codebook.begin(), above, *(above - 1));
  const bool take_below = above == codebook.end() || x - *below < *above - x ||
                          (x - *below == *above - x && std::abs(*below) < std::abs(*above));
  return static_cast<size_t>((take_below ? below : above) - codebook.begin());
}

float NearestScale(ScaleFormat format, float scale, float outer) {
  constexpr float kSmallest = std::numeric_limits<float>::min();
  constexpr float kLargest = 0x1p127f;
  switch (format) {
    case ScaleFormat::kFloat32:
      break;
    case ScaleFormat::kPowerOfTwo:
      if (scale > 0) {
        int exponent = 0;
        const float fraction = std::frexp(scale, &exponent);  // scale = fraction * 2^exponent
        scale = std::ldexp(1.0f, fraction < 0.70710678f ? exponent - 1 : exponent);
      }
      break;
    case ScaleFormat::kE4M3: {
      static const std::vector<float> kNumbers = MiniFloats(4, 3, 7, 1);
      const size_t code = NearestCode(kNumbers, scale / outer);
      scale = std::max(kNumbers[code], 0x1p-9f) * outer;
      break;
    }
  }
  return std::clamp(scale, kSmallest, kLargest);
}

float OuterScale(ScaleFormat format, float reach, float largest) {
  if (format != ScaleFormat::kE4M3) return 1.0f;
  constexpr float kLargestE4M3 = 448.0f;
  return std::max(reach / (largest * kLargestE4M3), 0x1p-100f);
}

std::vector<float> MakeCodebook(std::vector<float> numbers, size_t count) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  numbers.resize(count, numbers.back());
  return numbers;
}

std::vector<float> MiniFloats(int exponent_bits, int mantissa_bits, int bias, int special) {
  std::vector<float> numbers;
  const int codes = 1 << (exponent_bits + mantissa_bits);
  for (int code = 0; code < codes - special; ++code) {
    const int exponent = code >> mantissa_bits;
    const int mantissa = code & ((1 << mantissa_bits) - 1);
    const int significand = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    const float x =
        std::ldexp(static_cast<float>(significand), std::max(exponent, 1) - bias - mantissa_bits);
    // One zero only: + 0 turns -0 into 0.
    numbers.push_back(x);
    numbers.push_back(-x + 0.0f);
  }
  return MakeCodebook(std::move(numbers), static_cast<size_t>(2 * codes));
}

}  // namespace adze
