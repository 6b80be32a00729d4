#include "base/checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace adze {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87u;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Fu;
constexpr uint64_t kPrime3 = 0x165667B19E3779F9u;
constexpr uint64_t kPrime4 = 0x85EBCA77C2B2AE63u;
constexpr uint64_t kPrime5 = 0x27D4EB2F165667C5u;

template <typename T>
T Load(const std::byte* p) {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

uint64_t Round(uint64_t lane, uint64_t word) {
  return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

}  // namespace

void Checksum::Blocks(const std::byte* p, size_t blocks) {
  uint64_t a = lanes_[0];
  uint64_t b = lanes_[1];
  uint64_t c = lanes_[2];
  uint64_t d = lanes_[3];
  for (; blocks > 0; --blocks, p += kBlock) {
    a = Round(a, Load<uint64_t>(p));
    b = Round(b, Load<uint64_t>(p + 8));
    c = Round(c, Load<uint64_t>(p + 16));
    d = Round(d, Load<uint64_t>(p + 24));
  }
  lanes_[0] = a;
  lanes_[1] = b;
  lanes_[2] = c;
  lanes_[3] = d;
}

void Checksum::Update(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const size_t held = total_ % kBlock;
  total_ += bytes.size();
  if (held > 0) {
    const size_t n = std::min(kBlock - held, bytes.size());
    std::memcpy(rest_ + held, bytes.data(), n);
    bytes = bytes.subspan(n);
    if (held + n < kBlock) return;
    Blocks(rest_, 1);
  }
  Blocks(bytes.data(), bytes.size() / kBlock);
  const size_t left = bytes.size() % kBlock;
  if (left > 0) std::memcpy(rest_, bytes.data() + bytes.size() - left, left);
}

uint64_t Checksum::Finish() const {
  uint64_t h = kPrime5;
  if (total_ >= kBlock) {
    h = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
        std::rotl(lanes_[3], 18);
    for (const uint64_t lane : lanes_) h = (h ^ Round(0, lane)) * kPrime1 + kPrime4;
  }
  h += total_;
  const std::byte* p = rest_;
  size_t n = total_ % kBlock;
  for (; n >= 8; n -= 8, p += 8) {
    h = std::rotl(h ^ Round(0, Load<uint64_t>(p)), 27) * kPrime1 + kPrime4;
  }
  if (n >= 4) {
    h = std::rotl(h ^ Load<uint32_t>(p) * kPrime1, 23) * kPrime2 + kPrime3;
    n -= 4;
    p += 4;
  }
  for (; n > 0; --n, ++p) h = std::rotl(h ^ static_cast<uint64_t>(*p) * kPrime5, 11) * kPrime1;
  h = (h ^ h >> 33) * kPrime2;
  h = (h ^ h >> 29) * kPrime3;
  return h ^ h >> 32;
}

uint64_t ChecksumOf(std::span<const std::byte> bytes) {
  Checksum sum;
  sum.Update(bytes);
  return sum.Finish();
}

}  // namespace adze
