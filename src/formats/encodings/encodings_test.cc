#include "formats/encodings/encodings.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>

#include "base/file.h"

namespace adze {
namespace {

std::string TempPath(const std::string& name) { return testing::TempDir() + "/" + name; }

std::string ReadText(const std::string& path) {
  const auto file = MappedFile::Open(path);
  EXPECT_TRUE(file.ok());
  return std::string(reinterpret_cast<const char*>((*file)->bytes().data()),
                     (*file)->bytes().size());
}

Encodings Example() {
  Encodings e;
  e.graph_hash = "0123abcd";
  TensorEncoding& x = e.tensors["x"];
  x.type = {DType::kUInt8, {0.1f}, {128}};
  x.provenance = {"mse", -12.8f, 12.7f, "a \"note\""};
  TensorEncoding& w = e.tensors["layer/weight:0"];
  w.type = {DType::kInt8, {1e-30f, 0.25f, 3.4e38f}, {0, 0, 0}, 0};
  TensorEncoding& blocks = e.tensors["blocks"];
  blocks.type = {DType::kInt8, {0.5f, 0.25f, 1.0f, 2.0f}, {1, -2, 3, -4}, 1, 32};
  blocks.outer_scale = {0.125f, 7.0f};
  UseEncoding use;
  use.node_output = "y";
  use.input = 1;
  use.encoding.type = {DType::kUInt16, {0.001f}, {32768}};
  e.uses.push_back(use);
  return e;
}

TEST(EncodingsFileTest, RoundTripIsExactAndDeterministic) {
  const Encodings e = Example();
  const std::string a = TempPath("a.encodings.json");
  const std::string b = TempPath("b.encodings.json");
  ASSERT_TRUE(WriteEncodings(e, a).ok());
  const auto out = ReadEncodings(a);
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ(*out, e);
  ASSERT_TRUE(WriteEncodings(*out, b).ok());
  EXPECT_EQ(ReadText(a), ReadText(b));
}

TEST(EncodingsFileTest, EveryFloatSurvives) {
  std::mt19937 random(1);
  TensorEncoding w;
  w.type.storage = DType::kInt8;
  w.type.axis = 0;
  while (w.type.scale.size() < 4000) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(random()) & 0x7fffffffu);
    if (std::isfinite(f) && f > 0) w.type.scale.push_back(f);
  }
  w.type.zero_point.assign(w.type.scale.size(), 0);
  Encodings e;
  e.tensors["w"] = w;
  const std::string path = TempPath("floats.encodings.json");
  ASSERT_TRUE(WriteEncodings(e, path).ok());
  const auto out = ReadEncodings(path);
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ(out->tensors.at("w").type.scale, w.type.scale);
}

TEST(EncodingsFileTest, LongArraysGoToTheSideFile) {
  Encodings e;
  TensorEncoding& w = e.tensors["w"];
  w.type.storage = DType::kInt8;
  w.type.axis = 0;
  for (int i = 0; i < 5000; ++i) {
    w.type.scale.push_back(0.001f * static_cast<float>(i + 1));
    w.type.zero_point.push_back(i % 3);
  }
  const std::string path = TempPath("long.encodings.json");
  ASSERT_TRUE(WriteEncodings(e, path).ok());
  EXPECT_NE(ReadText(path).find("\"side_file\": \"long.encodings.safetensors\""),
            std::string::npos);
  EXPECT_LT(ReadText(path).size(), 1000u);
  const auto out = ReadEncodings(path);
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ(*out, e);
}

TEST(EncodingsFileTest, RefusesInvalidEncodingsOnWriting) {
  Encodings e = Example();
  e.tensors["x"].type.scale[0] = std::nanf("");
  const Status s = WriteEncodings(e, TempPath("nan.encodings.json"));
  EXPECT_EQ(s.code(), StatusCode::kInvalidInput);
  EXPECT_NE(s.message().find("tensor 'x'"), std::string::npos) << s.message();
}

TEST(EncodingsFileTest, RefusesEachWrongFile) {
  const auto file = [](const std::string& tensors) {
    return R"({"format":"adze.encodings","version":1,"tensors":{)" + tensors + "}}";
  };
  const std::pair<std::string, const char*> cases[] = {
      {"{", "not valid JSON"},
      {"[]", "is not an object"},
      {R"({"format":"other","version":1,"tensors":{}})", "not an encodings file"},
      {R"({"format":"adze.encodings","version":2,"tensors":{}})", "has version 2"},
      {R"({"format":"adze.encodings","version":1})", "field 'tensors'"},
      {R"({"format":"adze.encodings","version":1,"tensors":{},"extra":1})",
       "unknown field 'extra'"},
      {R"({"format":"adze.encodings","version":1,"tensors":{},"side_file":"../x"})",
       "without a folder"},
      {file(R"("x":3)"), "tensor 'x' is not an object"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":0,"bits":8})"),
       "unknown field 'bits'"},
      {file(R"("x":{"storage":"int9","scale":1,"zero_point":0})"), "unknown storage 'int9'"},
      {file(R"("x":{"storage":"float32","scale":1,"zero_point":0})"), "float32"},
      {file(R"("x":{"storage":"uint8","zero_point":0})"), "'scale' is missing"},
      {file(R"("x":{"storage":"uint8","scale":1})"), "'zero_point' is missing"},
      {file(R"("x":{"storage":"uint8","scale":"1","zero_point":0})"), "'scale' must be"},
      {file(R"("x":{"storage":"uint8","scale":0,"zero_point":0})"), "positive finite"},
      {file(R"("x":{"storage":"uint8","scale":1e39,"zero_point":0})"), "'scale' must be"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":256})"), "does not fit uint8"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":1.5})"), "'zero_point' must be"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":99999999999999999999})"),
       "'zero_point' must be"},
      {file(R"("x":{"storage":"uint8","scale":[1,2],"zero_point":0})"), "exactly one scale"},
      {file(R"("x":{"storage":"int8","axis":0,"scale":[1,2],"zero_point":[0]})"), "zero points"},
      {file(R"("x":{"storage":"int8","axis":-1,"scale":[1],"zero_point":0})"), "'axis' must be"},
      {file(R"("x":{"storage":"int8","axis":0,"scale":{"side":"k"},"zero_point":0})"),
       "no array 'k'"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":0,"range":[1]})"), "two numbers"},
      {file(R"("x":{"storage":"uint8","scale":1,"zero_point":0,"outer_scale":[-1]})"),
       "outer scale"},
  };
  const std::string path = TempPath("wrong.encodings.json");
  for (const auto& [text, sentence] : cases) {
    ASSERT_TRUE(WriteFileAtomic(path, text).ok());
    const auto out = ReadEncodings(path);
    ASSERT_FALSE(out.ok()) << text;
    EXPECT_NE(out.status().message().find(sentence), std::string::npos) << out.status().message();
    EXPECT_NE(out.status().message().find("wrong.encodings.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace adze
