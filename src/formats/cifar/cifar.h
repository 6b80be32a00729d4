// CIFAR-10 binary files: records of one label byte (0..9) and 3 planes (red, green, blue) of 32 x
// 32 bytes.
#ifndef ADZE_FORMATS_CIFAR_CIFAR_H_
#define ADZE_FORMATS_CIFAR_CIFAR_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "formats/gzip/gzip.h"

namespace adze {

inline constexpr int64_t kCifarSide = 32;
inline constexpr int64_t kCifarRecordBytes = 1 + 3 * kCifarSide * kCifarSide;

struct CifarFile {
  FileBytes file;    // the records, one after the other
  int64_t size = 0;  // number of records
  int label(int64_t i) const {
    return static_cast<int>(file.bytes[static_cast<size_t>(i * kCifarRecordBytes)]);
  }
  // 3 planes of 32 x 32.
  const uint8_t* planes(int64_t i) const {
    return reinterpret_cast<const uint8_t*>(file.bytes.data()) + i * kCifarRecordBytes + 1;
  }
};

// Plain or gzipped. Refuses a size that is no multiple of a record, an empty file, and a label
// over 9.
Result<CifarFile> ReadCifar10(const std::string& path);

}  // namespace adze

#endif  // ADZE_FORMATS_CIFAR_CIFAR_H_
