#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include "formats/image/image.h"

namespace adze {
namespace {

// Deflate codes at most 258 bytes in 2 bits, so memory is bounded by the size of the file.
constexpr uint64_t kMaxDeflateRatio = 1032;

struct Decoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  char message[256] = {};
  Image image;
  std::vector<png_bytep> rows;
  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  Decoder* const d = static_cast<Decoder*>(png_get_error_ptr(png));
  std::snprintf(d->message, sizeof(d->message), "%s", message);
  png_longjmp(png, 1);
}

void OnRead(png_structp png, png_bytep out, size_t bytes) {
  Decoder* const d = static_cast<Decoder*>(png_get_io_ptr(png));
  if (bytes > d->rest.size()) png_error(png, "the file is truncated");
  std::memcpy(out, d->rest.data(), bytes);
  d->rest = d->rest.subspan(bytes);
}

// Everything that may jump. No object with a destructor lives in this frame: longjmp would skip it.
bool RunDecoder(Decoder* d) {
  png_structp png = d->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_read_fn(png, d, OnRead);
  // Text, profiles and other chunks that do not change the pixels are skipped unread.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_read_info(png, d->info);
  Image& image = d->image;
  image.width = png_get_image_width(png, d->info);
  image.height = png_get_image_height(png, d->info);
  if (image.width * image.height > kMaxImagePixels) png_error(png, "the image is too large");
  const uint64_t packed = png_get_rowbytes(png, d->info) * static_cast<uint64_t>(image.height);
  if (packed / kMaxDeflateRatio > d->rest.size()) png_error(png, "the file is truncated");
  png_set_expand(png);  // palette to RGB, 1-, 2- and 4-bit gray to 8, transparency to alpha
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, d->info);
  if (png_get_rowbytes(png, d->info) != static_cast<size_t>(image.width) * 3) {
    png_error(png, "unexpected pixel layout");
  }
  image.pixels.resize(static_cast<size_t>(image.width * image.height * 3));
  d->rows.resize(static_cast<size_t>(image.height));
  for (int64_t y = 0; y < image.height; ++y) {
    d->rows[static_cast<size_t>(y)] = image.pixels.data() + y * image.width * 3;
  }
  png_read_image(png, d->rows.data());
  png_read_end(png, nullptr);
  return true;
}

}  // namespace

Result<Image> DecodePng(std::span<const std::byte> bytes) {
  const auto d = std::make_unique<Decoder>();
  d->rest = bytes;
  d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d.get(), OnError,
                                  [](png_structp, png_const_charp) {});
  if (d->png != nullptr) d->info = png_create_info_struct(d->png);
  if (d->info == nullptr) return InvalidInput("out of memory for a PNG");
  try {
    if (RunDecoder(d.get())) return std::move(d->image);
  } catch (const std::bad_alloc&) {
    std::snprintf(d->message, sizeof(d->message), "out of memory");
  }
  return InvalidInput(std::string("unreadable PNG: ") + d->message);
}

}  // namespace adze
