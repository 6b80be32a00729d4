#include "formats/npy/npy.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/test_files.h"

namespace adze {
namespace {

using std::string_literals::operator""s;

// A file as NumPy writes it, with any header text.
std::string Npy(const std::string& dict, const std::string& data, char major = 1) {
  std::string header = dict + "\n";
  std::string file = "\x93NUMPY"s + major + '\0';
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  if (major >= 2) file += "\0\0"s;
  return file + header + data;
}

std::string Dict(const std::string& descr, const std::string& shape,
                 const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

class NpyTest : public ::testing::Test {
 protected:
  Result<Tensor> Read(const std::string& bytes) { return ReadNpy(folder_.Write("a.npy", bytes)); }
  // The sentence without the file name, which must be there.
  std::string Refusal(const std::string& bytes) {
    const Result<Tensor> t = Read(bytes);
    if (t.ok()) return "(accepted)";
    const std::string prefix = folder_.Path("a.npy") + ": ";
    EXPECT_TRUE(t.status().message().starts_with(prefix)) << t.status().message();
    return t.status().message().substr(prefix.size());
  }
  TestFolder folder_;
};

TEST_F(NpyTest, EveryTypeComesBackTheSame) {
  for (const DType dtype : kAllDTypes) {
    Tensor t = Tensor::Allocate(dtype, {3, 5});
    unsigned char* const bytes = static_cast<unsigned char*>(t.mutable_raw());
    for (size_t i = 0; i < t.bytes(); ++i) {
      bytes[i] = static_cast<unsigned char>(dtype == DType::kBool ? i % 2 : i * 37 + 1);
    }
    const std::string path = folder_.Path("t.npy");
    ASSERT_TRUE(WriteNpy(path, t.view()).ok());
    const Result<Tensor> back = ReadNpy(path);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_TRUE(BitEqual(t, *back)) << DTypeName(dtype);
  }
}

TEST_F(NpyTest, ScalarsAndEmptyArrays) {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{}, {0}, {2, 0, 3}, {1, 1, 1, 1}}) {
    const Tensor t = Tensor::Allocate(DType::kInt32, dims);
    ASSERT_TRUE(WriteNpy(folder_.Path("t.npy"), t.view()).ok());
    const Result<Tensor> back = ReadNpy(folder_.Path("t.npy"));
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->dims(), dims);
  }
}

TEST_F(NpyTest, DataOfOurFilesIsMappedAndAligned) {
  const Tensor t = Tensor::Allocate(DType::kFloat64, {7});
  ASSERT_TRUE(WriteNpy(folder_.Path("t.npy"), t.view()).ok());
  EXPECT_EQ(folder_.Read("t.npy").size() % 64, 7 * 8u);
}

TEST_F(NpyTest, FortranOrderIsConverted) {
  const Result<Tensor> t = Read(Npy(Dict("|u1", "(2, 3)", "True"), "\x01\x04\x02\x05\x03\x06"));
  ASSERT_TRUE(t.ok()) << t.status().message();
  EXPECT_TRUE(BitEqual(*t, Tensor::FromValues<uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6})));
}

TEST_F(NpyTest, Versions2And3AndUnalignedData) {
  for (const char major : {'\2', '\3'}) {
    const Result<Tensor> t = Read(Npy(Dict("<i2", "(2,)"), "\x01\x00\x02\x01"s, major));
    ASSERT_TRUE(t.ok()) << t.status().message();
    EXPECT_TRUE(BitEqual(*t, Tensor::FromValues<int16_t>({2}, {1, 258})));
  }
  const std::string odd = Dict("<i2", "(2,)");
  for (const std::string& dict :
       {odd, odd + " "}) {  // one of the two puts the data at an odd offset
    EXPECT_TRUE(Read(Npy(dict, "\x01\x00\x02\x01"s)).ok());
  }
}

TEST_F(NpyTest, Refusals) {
  EXPECT_EQ(Refusal(""), "not an npy file");
  EXPECT_EQ(Refusal("PK\3\4 and so on"), "not an npy file");
  EXPECT_EQ(Refusal("\x93NUMPY\1"s), "the npy header is truncated");
  EXPECT_EQ(Refusal("\x93NUMPY\1\0\x40\0{"s), "the npy header is truncated");
  EXPECT_EQ(Refusal("\x93NUMPY\2\0\xff\xff\xff\xff{}"s), "the npy header is truncated");
  EXPECT_EQ(Refusal(Npy("", "", 9)), "npy format version 9.0 is not supported");
  EXPECT_EQ(Refusal(Npy(Dict(">f4", "(1,)"), "0000")), "big-endian data ('>f4') is not supported");
  EXPECT_EQ(Refusal(Npy(Dict("<c8", "(1,)"), "00000000")), "element type '<c8' is not supported");
  EXPECT_EQ(Refusal(Npy(Dict("|O", "(1,)"), "")), "element type '|O' is not supported");
  EXPECT_EQ(
      Refusal(Npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", "0000")),
      "structured element types are not supported");
  for (const char* dict : {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4'}",
                           "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (1"}) {
    EXPECT_EQ(Refusal(Npy(dict, "0000")), "the npy header is malformed") << dict;
  }
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(-1,)"), "0000")), "the npy header is malformed");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(99999999999999999999,)"), "0000")),
            "the npy header is malformed");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(2,)"), "0000")),
            "the header says shape [2] of float32, but 4 bytes of data follow");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(1,)"), "00000")),
            "the header says shape [1] of float32, but 5 bytes of data follow");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(4611686018427387904, 4)"), "")),
            "the header says shape [4611686018427387904,4] of float32, but 0 bytes of data follow");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(1,1,1,1,1,1,1,1,1)"), "0000")),
            "rank 9 is over the limit of 8");
  EXPECT_EQ(Refusal(Npy(Dict("|b1", "(2,)"), "\x01\x02")), "a bool is neither 0 nor 1");
  EXPECT_EQ(Refusal(Npy(Dict("<f4", "(1,)") + std::string(20000, ' '), "0000")),
            "the npy header has 20058 bytes, more than 10000");
}

TEST_F(NpyTest, MissingFileAndUnwritableFolderAreNamed) {
  EXPECT_EQ(ReadNpy("/nonexistent/x.npy").status().message(),
            "/nonexistent/x.npy: cannot open: No such file or directory");
  EXPECT_EQ(WriteNpy("/nonexistent/x.npy", Tensor::Scalar(1.0f).view()).message(),
            "/nonexistent/x.npy: cannot create: No such file or directory");
}

}  // namespace
}  // namespace adze
