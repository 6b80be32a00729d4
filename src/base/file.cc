#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace adze {
namespace {

constexpr size_t kWriteBufferBytes = 1 << 20;

Status Errno(const std::string& path, const char* action) {
  return InvalidInput(path + ": cannot " + action + ": " + std::strerror(errno));
}

Status WriteAll(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno(path, "write");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return OkStatus();
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Errno(path, "open");
  struct stat st;
  if (::fstat(fd, &st) != 0) {
    const Status status = Errno(path, "stat");
    ::close(fd);
    return status;
  }
  if (!S_ISREG(st.st_mode)) {
    ::close(fd);
    return InvalidInput(path + ": not a regular file");
  }
  const size_t size = static_cast<size_t>(st.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* const p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
      const Status status = Errno(path, "map");
      ::close(fd);
      return status;
    }
    data = static_cast<const std::byte*>(p);
  }
  ::close(fd);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<std::unique_ptr<AtomicFileWriter>> AtomicFileWriter::Create(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) return InvalidInput(path + ": is a directory");
  std::string temp_path = path + ".tmp.XXXXXX";
  const int fd = ::mkostemp(temp_path.data(), O_CLOEXEC);
  if (fd < 0) return Errno(path, "create");
  if (::fchmod(fd, 0644) != 0) {
    const Status status = Errno(path, "create");
    ::close(fd);
    ::unlink(temp_path.c_str());
    return status;
  }
  return std::unique_ptr<AtomicFileWriter>(new AtomicFileWriter(path, temp_path, fd));
}

AtomicFileWriter::~AtomicFileWriter() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(temp_path_.c_str());
  }
}

Status AtomicFileWriter::Append(std::span<const std::byte> bytes) {
  bytes_written_ += bytes.size();
  if (bytes.size() >= kWriteBufferBytes) {
    ADZE_TRY(Flush());
    return WriteAll(fd_, bytes, path_);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kWriteBufferBytes) return Flush();
  return OkStatus();
}

Status AtomicFileWriter::Flush() {
  ADZE_TRY(WriteAll(fd_, buffer_, path_));
  buffer_.clear();
  return OkStatus();
}

Status AtomicFileWriter::Commit() {
  ADZE_CHECK(fd_ >= 0);
  ADZE_TRY(Flush());
  if (::fsync(fd_) != 0) return Errno(path_, "sync");
  if (::close(fd_) != 0) {
    fd_ = -1;
    ::unlink(temp_path_.c_str());
    return Errno(path_, "close");
  }
  fd_ = -1;
  if (::rename(temp_path_.c_str(), path_.c_str()) != 0) {
    const Status status = Errno(path_, "rename");
    ::unlink(temp_path_.c_str());
    return status;
  }
  return OkStatus();
}

Status WriteFileAtomic(const std::string& path, std::string_view contents) {
  ADZE_ASSIGN(auto writer, AtomicFileWriter::Create(path));
  ADZE_TRY(writer->Append(contents));
  return writer->Commit();
}

Status MakeDirectories(const std::string& path) {
  std::error_code ec;
  std::filesystem::create_directories(path, ec);
  if (ec) return InvalidInput(path + ": cannot create directory: " + ec.message());
  if (!std::filesystem::is_directory(path, ec)) return InvalidInput(path + ": not a directory");
  return OkStatus();
}

}  // namespace adze
