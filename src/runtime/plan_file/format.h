// What reader and writer of plan files share: header and limits. docs/design/adz.md has the rest.
#ifndef ADZE_RUNTIME_PLAN_FILE_FORMAT_H_
#define ADZE_RUNTIME_PLAN_FILE_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/checksum.h"
#include "base/status.h"
#include "numerics/dtype.h"
#include "ops/attr.h"

namespace adze::plan_file {

// Raise the minor version when new numbers appear (families, operators, packings, enum values): an
// older adze refuses the file, a newer one reads old files. Raise the major version, and set the
// minor one to 0, when bytes change their place or meaning.
inline constexpr uint16_t kMajor = 1;
inline constexpr uint16_t kMinor = 0;

inline constexpr unsigned char kMagic[8] = {0x89, 'A', 'D', 'Z', '\r', '\n', 0x1A, '\n'};

struct Header {
  unsigned char magic[8];
  uint16_t major, minor;
  int32_t isa;
  uint64_t file_bytes;
  uint64_t metadata_bytes;
  uint64_t weights_offset;
  uint64_t weights_bytes;
  uint64_t weights_checksum;
  uint64_t checksum;  // of the header before it and of all bytes between header and weights
};
static_assert(sizeof(Header) == 64 && offsetof(Header, checksum) == 56);
static_assert(std::endian::native == std::endian::little, "files are mapped as they are");

inline constexpr uint64_t kAlignment = 64;  // of every tensor
constexpr uint64_t Align(uint64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }
// Zero bytes behind the last tensor: kernels may read that far past the end of their operands.
inline constexpr uint64_t kTailBytes = 64;

// Planning memory takes time quadratic in the values.
inline constexpr uint32_t kMaxValues = 1 << 16;
inline constexpr uint32_t kMaxSteps = 1 << 16;
// Of all symbolic dimensions as text: reading a hostile one takes milliseconds per kilobyte.
inline constexpr uint64_t kMaxDimText = 256 << 10;
inline constexpr int64_t kMaxMacsPerOutput = int64_t{1} << 40;

// Numbers of attribute kinds in the file.
static_assert(static_cast<int>(AttrKind::kInt) == 0 && static_cast<int>(AttrKind::kTensor) == 3 &&
              static_cast<int>(AttrKind::kStrings) == 6);

// `before_weights`: all bytes of the file up to the weights.
inline uint64_t HeaderChecksum(std::span<const std::byte> before_weights) {
  Checksum sum;
  sum.Update(before_weights.first(offsetof(Header, checksum)));
  sum.Update(before_weights.subspan(sizeof(Header)));
  return sum.Finish();
}

// The header of a whole file: version, sizes and both checksums are verified.
Result<Header> ReadHeader(std::span<const std::byte> file);

}  // namespace adze::plan_file

#endif  // ADZE_RUNTIME_PLAN_FILE_FORMAT_H_
