#include "data/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_files.h"

namespace adze {
namespace {

class PreprocessTest : public ::testing::Test {
 protected:
  YamlMap Yaml(const std::string& text) {
    Result<YamlMap> map = ReadYaml(folder_.Write("p.yaml", text));
    EXPECT_TRUE(map.ok()) << map.status().message();
    return std::move(map).value();
  }
  ImageSpec Spec(const std::string& text) {
    YamlMap map = Yaml(text);
    Result<ImageSpec> spec = ParseImageSpec(&map);
    EXPECT_TRUE(spec.ok()) << spec.status().message();
    return spec.ok() ? spec.value() : ImageSpec();
  }
  std::string Refusal(const std::string& text) {
    YamlMap map = Yaml(text);
    const Result<ImageSpec> spec = ParseImageSpec(&map);
    return spec.ok() ? "(accepted)" : spec.status().message().substr(folder_.Path("p.yaml").size());
  }
  Tensor Apply(const std::string& text, Image image) {
    Result<Tensor> t = PreprocessImage(Spec(text), std::move(image));
    EXPECT_TRUE(t.ok()) << t.status().message();
    return t.ok() ? t.value() : Tensor();
  }
  ValueSpec Values(const std::string& text) {
    YamlMap map = Yaml(text);
    Result<ValueSpec> spec = ParseValueSpec(&map);
    EXPECT_TRUE(spec.ok()) << spec.status().message();
    return spec.ok() ? spec.value() : ValueSpec();
  }
  TestFolder folder_;
};

// 2 x 2: red-ish counts up.
Image Small() { return {2, 2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}; }

TEST_F(PreprocessTest, LayoutsAndChannelOrders) {
  EXPECT_TRUE(
      BitEqual(Apply("dtype: uint8\n", Small()),
               Tensor::FromValues<uint8_t>({3, 2, 2}, {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12})));
  EXPECT_TRUE(
      BitEqual(Apply("dtype: uint8\nlayout: nhwc\n", Small()),
               Tensor::FromValues<uint8_t>({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})));
  EXPECT_TRUE(
      BitEqual(Apply("dtype: uint8\nlayout: nhwc\nchannel_order: bgr\n", Small()),
               Tensor::FromValues<uint8_t>({2, 2, 3}, {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10})));
}

TEST_F(PreprocessTest, ValuesInFloat32AndDocumentedOrder) {
  // mean and std count in the network's order: blue first here.
  const Tensor t = Apply(
      "layout: nhwc\nchannel_order: bgr\nscale: 1/255\nmean: [0.5, 0.25, 0.1]\nstd: [2, 4, 0.3]\n",
      Small());
  const float mean[] = {0.5f, 0.25f, 0.1f};
  const float std[] = {2, 4, 0.3f};
  const int order[] = {3, 2, 1};
  for (size_t c = 0; c < 3; ++c) {
    const float expected = (static_cast<float>(order[c]) / 255.0f - mean[c]) / std[c];
    EXPECT_EQ(t.values<float>()[c], expected);
  }
  EXPECT_EQ(Apply("scale: 0.5\n", Small()).values<float>()[0], 0.5f);
  EXPECT_EQ(Apply("mean: 127.5\nstd: 127.5\n", Small()).values<float>()[0], (1 - 127.5f) / 127.5f);
}

TEST_F(PreprocessTest, OutputTypesSaturateAndRoundToEven) {
  const Image image{1, 4, 1, {0, 3, 5, 255}};
  EXPECT_TRUE(BitEqual(Apply("scale: 1/2\nmean: 10\ndtype: int8\n", image),
                       Tensor::FromValues<int8_t>({1, 1, 4}, {-10, -8, -8, 118})));
  EXPECT_TRUE(BitEqual(Apply("scale: 2\nmean: 8\ndtype: uint8\n", image),
                       Tensor::FromValues<uint8_t>({1, 1, 4}, {0, 0, 2, 255})));
  EXPECT_TRUE(
      BitEqual(Apply("scale: 1e10\ndtype: int32\n", image),
               Tensor::FromValues<int32_t>({1, 1, 4}, {0, INT32_MAX, INT32_MAX, INT32_MAX})));
  const Tensor half = Apply("scale: 1/2\ndtype: float16\n", image);
  EXPECT_EQ(half.dtype(), DType::kFloat16);
  EXPECT_EQ(static_cast<const uint16_t*>(half.raw())[1], 0x3e00);  // 1.5
}

TEST_F(PreprocessTest, GrayAndRgb) {
  // 0.299 R + 0.587 G + 0.114 B
  EXPECT_EQ(Apply("color: gray\ndtype: uint8\n", {1, 1, 3, {200, 100, 50}}).values<uint8_t>()[0],
            124);
  EXPECT_TRUE(BitEqual(Apply("color: rgb\ndtype: uint8\n", {1, 1, 1, {9}}),
                       Tensor::FromValues<uint8_t>({3, 1, 1}, {9, 9, 9})));
}

TEST_F(PreprocessTest, CropTakesTheCentreWithTiesToEven) {
  Image row{1, 10, 1, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const auto first = [&](int width) {
    return Apply("dtype: uint8\ncrop: {center: [1, " + std::to_string(width) + "]}\n", row)
        .values<uint8_t>()[0];
  };
  EXPECT_EQ(first(10), 0);
  EXPECT_EQ(first(9), 0);  // half of 1 is 0.5: to 0
  EXPECT_EQ(first(8), 1);
  EXPECT_EQ(first(7), 2);  // 1.5: to 2
  EXPECT_EQ(first(5), 2);  // 2.5: to 2
  EXPECT_EQ(first(3), 4);  // 3.5: to 4
}

TEST_F(PreprocessTest, LetterboxKeepsTheAspect) {
  Image image{2, 4, 1, {}};
  image.pixels.assign(8, 50);
  const Tensor top =
      Apply("dtype: uint8\nresize: {letterbox: [4, 4], pad_value: 114, align: top_left}\n", image);
  EXPECT_TRUE(
      BitEqual(top, Tensor::FromValues<uint8_t>({1, 4, 4}, {50, 50, 50, 50, 50, 50, 50, 50, 114,
                                                            114, 114, 114, 114, 114, 114, 114})));
  const Tensor centre = Apply("dtype: uint8\nresize: {letterbox: [4, 4], pad_value: 1}\n", image);
  EXPECT_TRUE(
      BitEqual(centre, Tensor::FromValues<uint8_t>(
                           {1, 4, 4}, {1, 1, 1, 1, 50, 50, 50, 50, 50, 50, 50, 50, 1, 1, 1, 1})));
}

TEST_F(PreprocessTest, ShorterSideTruncatesTheLonger) {
  const Image image{30, 47, 1, std::vector<uint8_t>(30 * 47)};
  EXPECT_EQ(Apply("resize: {shorter_side: 20}\n", image).dims(), (std::vector<int64_t>{1, 20, 31}));
  const Image strip{1, 60000, 1, std::vector<uint8_t>(60000)};
  const Result<Tensor> huge = PreprocessImage(Spec("resize: {shorter_side: 5000}\n"), strip);
  EXPECT_EQ(huge.status().message(),
            "resizing the shorter side of 1 x 60000 pixels to 5000 gives too large an image");
}

TEST_F(PreprocessTest, Refusals) {
  EXPECT_EQ(
      Refusal("reszie: 3\n"),
      ":1: unknown key 'reszie', known here: channel_order, color, crop, dtype, layout, mean, "
      "resize, scale, std");
  EXPECT_EQ(Refusal("resize: {exact: [2, 2], shorter_side: 3}\n"),
            ":1: 'resize' must have exactly one of: exact, letterbox, shorter_side");
  EXPECT_EQ(Refusal("resize: {exact: [2, 2], filter: bicubic}\n"),
            ":1: 'filter' is 'bicubic', must be one of: bilinear");
  EXPECT_EQ(Refusal("resize: {exact: [2, 2], pad_value: 3}\n"),
            ":1: unknown key 'pad_value', known here: exact, filter, letterbox, shorter_side");
  EXPECT_EQ(Refusal("resize: {exact: [65536, 65536]}\n"), ":1: the size is too large");
  EXPECT_EQ(Refusal("scale: 1/0\n"), ":1: 'scale' is '1/0', must be a number or a fraction a/b");
  EXPECT_EQ(Refusal("std: [1, 0, 1]\n"), ":1: 'std' must not be 0");
  EXPECT_EQ(Refusal("mean: [1, 2]\n"), ":1: 'mean' has 2 values, must have 1 or one per channel");
  EXPECT_EQ(Refusal("color: gray\nmean: [1, 2, 3]\n"),
            ":2: 'mean' has 3 values, must have 1 or one per channel");
  EXPECT_EQ(Refusal("dtype: float33\n"), ":1: unknown element type 'float33'");
  EXPECT_EQ(Refusal("dtype: bool\n"), ":1: conversion to bool is not supported");
  EXPECT_EQ(PreprocessImage(Spec("crop: {center: [3, 2]}\n"), Small()).status().message(),
            "the image has 2 x 2 pixels, smaller than the crop of 3 x 2");
  EXPECT_EQ(PreprocessImage(Spec("mean: [1, 2, 3]\n"), {1, 1, 1, {0}}).status().message(),
            "'mean' or 'std' has more values than the image has channels");
}

TEST_F(PreprocessTest, NumbersKeepTheirTypeUnlessToldOtherwise) {
  const Tensor ids = Tensor::FromValues<int64_t>({2}, {(int64_t{1} << 40) + 1, -7});
  EXPECT_TRUE(BitEqual(PreprocessValues(ValueSpec(), ids).value(), ids));
  EXPECT_TRUE(BitEqual(PreprocessValues(Values("dtype: int32\n"), ids).value(),
                       Tensor::FromValues<int32_t>({2}, {INT32_MAX, -7})));
  EXPECT_TRUE(BitEqual(PreprocessValues(Values("dtype: float32\n"), ids).value(),
                       Tensor::FromValues<float>({2}, {0x1p40f, -7})));
  const Tensor bytes = Tensor::FromValues<uint8_t>({2}, {10, 20});
  EXPECT_TRUE(BitEqual(PreprocessValues(Values("scale: 1/10\nmean: 1\nstd: 2\n"), bytes).value(),
                       Tensor::FromValues<float>({2}, {0, 0.5f})));
  const Tensor floats = Tensor::FromValues<float>({3}, {NAN, 2.5f, -1});
  EXPECT_TRUE(BitEqual(PreprocessValues(Values("dtype: uint8\n"), floats).value(),
                       Tensor::FromValues<uint8_t>({3}, {0, 2, 0})));
}

}  // namespace
}  // namespace adze
