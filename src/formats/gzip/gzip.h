// Inflating through zlib, bounded: gzip files and raw deflate streams (zip entries).
#ifndef ADZE_FORMATS_GZIP_GZIP_H_
#define ADZE_FORMATS_GZIP_GZIP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace adze {

// Most that a gzip file may unpack to unless the caller says otherwise: 4 GiB.
inline constexpr uint64_t kMaxUnpackedBytes = uint64_t{1} << 32;

// Bytes kept alive by `owner`: a mapped file, or an unpacked buffer (aligned like malloc, 16
// bytes).
struct FileBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// Whether `bytes` begins like a gzip file.
bool IsGzip(std::span<const std::byte> bytes);

// All members of a gzip file, concatenated, checksums verified. Refuses truncated and corrupt data
// and more than `max_bytes` of output; memory grows with the output that really comes, not with
// what a header claims.
Result<FileBytes> Gunzip(std::span<const std::byte> bytes, uint64_t max_bytes = kMaxUnpackedBytes);

// Maps `path`; if it is a gzip file (by its first bytes, not its name), unpacks it. Messages begin
// with `path`.
Result<FileBytes> ReadFileMaybeGzip(const std::string& path,
                                    uint64_t max_bytes = kMaxUnpackedBytes);

// A raw deflate stream that must fill `out` exactly and end with the input.
Status InflateRaw(std::span<const std::byte> in, std::span<std::byte> out);

}  // namespace adze

#endif  // ADZE_FORMATS_GZIP_GZIP_H_
