#include "formats/idx/idx.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/cifar/cifar.h"

namespace adze {
namespace {

using std::string_literals::operator""s;

TEST(Idx, BigEndianDataOfEveryType) {
  const TestFolder folder;
  const auto read = [&](const std::string& bytes) {
    Result<Tensor> t = ReadIdx(folder.Write("a.idx", bytes));
    EXPECT_TRUE(t.ok()) << t.status().message();
    return t.ok() ? t.value() : Tensor();
  };
  EXPECT_TRUE(BitEqual(read("\0\0\x08\x02\0\0\0\x02\0\0\0\x01\x05\xff"s),
                       Tensor::FromValues<uint8_t>({2, 1}, {5, 255})));
  EXPECT_TRUE(BitEqual(read("\0\0\x09\x01\0\0\0\x01\xfe"s), Tensor::FromValues<int8_t>({1}, {-2})));
  EXPECT_TRUE(BitEqual(read("\0\0\x0b\x01\0\0\0\x02\x01\x02\xff\xfe"s),
                       Tensor::FromValues<int16_t>({2}, {258, -2})));
  EXPECT_TRUE(BitEqual(read("\0\0\x0c\x01\0\0\0\x01\0\x01\0\x02"s),
                       Tensor::FromValues<int32_t>({1}, {65538})));
  EXPECT_TRUE(BitEqual(read("\0\0\x0d\x01\0\0\0\x01\x3f\xc0\0\0"s),
                       Tensor::FromValues<float>({1}, {1.5f})));
  EXPECT_TRUE(BitEqual(read("\0\0\x0e\x01\0\0\0\x01\x3f\xf8\0\0\0\0\0\0"s),
                       Tensor::FromValues<double>({1}, {1.5})));
}

TEST(Idx, Refusals) {
  const TestFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const std::string path = folder.Write("a.idx", bytes);
    const Result<Tensor> t = ReadIdx(path);
    return t.ok() ? std::string("(accepted)") : t.status().message().substr(path.size() + 2);
  };
  EXPECT_EQ(refusal(""), "not an idx file");
  EXPECT_EQ(refusal("\1\0\x08\1"s), "not an idx file");
  EXPECT_EQ(refusal("\0\0\x0a\1"s), "not an idx file (unknown element type)");
  EXPECT_EQ(refusal("\0\0\x08\x09"s), "rank 9 is over the limit of 8");
  EXPECT_EQ(refusal("\0\0\x08\2\0\0\0\1"s), "the idx header is truncated");
  EXPECT_EQ(refusal("\0\0\x08\1\0\0\0\3xy"s),
            "the header says shape [3] of uint8, but 2 bytes of data follow");
  EXPECT_EQ(refusal("\0\0\x08\1\0\0\0\1xy"s),
            "the header says shape [1] of uint8, but 2 bytes of data follow");
  EXPECT_EQ(refusal("\0\0\x0e\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s),
            "the header says shape [4294967295,4294967295,4294967295,4294967295] of float64, but 0 "
            "bytes of data follow");
}

TEST(Cifar, RecordsAndRefusals) {
  const TestFolder folder;
  std::string file(2 * kCifarRecordBytes, '\x11');
  file[0] = 3;
  file[kCifarRecordBytes] = 9;
  file[kCifarRecordBytes + 1] = 0x22;
  const Result<CifarFile> c = ReadCifar10(folder.Write("good", file));
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c.value().size, 2);
  EXPECT_EQ(c.value().label(0), 3);
  EXPECT_EQ(c.value().label(1), 9);
  EXPECT_EQ(c.value().planes(1)[0], 0x22);

  file[kCifarRecordBytes] = 10;
  const std::string bad = folder.Write("bad", file);
  EXPECT_EQ(ReadCifar10(bad).status().message(),
            bad + ": record 1 has label 10, CIFAR-10 has 0 to 9");
  const std::string cut = folder.Write("cut", file.substr(1));
  EXPECT_EQ(ReadCifar10(cut).status().message(),
            cut + ": 6145 bytes are not CIFAR-10 records of 3073");
  const std::string empty = folder.Write("empty", "");
  EXPECT_EQ(ReadCifar10(empty).status().message(),
            empty + ": 0 bytes are not CIFAR-10 records of 3073");
}

}  // namespace
}  // namespace adze
