#include "formats/npz/npz.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/test_files.h"
#include "formats/npy/npy.h"

namespace adze {
namespace {

void Le(std::string* out, uint64_t v, int size) {
  for (int i = 0; i < size; ++i) out->push_back(static_cast<char>(i < 8 ? v >> (8 * i) & 0xff : 0));
}

std::string Deflate(const std::string& data) {
  z_stream z = {};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, data.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// One member of a zip file made by hand, so that every field can be wrong.
struct Entry {
  std::string name = "x.npy";
  std::string packed;
  uint64_t unpacked = 0;
  uint32_t crc = 0;
  uint16_t method = 0;
  uint16_t flags = 0;
  int64_t local_offset = -1;  // >= 0: the directory points there and no local header is written
};

Entry Stored(const std::string& data) {
  Entry e;
  e.packed = data;
  e.unpacked = data.size();
  e.crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
  return e;
}

Entry Deflated(const std::string& data) {
  Entry e = Stored(data);
  e.packed = Deflate(data);
  e.method = 8;
  return e;
}

std::string Zip(const std::vector<Entry>& entries) {
  std::string zip;
  std::string directory;
  for (const Entry& e : entries) {
    const uint64_t offset =
        e.local_offset >= 0 ? static_cast<uint64_t>(e.local_offset) : zip.size();
    std::string common;
    Le(&common, 20, 2);
    Le(&common, e.flags, 2);
    Le(&common, e.method, 2);
    Le(&common, 0, 4);
    Le(&common, e.crc, 4);
    Le(&common, e.packed.size(), 4);
    Le(&common, e.unpacked, 4);
    Le(&common, e.name.size(), 2);
    Le(&common, 0, 2);
    if (e.local_offset < 0) zip += "PK\3\4" + common + e.name + e.packed;
    Le(&directory, 0x02014b50, 4);
    Le(&directory, 20, 2);
    directory += common;
    Le(&directory, 0, 10);
    Le(&directory, offset, 4);
    directory += e.name;
  }
  const uint64_t at = zip.size();
  zip += directory + "PK\5\6";
  Le(&zip, 0, 4);
  Le(&zip, entries.size(), 2);
  Le(&zip, entries.size(), 2);
  Le(&zip, directory.size(), 4);
  Le(&zip, at, 4);
  Le(&zip, 0, 2);
  return zip;
}

std::string NpyOf(const Tensor& t) {
  return NpyHeader(t.dtype(), t.dims()) + std::string(static_cast<const char*>(t.raw()), t.bytes());
}

class NpzTest : public ::testing::Test {
 protected:
  std::string Refusal(const std::string& bytes, uint64_t max_bytes = kMaxUnpackedBytes) {
    const auto t = ReadNpz(folder_.Write("a.npz", bytes), max_bytes);
    if (t.ok()) return "(accepted)";
    const std::string prefix = folder_.Path("a.npz") + ": ";
    EXPECT_TRUE(t.status().message().starts_with(prefix)) << t.status().message();
    return t.status().message().substr(prefix.size());
  }
  TestFolder folder_;
  const Tensor values_ = Tensor::FromValues<float>({2, 2}, {1, 2, 3, 4});
};

TEST_F(NpzTest, WrittenArraysComeBackMappedAndAligned) {
  const Tensor bytes = Tensor::FromValues<uint8_t>({3}, {7, 8, 9});
  const std::vector<NamedTensor> out = {{"images", values_}, {"labels", bytes}, {"s", values_}};
  ASSERT_TRUE(WriteNpz(folder_.Path("a.npz"), out).ok());
  const auto back = ReadNpz(folder_.Path("a.npz"));
  ASSERT_TRUE(back.ok()) << back.status().message();
  ASSERT_EQ(back.value().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.value()[i].name, out[i].name);
    EXPECT_TRUE(BitEqual(back.value()[i].tensor, out[i].tensor));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(back.value()[i].tensor.raw()) % 64, 0u);
  }
}

TEST_F(NpzTest, ReadsDeflatedMembersAndAnEmptyArchive) {
  const auto t = ReadNpz(folder_.Write("a.npz", Zip({Deflated(NpyOf(values_))})));
  ASSERT_TRUE(t.ok()) << t.status().message();
  EXPECT_EQ(t.value()[0].name, "x");
  EXPECT_TRUE(BitEqual(t.value()[0].tensor, values_));
  EXPECT_TRUE(ReadNpz(folder_.Write("b.npz", Zip({}))).ok());
}

TEST_F(NpzTest, Refusals) {
  const std::string npy = NpyOf(values_);
  EXPECT_EQ(Refusal(""), "not an npz (zip) file, or truncated");
  const std::string good = Zip({Stored(npy)});
  EXPECT_EQ(Refusal(good.substr(0, good.size() - 1)), "not an npz (zip) file, or truncated");
  EXPECT_EQ(Refusal(good.substr(30)), "the zip directory lies outside the file");

  Entry e = Stored(npy);
  e.crc ^= 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': checksum mismatch");
  e = Deflated(npy);
  e.crc ^= 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': checksum mismatch");
  e = Stored(npy);
  e.flags = 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': encrypted members are not supported");
  e.flags = 0;
  e.method = 12;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': compression method 12 is not supported");
  e = Stored(npy);
  e.unpacked += 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': stored with two different sizes");
  e = Stored(npy);
  e.name = "readme.txt";
  EXPECT_EQ(Refusal(Zip({e})), "member 'readme.txt': not an npy file");
  EXPECT_EQ(Refusal(Zip({Stored(npy), Stored(npy)})), "member 'x.npy' occurs twice");
  EXPECT_EQ(Refusal(Zip({Stored("not an array")})), "member 'x.npy': not an npy file");
  e = Stored(npy);
  e.local_offset = 1;
  EXPECT_EQ(Refusal("PK" + Zip({e})), "the zip directory is corrupt");

  e = Deflated(npy);
  e.unpacked -= 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': deflated data is longer than its header says");
  e = Deflated(npy);
  e.unpacked += 1;
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': deflated data is shorter than its header says");
  e = Deflated(npy);
  e.packed += '\0';
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': deflated data ends before its header says");
  e = Deflated(npy);
  e.packed.resize(e.packed.size() - 3);
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': truncated deflated data");
  e = Deflated(npy);
  e.packed[0] = static_cast<char>(0xff);
  EXPECT_EQ(Refusal(Zip({e})), "member 'x.npy': corrupt deflated data: invalid block type");
}

TEST_F(NpzTest, BombsAreRefusedBeforeTheyUnpack) {
  Entry claim = Deflated(NpyOf(values_));
  claim.unpacked = 4000000000u;
  EXPECT_EQ(Refusal(Zip({claim})), "member 'x.npy': claims to unpack " +
                                       std::to_string(claim.packed.size()) +
                                       " bytes to 4000000000");

  Entry large = Deflated(NpyOf(Tensor::Allocate(DType::kUInt8, {1 << 20})));
  EXPECT_EQ(Refusal(Zip({large}), 1 << 20),
            "member 'x.npy': the archive unpacks to more than the limit");

  // Many directory entries over the same bytes.
  std::vector<Entry> overlapping = {large};
  for (int i = 0; i < 100; ++i) {
    Entry e = large;
    e.name = std::to_string(i) + ".npy";
    e.local_offset = 0;
    overlapping.push_back(e);
  }
  const std::string refusal = Refusal(Zip(overlapping));
  EXPECT_TRUE(refusal.ends_with(": shares data with another")) << refusal;
}

}  // namespace
}  // namespace adze
