#include "formats/image/image.h"

#include "base/file.h"

namespace adze {

Result<Image> DecodeImage(std::span<const std::byte> bytes) {
  const auto at = [&](size_t i) { return i < bytes.size() ? static_cast<unsigned>(bytes[i]) : 0u; };
  if (bytes.empty()) return InvalidInput("the file is empty");
  if (at(0) == 0xff && at(1) == 0xd8) return DecodeJpeg(bytes);
  if (at(0) == 0x89 && at(1) == 'P' && at(2) == 'N' && at(3) == 'G') return DecodePng(bytes);
  return InvalidInput("neither a JPEG nor a PNG file");
}

Result<Image> ReadImage(const std::string& path) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<Image> image = DecodeImage(file->bytes());
  if (!image.ok()) return image.status().WithContext(path);
  return image;
}

}  // namespace adze
