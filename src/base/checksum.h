// XXH64, the 64-bit hash of the xxHash family with seed 0 (https://github.com/Cyan4973/xxHash,
// doc/xxhash_spec.md): against damage, not against forgery. About 10 GB/s, no tables, the same
// everywhere.
#ifndef ADZE_BASE_CHECKSUM_H_
#define ADZE_BASE_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace adze {

// Of bytes that come in pieces; how they are cut does not matter.
class Checksum {
 public:
  void Update(std::span<const std::byte> bytes);
  uint64_t Finish() const;

 private:
  static constexpr size_t kBlock = 32;
  void Blocks(const std::byte* p, size_t blocks);

  uint64_t lanes_[4] = {0x60EA27EEADC0B5D6u, 0xC2B2AE3D27D4EB4Fu, 0, 0x61C8864E7A143579u};
  std::byte rest_[kBlock] = {};  // the last bytes, fewer than a block
  uint64_t total_ = 0;
};

uint64_t ChecksumOf(std::span<const std::byte> bytes);

}  // namespace adze

#endif  // ADZE_BASE_CHECKSUM_H_
