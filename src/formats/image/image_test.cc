#include "formats/image/image.h"

#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
//
#include <jpeglib.h>

#include "base/test_files.h"

namespace adze {
namespace {

std::span<const std::byte> Bytes(const std::string& s) { return std::as_bytes(std::span(s)); }

// Encodes rows of `components` bytes a pixel; `setup` may change the defaults.
std::string Jpeg(int width, int height, int components, J_COLOR_SPACE space,
                 const std::vector<uint8_t>& pixels,
                 const std::function<void(jpeg_compress_struct*)>& setup = nullptr) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  if (setup) setup(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row =
        const_cast<uint8_t*>(pixels.data()) +
        static_cast<size_t>(info.next_scanline) * static_cast<size_t>(width * components);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string out(reinterpret_cast<char*>(data), size);
  std::free(data);
  return out;
}

struct PngOptions {
  int color_type = PNG_COLOR_TYPE_RGB;
  int bit_depth = 8;
  int interlace = PNG_INTERLACE_NONE;
  std::vector<png_color> palette;
  std::vector<png_byte> transparency;
};

std::string Png(int width, int height, std::vector<std::vector<uint8_t>> rows,
                const PngOptions& o = {}) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, size_t n) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), n);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
               o.bit_depth, o.color_type, o.interlace, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!o.palette.empty()) {
    png_set_PLTE(png, info, o.palette.data(), static_cast<int>(o.palette.size()));
  }
  if (!o.transparency.empty()) {
    png_set_tRNS(png, info, o.transparency.data(), static_cast<int>(o.transparency.size()),
                 nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::vector<uint8_t> Pixels(const std::string& file) {
  const Result<Image> image = DecodeImage(Bytes(file));
  EXPECT_TRUE(image.ok()) << image.status().message();
  return image.ok() ? image.value().pixels : std::vector<uint8_t>();
}

std::string Refusal(const std::string& file) {
  const Result<Image> image = DecodeImage(Bytes(file));
  return image.ok() ? "(accepted)" : image.status().message();
}

using Rgb = std::vector<uint8_t>;

TEST(Png, EveryColourType) {
  EXPECT_EQ(Pixels(Png(2, 1, {{1, 2, 3, 4, 5, 6}})), (Rgb{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Pixels(Png(2, 1, {{1, 2, 3, 0, 4, 5, 6, 128}}, {PNG_COLOR_TYPE_RGB_ALPHA})),
            (Rgb{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Pixels(Png(2, 1, {{9, 200}}, {PNG_COLOR_TYPE_GRAY})), (Rgb{9, 9, 9, 200, 200, 200}));
  EXPECT_EQ(Pixels(Png(1, 1, {{9, 77}}, {PNG_COLOR_TYPE_GRAY_ALPHA})), (Rgb{9, 9, 9}));
  // 4 bits of gray: 0x5 of 0xf is 85 of 255.
  EXPECT_EQ(Pixels(Png(2, 1, {{0x5f}}, {PNG_COLOR_TYPE_GRAY, 4})),
            (Rgb{85, 85, 85, 255, 255, 255}));
  EXPECT_EQ(Pixels(Png(2, 1, {{0x40}}, {PNG_COLOR_TYPE_GRAY, 1})), (Rgb{0, 0, 0, 255, 255, 255}));
  EXPECT_EQ(Pixels(Png(1, 1, {{0x12, 0xff, 0x34, 0xff, 0x56, 0xff}}, {PNG_COLOR_TYPE_RGB, 16})),
            (Rgb{0x12, 0x34, 0x56}));
  PngOptions palette{PNG_COLOR_TYPE_PALETTE};
  palette.palette = {{1, 2, 3}, {40, 50, 60}};
  palette.transparency = {0, 255};
  EXPECT_EQ(Pixels(Png(2, 1, {{1, 0}}, palette)), (Rgb{40, 50, 60, 1, 2, 3}));
}

TEST(Png, Interlaced) {
  PngOptions o{PNG_COLOR_TYPE_GRAY};
  o.interlace = PNG_INTERLACE_ADAM7;
  std::vector<std::vector<uint8_t>> rows(5, std::vector<uint8_t>(7));
  Rgb expected;
  for (size_t i = 0; i < 35; ++i) {
    rows[i / 7][i % 7] = static_cast<uint8_t>(3 * i);
    expected.insert(expected.end(), 3, static_cast<uint8_t>(3 * i));
  }
  EXPECT_EQ(Pixels(Png(7, 5, rows, o)), expected);
}

// The file with other width and height in its header, whose checksum is put right.
std::string WithSize(std::string png, const std::string& size) {
  png.replace(16, 8, size);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17);
  for (size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  return png;
}

TEST(Png, Refusals) {
  const std::string good = Png(2, 1, {{1, 2, 3, 4, 5, 6}});
  for (size_t keep = 4; keep < good.size(); ++keep) {
    EXPECT_TRUE(Refusal(good.substr(0, keep)).starts_with("unreadable PNG: ")) << keep;
  }
  EXPECT_EQ(Refusal(good.substr(0, good.size() - 5)), "unreadable PNG: the file is truncated");
  std::string corrupt = good;
  corrupt[45] = static_cast<char>(corrupt[45] ^ 0x55);  // inside IDAT
  EXPECT_TRUE(Refusal(corrupt).starts_with("unreadable PNG: ")) << Refusal(corrupt);
  EXPECT_EQ(Refusal(WithSize(good, std::string("\0\0\xea\x60\0\0\xea\x60", 8))),
            "unreadable PNG: the image is too large");
  EXPECT_EQ(Refusal(WithSize(good, std::string("\0\0\x20\0\0\0\x20\0", 8))),
            "unreadable PNG: the file is truncated");  // 8192 x 8192 in 70 bytes
}

std::vector<uint8_t> Gradient(int width, int height, int components) {
  std::vector<uint8_t> p;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < components; ++c) {
        p.push_back(static_cast<uint8_t>(60 + 5 * x + 3 * y + 20 * c));
      }
    }
  }
  return p;
}

void ExpectNear(const Rgb& a, const Rgb& b, int tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Jpeg, EveryColourSpace) {
  const Rgb rgb = Gradient(16, 16, 3);
  ExpectNear(Pixels(Jpeg(16, 16, 3, JCS_RGB, rgb)), rgb, 3);
  ExpectNear(Pixels(Jpeg(16, 16, 3, JCS_RGB, rgb, jpeg_simple_progression)), rgb, 3);
  ExpectNear(Pixels(Jpeg(16, 16, 3, JCS_RGB, rgb,
                         [](jpeg_compress_struct* c) { jpeg_set_colorspace(c, JCS_RGB); })),
             rgb, 2);
  const std::vector<uint8_t> gray = Gradient(16, 16, 1);
  Rgb replicated;
  for (const uint8_t g : gray) replicated.insert(replicated.end(), 3, g);
  ExpectNear(Pixels(Jpeg(16, 16, 1, JCS_GRAYSCALE, gray)), replicated, 1);
}

TEST(Jpeg, CmykIsTakenAsInverted) {
  // 255 is no ink: cyan 55 %, black none; then black half.
  std::vector<uint8_t> cmyk;
  for (int i = 0; i < 64; ++i) cmyk.insert(cmyk.end(), {115, 255, 255, 255});
  Rgb expected;
  for (int i = 0; i < 64; ++i) expected.insert(expected.end(), {115, 255, 255});
  ExpectNear(Pixels(Jpeg(8, 8, 4, JCS_CMYK, cmyk)), expected, 1);
  for (size_t i = 3; i < cmyk.size(); i += 4) cmyk[i] = 128;
  expected.clear();
  for (int i = 0; i < 64; ++i) expected.insert(expected.end(), {58, 128, 128});
  ExpectNear(Pixels(Jpeg(8, 8, 4, JCS_CMYK, cmyk)), expected, 1);
  ExpectNear(Pixels(Jpeg(8, 8, 4, JCS_CMYK, cmyk,
                         [](jpeg_compress_struct* c) { jpeg_set_colorspace(c, JCS_YCCK); })),
             expected, 2);
}

TEST(Jpeg, Refusals) {
  const std::string good = Jpeg(64, 64, 3, JCS_RGB, Gradient(64, 64, 3));
  for (size_t keep = 2; keep + 2 < good.size(); keep += 7) {
    EXPECT_TRUE(Refusal(good.substr(0, keep)).starts_with("unreadable JPEG: ")) << keep;
  }
  EXPECT_EQ(Refusal(good.substr(0, good.size() - 40)),
            "unreadable JPEG: Premature end of JPEG file");
  EXPECT_EQ(Refusal(std::string("\xff\xd8\xff\xd9", 4)),
            "unreadable JPEG: JPEG datastream contains no image");
  // Dimensions of the frame header replaced: SOF0 is ff c0, length, precision, height, width.
  const size_t sof = good.find("\xff\xc0");
  ASSERT_NE(sof, std::string::npos);
  std::string huge = good;
  huge.replace(sof + 5, 4, "\xff\x00\xff\x00", 4);
  EXPECT_EQ(Refusal(huge), "unreadable JPEG: the image is too large");
  huge.replace(sof + 5, 4, "\x20\x00\x20\x00", 4);
  EXPECT_EQ(Refusal(huge), "unreadable JPEG: the file is truncated");
  std::string twelve = good;
  twelve[sof + 4] = 12;
  const Result<Image> image = DecodeImage(Bytes(twelve));
  EXPECT_EQ(image.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(image.status().message(), "JPEG: Unsupported JPEG data precision 12");
}

TEST(Jpeg, UntidyHeadersAreFine) {
  std::string good = Jpeg(8, 8, 3, JCS_RGB, Gradient(8, 8, 3));
  good.insert(2, "\x01\x02\x03");  // bytes between markers
  EXPECT_EQ(Refusal(good), "(accepted)");
}

TEST(Image, OtherFilesAndMissingFiles) {
  EXPECT_EQ(Refusal(""), "the file is empty");
  EXPECT_EQ(Refusal("GIF89a"), "neither a JPEG nor a PNG file");
  const TestFolder folder;
  const std::string path = folder.Write("a.jpg", "GIF89a");
  EXPECT_EQ(ReadImage(path).status().message(), path + ": neither a JPEG nor a PNG file");
  EXPECT_EQ(ReadImage("/nonexistent.png").status().message(),
            "/nonexistent.png: cannot open: No such file or directory");
}

// Flipped bytes anywhere must end in pixels or in a sentence, whatever they are.
TEST(Image, DamagedFilesNeverCrash) {
  const std::string files[] = {
      Jpeg(40, 30, 3, JCS_RGB, Gradient(40, 30, 3)),
      Jpeg(40, 30, 3, JCS_RGB, Gradient(40, 30, 3), jpeg_simple_progression),
      Png(2, 2, {{1, 2, 3, 4, 5, 6}, {7, 8, 9, 1, 2, 3}})};
  int refused = 0;
  for (const std::string& file : files) {
    for (size_t i = 0; i < file.size(); ++i) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ static_cast<char>(1 + i * 31 % 255));
      refused += Refusal(damaged) != "(accepted)";
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace adze
