#include "formats/gzip/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/test_files.h"

namespace adze {
namespace {

std::string Gzip(const std::string& data) {
  z_stream z = {};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, data.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::span<const std::byte> Bytes(const std::string& s) { return std::as_bytes(std::span(s)); }

std::string Text(const FileBytes& f) {
  return std::string(reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size());
}

TEST(Gzip, MembersAreConcatenated) {
  std::string large;
  for (unsigned i = 0; i < 200000; ++i) large += static_cast<char>(i * i >> 4);
  for (const std::string& data : {std::string(), std::string("abc"), large}) {
    const std::string packed = Gzip(data);
    const Result<FileBytes> one = Gunzip(Bytes(packed));
    ASSERT_TRUE(one.ok()) << one.status().message();
    EXPECT_EQ(Text(one.value()), data);
    const std::string twice = packed + Gzip("tail");
    const Result<FileBytes> two = Gunzip(Bytes(twice));
    ASSERT_TRUE(two.ok()) << two.status().message();
    EXPECT_EQ(Text(two.value()), data + "tail");
  }
}

TEST(Gzip, Refusals) {
  const std::string packed = Gzip(std::string(100000, 'a') + "end");
  for (const size_t keep : {size_t{2}, size_t{12}, packed.size() / 2, packed.size() - 1}) {
    const std::string cut = packed.substr(0, keep);
    EXPECT_EQ(Gunzip(Bytes(cut)).status().message(), "truncated gzip data");
  }
  std::string checksum = packed;
  checksum[packed.size() - 8] = static_cast<char>(checksum[packed.size() - 8] ^ 1);
  EXPECT_EQ(Gunzip(Bytes(checksum)).status().message(), "corrupt gzip data: incorrect data check");
  const std::string garbage = packed + "garbage";
  EXPECT_EQ(Gunzip(Bytes(garbage)).status().message(), "corrupt gzip data: incorrect header check");
  EXPECT_EQ(Gunzip(Bytes(packed), 100000).status().message(), "unpacks to more than 100000 bytes");
  EXPECT_TRUE(Gunzip(Bytes(packed), 100003).ok());
}

TEST(Gzip, FilesAreRecognisedByTheirBytes) {
  const TestFolder folder;
  const Result<FileBytes> plain = ReadFileMaybeGzip(folder.Write("plain.gz", "not packed"));
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(Text(plain.value()), "not packed");
  const Result<FileBytes> packed = ReadFileMaybeGzip(folder.Write("packed", Gzip("was packed")));
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(Text(packed.value()), "was packed");
  const std::string cut = folder.Write("cut", Gzip("was packed").substr(0, 15));
  EXPECT_EQ(ReadFileMaybeGzip(cut).status().message(), cut + ": truncated gzip data");
}

}  // namespace
}  // namespace adze
