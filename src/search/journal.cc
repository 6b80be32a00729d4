#include "search/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/file.h"
#include "formats/json/json.h"

namespace adze {
namespace {

Status Failed(const std::string& path, const char* what) {
  return InvalidInput(path + ": " + what + ": " + std::strerror(errno));
}

Status AppendLine(int fd, const std::string& path, const Journal::Json& line) {
  const std::string text =
      line.dump(-1, ' ', false, Journal::Json::error_handler_t::replace) + "\n";
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed(path, "cannot write");
    done += static_cast<size_t>(n);
  }
  return ::fdatasync(fd) == 0 ? OkStatus() : Failed(path, "cannot sync");
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(const std::string& path,
                                               const std::string& fingerprint) {
  std::unique_ptr<Journal> journal(new Journal());
  journal->path_ = path;
  size_t valid = 0;  // bytes of whole lines of this task
  if (::access(path.c_str(), F_OK) == 0) {
    ADZE_ASSIGN(const auto file, MappedFile::Open(path));
    const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()),
                                file->bytes().size());
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      if (end == std::string_view::npos) break;
      const Json line = ParseJson(text.substr(begin, end - begin));
      if (!line.is_object()) break;
      if (begin == 0) {
        if (line.value("fingerprint", Json()) != fingerprint) {
          journal->dropped_ = std::count(text.begin(), text.end(), '\n') - 1;
          break;
        }
      } else {
        const auto key = line.find("key");
        const auto value = line.find("value");
        if (key == line.end() || !key->is_string() || value == line.end()) break;
        journal->entries_[key->get<std::string>()] = *value;
      }
      begin = valid = end + 1;
    }
  }
  journal->resumed_ = static_cast<int64_t>(journal->entries_.size());
  journal->fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (journal->fd_ < 0) return Failed(path, "cannot open");
  if (::ftruncate(journal->fd_, static_cast<off_t>(valid)) != 0 ||
      ::lseek(journal->fd_, 0, SEEK_END) < 0) {
    return Failed(path, "cannot truncate");
  }
  if (valid == 0) {
    ADZE_TRY(AppendLine(journal->fd_, path, {{"fingerprint", fingerprint}}));
  }
  return journal;
}

std::unique_ptr<Journal> Journal::Replay(Entries entries, std::string origin) {
  std::unique_ptr<Journal> journal(new Journal());
  journal->entries_ = std::move(entries);
  journal->replay_of_ = std::move(origin);
  return journal;
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

Result<const Journal::Json*> Journal::Find(const std::string& key) const {
  const auto it = entries_.find(key);
  if (it != entries_.end()) {
    used_.insert(key);
    return &it->second;
  }
  if (!replay_of_.empty()) {
    return InvalidInput(replay_of_ + ": lacks the measurement '" + key +
                        "': it was made from something else, or is not whole");
  }
  return static_cast<const Json*>(nullptr);
}

Status Journal::Record(const std::string& key, Json value) {
  ADZE_CHECK(replay_of_.empty());
  ADZE_TRY(AppendLine(fd_, path_, {{"key", key}, {"value", value}}));
  entries_[key] = std::move(value);
  used_.insert(key);
  return OkStatus();
}

Journal::Entries Journal::used() const {
  Entries out;
  for (const std::string& key : used_) out[key] = entries_.at(key);
  return out;
}

}  // namespace adze
