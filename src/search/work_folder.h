// The folder in which `adze compress` keeps what a later call can go on from.
#ifndef ADZE_SEARCH_WORK_FOLDER_H_
#define ADZE_SEARCH_WORK_FOLDER_H_

#include <memory>
#include <string>

#include "algos/keep_float.h"
#include "base/status.h"

namespace adze {

class WorkFolder {
 public:
  static constexpr const char* kJournal = "journal.jsonl";

  // Makes `path` and takes hold of it; refuses when another process has it.
  static Result<std::unique_ptr<WorkFolder>> Open(const std::string& path);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // The fully quantized network and its statistics as files, whole or not at all. SaveBase returns
  // a hash over all of them; LoadBase gives back exactly what every load of them gives, and refuses
  // files of another hash.
  Result<std::string> SaveBase(const QuantizeResult& result) const;
  struct Base {
    FullyQuantized network;
    Statistics statistics;
  };
  Result<Base> LoadBase(const std::string& hash) const;

  // Removes every file in the folder, and the folder if nothing else is in it.
  void Remove();

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  Result<std::string> BaseHash() const;
  std::string path_;
  int lock_ = -1;
};

}  // namespace adze

#endif  // ADZE_SEARCH_WORK_FOLDER_H_
