#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/plan_file/format.h"

namespace adze::plan_file {

Result<Header> ReadHeader(std::span<const std::byte> bytes) {
  Header h{};
  if (bytes.size() < sizeof(h.magic) || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return InvalidInput("is no .adz file");
  }
  std::memcpy(&h, bytes.data(), std::min(sizeof(h), bytes.size()));
  if (bytes.size() < sizeof(h)) return InvalidInput("is truncated");
  if (h.major != kMajor || h.minor > kMinor) {
    return Unsupported("is of format " + std::to_string(h.major) + "." + std::to_string(h.minor) +
                       ", this adze reads " + std::to_string(kMajor) + ".0 to " +
                       std::to_string(kMajor) + "." + std::to_string(kMinor) +
                       ": convert the network again with this adze");
  }
  if (h.file_bytes != bytes.size()) {
    return InvalidInput(bytes.size() < h.file_bytes
                            ? "is truncated: " + std::to_string(bytes.size()) + " of " +
                                  std::to_string(h.file_bytes) + " bytes"
                            : "has bytes behind its end");
  }
  if (h.metadata_bytes > bytes.size() ||
      h.weights_offset != Align(sizeof(Header) + h.metadata_bytes) ||
      h.weights_offset > bytes.size() || h.weights_bytes != bytes.size() - h.weights_offset ||
      h.weights_bytes < kTailBytes) {
    return InvalidInput("has a header that does not fit the file");
  }
  if (HeaderChecksum(bytes.first(h.weights_offset)) != h.checksum) {
    return InvalidInput("is damaged: the description of the network has another checksum");
  }
  if (ChecksumOf(bytes.subspan(h.weights_offset)) != h.weights_checksum) {
    return InvalidInput("is damaged: the weights have another checksum");
  }
  return h;
}

}  // namespace adze::plan_file
