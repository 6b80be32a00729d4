// JPEG and PNG decoding to 8-bit RGB through libjpeg-turbo and libpng.
#ifndef ADZE_FORMATS_IMAGE_IMAGE_H_
#define ADZE_FORMATS_IMAGE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace adze {

// Interleaved rows, top first: pixel (y, x) begins at pixels[(y * width + x) * channels].
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  int channels = 3;  // 3: RGB; 1: gray
  std::vector<uint8_t> pixels;
};

// Larger images are refused before memory is taken: 2^27 pixels are 384 MiB of RGB.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 27;

// Either format, by the first bytes. RGB, 3 channels always.
// What the pixels mean: as Pillow's Image.open(f).convert("RGB") gives them. Gray is replicated;
// palettes are looked up; alpha is dropped, not blended; of 16-bit samples the high byte is kept;
// CMYK and YCCK are taken as inverted (Adobe) and multiplied out; orientation tags, colour profiles
// and gamma are not applied. JPEG: accurate integer DCT, smooth chroma upsampling. Refused: other
// formats, more than kMaxImagePixels, 12-bit and lossless JPEG, and everything truncated or
// corrupt, also where a decoder could go on with grey areas.
Result<Image> DecodeImage(std::span<const std::byte> bytes);
Result<Image> DecodeJpeg(std::span<const std::byte> bytes);
Result<Image> DecodePng(std::span<const std::byte> bytes);

// DecodeImage of a file; messages begin with `path`.
Result<Image> ReadImage(const std::string& path);

}  // namespace adze

#endif  // ADZE_FORMATS_IMAGE_IMAGE_H_
