// Number formats of stored weights: codes of a few bits, each standing for a real number times a
// scale. One file per family in formats/ and one row per format in number_format_list.inc.
#ifndef ADZE_NUMERICS_NUMBER_FORMAT_H_
#define ADZE_NUMERICS_NUMBER_FORMAT_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "numerics/dtype.h"

namespace adze {

// What a scale may be.
enum class ScaleFormat : uint8_t {
  kFloat32,
  kPowerOfTwo,  // E8M0 of the OCP Microscaling specification: 8 bits
  kE4M3,        // an FP8 E4M3 times one float32 per tensor: 8 bits
};

struct NumberFormat {
  const char* name;
  const char* summary;  // what it is, with the specification or paper it follows
  int bits;             // of one code
  DType storage;        // the integer of its codes; signed for integers, else unsigned
  // The numbers of its codes at scale 1, ascending and padded to 2^bits by repeating the last; null
  // for integers, and for codebooks that are learned from each tensor.
  std::vector<float> (*codebook)() = nullptr;
  bool learned = false;
  int64_t block_size = 0;  // elements that share a scale, where the format says so; 0: any number
  ScaleFormat scale = ScaleFormat::kFloat32;

  int scale_bits() const { return scale == ScaleFormat::kFloat32 ? 32 : 8; }
};
std::span<const NumberFormat* const> AllNumberFormats();
const NumberFormat* FindNumberFormat(std::string_view name);  // null if there is none

// The format whose codebook this is, null if there is none: names are shorter than 256 numbers.
const NumberFormat* FormatOfCodebook(std::span<const float> codebook);

// All numbers that the codes of an unlearned format stand for at scale 1, ascending.
std::vector<float> NumbersOf(const NumberFormat& format);

// The code whose number is nearest to x; of two equally near the one closer to 0. NaN: as 0.
size_t NearestCode(std::span<const float> codebook, float x);

// The representable scale nearest to `scale` > 0 (in octaves, for powers of two); `outer` is the
// tensor's part of a two-level scale, and 1 for others. Positive, finite and normal.
float NearestScale(ScaleFormat format, float scale, float outer = 1.0f);

// The tensor's part of a two-level scale for numbers up to `reach` with codes up to `largest`; 1
// where scales have one level.
float OuterScale(ScaleFormat format, float reach, float largest);

// Ascending, without repetitions, padded to `count` by repeating the last: a codebook.
std::vector<float> MakeCodebook(std::vector<float> numbers, size_t count);

// The finite numbers of a binary floating-point format with sign, `exponent_bits`, `mantissa_bits`
// and IEEE subnormals. `special`: how many of the largest magnitudes' codes are infinity or NaN.
std::vector<float> MiniFloats(int exponent_bits, int mantissa_bits, int bias, int special);

}  // namespace adze

#endif  // ADZE_NUMERICS_NUMBER_FORMAT_H_
