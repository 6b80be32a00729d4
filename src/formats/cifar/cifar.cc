#include "formats/cifar/cifar.h"

namespace adze {

Result<CifarFile> ReadCifar10(const std::string& path) {
  CifarFile c;
  ADZE_ASSIGN(c.file, ReadFileMaybeGzip(path));
  const int64_t bytes = static_cast<int64_t>(c.file.bytes.size());
  if (bytes == 0 || bytes % kCifarRecordBytes != 0) {
    return InvalidInput(path + ": " + std::to_string(bytes) +
                        " bytes are not CIFAR-10 records of " + std::to_string(kCifarRecordBytes));
  }
  c.size = bytes / kCifarRecordBytes;
  for (int64_t i = 0; i < c.size; ++i) {
    if (c.label(i) > 9) {
      return InvalidInput(path + ": record " + std::to_string(i) + " has label " +
                          std::to_string(c.label(i)) + ", CIFAR-10 has 0 to 9");
    }
  }
  return c;
}

}  // namespace adze
