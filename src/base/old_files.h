// Several outputs that are written together or not at all.
#ifndef ADZE_BASE_OLD_FILES_H_
#define ADZE_BASE_OLD_FILES_H_

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace adze {

// Remembers what was at paths that are about to be replaced, and puts it back when it is destroyed
// without Forget: what was not there is removed again. For files that are written atomically.
class OldFiles {
 public:
  OldFiles() = default;
  ~OldFiles();
  OldFiles(const OldFiles&) = delete;
  OldFiles& operator=(const OldFiles&) = delete;

  // The file, and those that adze writes beside it: .data of ONNX, the side file of encodings.
  Status Keep(const std::string& path);
  // The new files stay.
  void Forget();

 private:
  std::vector<std::pair<std::string, std::string>> kept_;  // path, its copy; "": was not there
};

}  // namespace adze

#endif  // ADZE_BASE_OLD_FILES_H_
