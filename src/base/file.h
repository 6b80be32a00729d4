// Reading files by mapping them and writing files whole or not at all.
#ifndef ADZE_BASE_FILE_H_
#define ADZE_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace adze {

// A read-only memory mapping of a whole file. Tensors read from it keep it alive through a
// shared_ptr. Thread-safe: immutable after Open.
class MappedFile {
 public:
  // Refuses directories, missing and unreadable files, naming `path`. An empty file maps to zero
  // bytes.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  const std::byte* data_;
  size_t size_;
};

// Writes a file atomically: bytes go to a temporary file in the same folder, are fsynced and
// renamed over `path` by Commit. A writer destroyed without Commit removes its temporary file, so a
// full disk, an error or an exception never leaves a half-written output.
class AtomicFileWriter {
 public:
  static Result<std::unique_ptr<AtomicFileWriter>> Create(const std::string& path);
  ~AtomicFileWriter();
  AtomicFileWriter(const AtomicFileWriter&) = delete;
  AtomicFileWriter& operator=(const AtomicFileWriter&) = delete;

  Status Append(std::span<const std::byte> bytes);
  Status Append(std::string_view text) {
    return Append(std::as_bytes(std::span(text.data(), text.size())));
  }
  uint64_t bytes_written() const { return bytes_written_; }
  Status Commit();

 private:
  AtomicFileWriter(std::string path, std::string temp_path, int fd)
      : path_(std::move(path)), temp_path_(std::move(temp_path)), fd_(fd) {}
  Status Flush();
  std::string path_;
  std::string temp_path_;
  int fd_;
  uint64_t bytes_written_ = 0;
  std::vector<std::byte> buffer_;
};

// AtomicFileWriter in one call.
Status WriteFileAtomic(const std::string& path, std::string_view contents);

// Makes `path` and its missing parents; fine if it exists as a folder.
Status MakeDirectories(const std::string& path);

}  // namespace adze

#endif  // ADZE_BASE_FILE_H_
