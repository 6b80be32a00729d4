#include "formats/gzip/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/file.h"

namespace adze {
namespace {

// zlib counts in 32 bits; larger buffers are handed over in slices.
constexpr size_t kMaxSlice = size_t{1} << 30;

// Ends the stream on every way out.
struct InflateStream {
  z_stream z = {};
  bool ready;
  explicit InflateStream(int window_bits) { ready = inflateInit2(&z, window_bits) == Z_OK; }
  ~InflateStream() {
    if (ready) inflateEnd(&z);
  }
};

Bytef* AsInput(const std::byte* p) { return reinterpret_cast<Bytef*>(const_cast<std::byte*>(p)); }

// A growing malloc block: unlike a vector it does not zero what zlib will overwrite.
struct Buffer {
  std::byte* data = nullptr;
  size_t size = 0;
  size_t capacity = 0;
  ~Buffer() { std::free(data); }
  bool Reserve(size_t bytes) {
    std::byte* const grown = static_cast<std::byte*>(std::realloc(data, bytes));
    if (grown == nullptr) return false;
    data = grown;
    capacity = bytes;
    return true;
  }
};

}  // namespace

bool IsGzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

Result<FileBytes> Gunzip(std::span<const std::byte> bytes, uint64_t max_bytes) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  InflateStream stream(kGzipOnly);
  if (!stream.ready) return InvalidInput("out of memory for unpacking");
  z_stream& z = stream.z;
  Buffer out;
  size_t used = 0;  // input bytes given to zlib so far
  while (true) {
    if (z.avail_in == 0 && used < bytes.size()) {
      const size_t slice = std::min(kMaxSlice, bytes.size() - used);
      z.next_in = AsInput(bytes.data() + used);
      z.avail_in = static_cast<uInt>(slice);
      used += slice;
    }
    if (out.size == out.capacity) {
      if (out.size >= max_bytes) {
        return InvalidInput("unpacks to more than " + std::to_string(max_bytes) + " bytes");
      }
      const size_t want = std::max<size_t>(out.capacity * 2, size_t{64} << 10);
      if (!out.Reserve(static_cast<size_t>(std::min<uint64_t>(want, max_bytes)))) {
        return InvalidInput("out of memory for unpacking");
      }
    }
    const size_t room = std::min(kMaxSlice, out.capacity - out.size);
    z.next_out = reinterpret_cast<Bytef*>(out.data + out.size);
    z.avail_out = static_cast<uInt>(room);
    const int code = inflate(&z, Z_NO_FLUSH);
    out.size += room - z.avail_out;
    if (code == Z_STREAM_END) {
      if (z.avail_in == 0 && used == bytes.size()) break;
      if (inflateReset(&z) != Z_OK) return InternalError("zlib: inflateReset failed");
      continue;  // another member follows
    }
    if (code == Z_BUF_ERROR && z.avail_in == 0 && used == bytes.size()) {
      return InvalidInput("truncated gzip data");
    }
    if (code != Z_OK && code != Z_BUF_ERROR) {
      return InvalidInput(std::string("corrupt gzip data") +
                          (z.msg != nullptr ? std::string(": ") + z.msg : std::string()));
    }
  }
  FileBytes result;
  result.bytes = {out.data, out.size};
  result.owner =
      std::shared_ptr<const void>(out.data, [](const void* p) { std::free(const_cast<void*>(p)); });
  out.data = nullptr;
  return result;
}

Result<FileBytes> ReadFileMaybeGzip(const std::string& path, uint64_t max_bytes) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  if (!IsGzip(file->bytes())) return FileBytes{file->bytes(), file};
  Result<FileBytes> unpacked = Gunzip(file->bytes(), max_bytes);
  if (!unpacked.ok()) return unpacked.status().WithContext(path);
  return unpacked;
}

Status InflateRaw(std::span<const std::byte> in, std::span<std::byte> out) {
  InflateStream stream(-MAX_WBITS);
  if (!stream.ready) return InvalidInput("out of memory for unpacking");
  z_stream& z = stream.z;
  size_t used = 0;
  size_t filled = 0;
  std::byte spare;  // one byte of room past the end shows output that is longer than promised
  while (true) {
    if (z.avail_in == 0 && used < in.size()) {
      const size_t slice = std::min(kMaxSlice, in.size() - used);
      z.next_in = AsInput(in.data() + used);
      z.avail_in = static_cast<uInt>(slice);
      used += slice;
    }
    const bool full = filled == out.size();
    const size_t room = full ? 1 : std::min(kMaxSlice, out.size() - filled);
    z.next_out = reinterpret_cast<Bytef*>(full ? &spare : out.data() + filled);
    z.avail_out = static_cast<uInt>(room);
    const int code = inflate(&z, Z_NO_FLUSH);
    const size_t made = room - z.avail_out;
    if (full && made > 0) return InvalidInput("deflated data is longer than its header says");
    if (!full) filled += made;
    if (code == Z_STREAM_END) break;
    if (code == Z_BUF_ERROR && z.avail_in == 0 && used == in.size()) {
      return InvalidInput("truncated deflated data");
    }
    if (code != Z_OK && code != Z_BUF_ERROR) {
      return InvalidInput(std::string("corrupt deflated data") +
                          (z.msg != nullptr ? std::string(": ") + z.msg : std::string()));
    }
  }
  if (filled != out.size()) return InvalidInput("deflated data is shorter than its header says");
  if (z.avail_in != 0 || used != in.size()) {
    return InvalidInput("deflated data ends before its header says");
  }
  return OkStatus();
}

}  // namespace adze
