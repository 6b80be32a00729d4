#include "formats/safetensors/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/file.h"

namespace adze {
namespace {

std::string TempPath(const std::string& name) { return testing::TempDir() + "/" + name; }

// A file of a header and `data_bytes` zero bytes.
std::string WithHeader(const std::string& header, size_t data_bytes = 0) {
  const uint64_t size = header.size();
  std::string out(reinterpret_cast<const char*>(&size), sizeof(size));
  return out + header + std::string(data_bytes, '\0');
}

Result<SafeTensors> ReadBytes(const std::string& bytes) {
  const std::string path = TempPath("broken.safetensors");
  EXPECT_TRUE(WriteFileAtomic(path, bytes).ok());
  return ReadSafeTensors(path);
}

TEST(SafeTensorsTest, RoundTripsEveryTypeAndMetadata) {
  SafeTensors in;
  in.metadata = {{"a", "1"}, {"note", "über \"quoted\""}};
  for (const DType t : kAllDTypes) {
    Tensor tensor = Tensor::Allocate(t, {3});
    auto* const bytes = static_cast<unsigned char*>(tensor.mutable_raw());
    for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<unsigned char>(i % 2);
    in.tensors[DTypeName(t)] = tensor;
  }
  in.tensors["scalar"] = Tensor::Scalar(2.5f);
  in.tensors["empty"] = Tensor::Allocate(DType::kFloat32, {0, 4});
  const std::string path = TempPath("all.safetensors");
  ASSERT_TRUE(WriteSafeTensors(in, path).ok());
  const auto out = ReadSafeTensors(path);
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ(out->metadata, in.metadata);
  ASSERT_EQ(out->tensors.size(), in.tensors.size());
  for (const auto& [name, tensor] : in.tensors) {
    EXPECT_TRUE(BitEqual(tensor, out->tensors.at(name))) << name;
  }
}

TEST(SafeTensorsTest, RefusesWhatIsNoSafetensors) {
  const std::pair<std::string, const char*> cases[] = {
      {"abc", "too short"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "header length"},
      {WithHeader("[1]"), "not a JSON object"},
      {WithHeader("{\"a\": 3}"), "tensor 'a': is not an object"},
      {WithHeader(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4), "unknown dtype"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
       "list of integers"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4), "do not fit"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4), "do not fit"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8), "do not fit"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[99999999999,99999999999],"data_offsets":[0,4]}})",
                  4),
       "too large"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"b":1}})", 4),
       "unknown field 'b'"},
      {WithHeader(R"({"__metadata__":{"k":1}})"), "'k' is not a string"},
      {WithHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                      "b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                  8),
       "overlap"},
  };
  for (const auto& [bytes, sentence] : cases) {
    const auto out = ReadBytes(bytes);
    ASSERT_FALSE(out.ok()) << sentence;
    EXPECT_NE(out.status().message().find(sentence), std::string::npos) << out.status().message();
  }
}

}  // namespace
}  // namespace adze
