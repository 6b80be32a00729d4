// Measurements that have been made, by name: the memory of a search. A search is a pure function of
// its measurements, so a search that is repeated with the same journal takes the same way without
// measuring again: that is how interrupted work resumes and how a lock file is replayed.
#ifndef ADZE_SEARCH_JOURNAL_H_
#define ADZE_SEARCH_JOURNAL_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/status.h"

namespace adze {

class Journal {
 public:
  using Json = nlohmann::ordered_json;
  using Entries = std::map<std::string, Json>;

  // Opens or creates the file. One line of JSON per measurement, appended and synced when it is
  // made; a line that was cut short by a crash is dropped. A file of another task (`fingerprint`)
  // is begun anew.
  static Result<std::unique_ptr<Journal>> Open(const std::string& path,
                                               const std::string& fingerprint);
  // A complete journal without a file: what it lacks is an error. `origin` is named in it.
  static std::unique_ptr<Journal> Replay(Entries entries, std::string origin);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Null if not measured yet. Fails only in a replay.
  Result<const Json*> Find(const std::string& key) const;
  Status Record(const std::string& key, Json value);
  const Entries& entries() const { return entries_; }
  // Of them, those that were found or recorded since the journal was opened: what a search used,
  // whatever else interrupted work with another budget has measured.
  Entries used() const;
  int64_t resumed() const { return resumed_; }  // entries found in the file when it was opened
  int64_t dropped() const { return dropped_; }  // those of another task, which are gone

 private:
  Journal() = default;
  Entries entries_;
  mutable std::set<std::string> used_;
  std::string path_;
  std::string replay_of_;  // not empty: no file, read only
  int fd_ = -1;
  int64_t resumed_ = 0;
  int64_t dropped_ = 0;
};

}  // namespace adze

#endif  // ADZE_SEARCH_JOURNAL_H_
