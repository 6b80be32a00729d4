#include "base/old_files.h"

#include <filesystem>

namespace adze {

namespace fs = std::filesystem;

OldFiles::~OldFiles() {
  std::error_code ignored;
  for (const auto& [path, copy] : kept_) {
    if (copy.empty()) {
      fs::remove(path, ignored);
    } else {
      fs::rename(copy, path, ignored);
      fs::remove(copy, ignored);  // renaming a link over its own file leaves it
    }
  }
}

Status OldFiles::Keep(const std::string& path) {
  std::vector<std::string> files = {path, path + ".data"};
  if (path.ends_with(".json")) {
    files.push_back(path.substr(0, path.size() - 5) + ".safetensors");
  }
  for (const std::string& file : files) {
    std::error_code error;
    if (!fs::exists(file, error)) {
      kept_.emplace_back(file, "");
      continue;
    }
    // What is no plain file is refused by whoever writes it.
    if (!fs::is_regular_file(file, error)) continue;
    const std::string copy = file + ".adze-old";
    fs::remove(copy, error);
    fs::create_hard_link(file, copy, error);
    if (error) fs::copy_file(file, copy, error);
    if (error) return InvalidInput(file + ": cannot be kept aside: " + error.message());
    kept_.emplace_back(file, copy);
  }
  return OkStatus();
}

void OldFiles::Forget() {
  std::error_code ignored;
  for (const auto& [path, copy] : kept_) {
    if (!copy.empty()) fs::remove(copy, ignored);
  }
  kept_.clear();
}

}  // namespace adze
