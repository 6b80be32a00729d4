#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE
//
#include <jerror.h>
#include <jpeglib.h>

#include <memory>

#include "formats/image/image.h"

namespace adze {
namespace {

// A progressive file may repeat scans over the whole image; real ones have about ten.
constexpr int kMaxScans = 100;
constexpr int64_t kMaxPixelsPerByte = 8 * 64;

// libjpeg reports through callbacks that must not return: Fail jumps back to RunDecoder.
struct Decoder {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
  bool unsupported = false;
  Image image;
  std::vector<uint8_t> cmyk_row;
};

[[noreturn]] void Fail(j_common_ptr info) {
  Decoder* const d = static_cast<Decoder*>(info->client_data);
  if (d->message[0] == '\0') info->err->format_message(info, d->message);
  std::longjmp(d->jump, 1);
}

[[noreturn]] void FailWith(Decoder* d, const char* message) {
  std::snprintf(d->message, sizeof(d->message), "%s", message);
  Fail(reinterpret_cast<j_common_ptr>(&d->info));
}

// Level -1 is a warning: libjpeg could go on. Those about damaged image data end the decoding,
// those about untidy headers do not.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
      return;
    default:
      Fail(info);
  }
}

void OnProgress(j_common_ptr info) {
  Decoder* const d = static_cast<Decoder*>(info->client_data);
  if (d->info.input_scan_number > kMaxScans) FailWith(d, "more than 100 scans");
}

// round(a * b / 255) without division.
uint8_t MulDiv255(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return static_cast<uint8_t>(((t >> 8) + t) >> 8);
}

// Adobe stores CMYK inverted: 255 is no ink, so `k` is the brightness that the black ink leaves.
void InvertedCmykToRgb(const uint8_t* cmyk, int64_t width, uint8_t* rgb) {
  for (int64_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned k = cmyk[3];
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(k - MulDiv255(255u - cmyk[c], k));
  }
}

// Everything that may jump. No object with a destructor lives in this frame: longjmp would skip it.
bool RunDecoder(std::span<const std::byte> bytes, Decoder* d) {
  if (setjmp(d->jump) != 0) return false;
  jpeg_decompress_struct* const info = &d->info;
  jpeg_create_decompress(info);  // keeps err and client_data
  jpeg_mem_src(info, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(info, TRUE);
  const int64_t pixels = static_cast<int64_t>(info->image_width) * info->image_height;
  if (pixels > kMaxImagePixels) FailWith(d, "the image is too large");
  // Huffman coding spends at least a bit on each 8x8 block, so memory is bounded by the size of the
  // file.
  if (!info->arith_code && pixels / kMaxPixelsPerByte > static_cast<int64_t>(bytes.size())) {
    FailWith(d, "the file is truncated");
  }
  const bool cmyk = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
  switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_RGB:
    case JCS_YCbCr:
    case JCS_CMYK:
    case JCS_YCCK:
      break;
    default:
      d->unsupported = true;
      FailWith(d, "its colour space is not supported");
  }
  info->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  info->dct_method = JDCT_ISLOW;
  info->do_fancy_upsampling = TRUE;
  info->progress = &d->progress;
  jpeg_start_decompress(info);
  Image& image = d->image;
  image.width = info->output_width;
  image.height = info->output_height;
  image.pixels.resize(static_cast<size_t>(image.width * image.height * 3));
  if (cmyk) d->cmyk_row.resize(static_cast<size_t>(image.width) * 4);
  while (info->output_scanline < info->output_height) {
    uint8_t* const rgb = image.pixels.data() + int64_t{3} * image.width * info->output_scanline;
    JSAMPROW row = cmyk ? d->cmyk_row.data() : rgb;
    jpeg_read_scanlines(info, &row, 1);
    if (cmyk) InvertedCmykToRgb(d->cmyk_row.data(), image.width, rgb);
  }
  jpeg_finish_decompress(info);
  return true;
}

}  // namespace

Result<Image> DecodeJpeg(std::span<const std::byte> bytes) {
  const auto d = std::make_unique<Decoder>();
  d->info.err = jpeg_std_error(&d->errors);
  d->info.client_data = d.get();
  d->errors.error_exit = Fail;
  d->errors.emit_message = OnMessage;
  d->errors.output_message = [](j_common_ptr) {};
  d->progress = {};
  d->progress.progress_monitor = OnProgress;
  bool ok = false;
  try {
    ok = RunDecoder(bytes, d.get());
  } catch (const std::bad_alloc&) {
    ok = false;
    std::snprintf(d->message, sizeof(d->message), "out of memory");
  }
  const int precision = d->info.data_precision;
  jpeg_destroy_decompress(&d->info);
  if (ok) return std::move(d->image);
  if (d->unsupported || (precision != 8 && precision != 0)) {
    return Unsupported("JPEG: " + std::string(d->message));
  }
  return InvalidInput(std::string("unreadable JPEG: ") + d->message);
}

}  // namespace adze
