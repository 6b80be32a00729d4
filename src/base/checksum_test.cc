#include "base/checksum.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace adze {
namespace {

std::span<const std::byte> Bytes(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

// Published values of XXH64 with seed 0.
TEST(Checksum, KnownValues) {
  EXPECT_EQ(ChecksumOf(Bytes("")), 0xEF46DB3751D8E999u);
  EXPECT_EQ(ChecksumOf(Bytes("a")), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(ChecksumOf(Bytes("abc")), 0x44BC2CF5AD770999u);
  EXPECT_EQ(ChecksumOf(Bytes("The quick brown fox jumps over the lazy dog")), 0x0B242D361FDA71BCu);
}

TEST(Checksum, PiecesDoNotMatterAndEveryByteDoes) {
  std::vector<std::byte> bytes(203);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + 5);
  const uint64_t whole = ChecksumOf(bytes);
  for (size_t a = 0; a <= bytes.size(); a += 7) {
    for (size_t b = a; b <= bytes.size(); b += 13) {
      Checksum sum;
      const std::span<const std::byte> all(bytes);
      sum.Update(all.subspan(0, a));
      sum.Update(all.subspan(a, b - a));
      sum.Update(all.subspan(b));
      ASSERT_EQ(sum.Finish(), whole) << a << ' ' << b;
    }
  }
  for (std::byte& b : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      b ^= static_cast<std::byte>(1 << bit);
      EXPECT_NE(ChecksumOf(bytes), whole);
      b ^= static_cast<std::byte>(1 << bit);
    }
  }
}

}  // namespace
}  // namespace adze
