// kind: images — JPEG and PNG files of a folder.
#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "data/labels.h"
#include "data/preprocess.h"
#include "data/source.h"
#include "data/yaml_map.h"

namespace adze {
namespace {

namespace fs = std::filesystem;

class ImageSource : public InputSource {
 public:
  ImageSource(std::vector<std::string> paths, ImageSpec spec)
      : paths_(std::move(paths)), spec_(std::move(spec)) {}
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string id(int64_t index) const override {
    return fs::path(paths_[static_cast<size_t>(index)]).filename().string();
  }
  Result<Tensor> Read(int64_t index) const override {
    const std::string& path = paths_[static_cast<size_t>(index)];
    ADZE_ASSIGN(Image image, ReadImage(path));
    Result<Tensor> tensor = PreprocessImage(spec_, std::move(image));
    if (!tensor.ok()) return tensor.status().WithContext(path);
    return tensor;
  }

 private:
  std::vector<std::string> paths_;
  ImageSpec spec_;
};

bool IsImageName(const fs::path& path) {
  std::string suffix = path.extension().string();
  for (char& c : suffix) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png";
}

// Names in `folder`, sorted by bytes: images, or sub-folders.
Result<std::vector<std::string>> List(const std::string& folder, bool folders) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error) return InvalidInput(folder + ": cannot list: " + error.message());
  std::vector<std::string> names;
  while (it != fs::directory_iterator()) {
    std::error_code ignored;
    const bool is_folder = it->is_directory(ignored);
    if (folders ? is_folder : !is_folder && IsImageName(it->path())) {
      names.push_back(it->path().filename().string());
    }
    it.increment(error);
    if (error) return InvalidInput(folder + ": cannot list: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Files {
  std::vector<std::string> paths;
  std::vector<int64_t> labels;  // empty, or one per path
};

// Exactly the files of the table, in its order.
Result<Files> FromTable(YamlMap& labels, const std::string& root) {
  ADZE_ASSIGN(const LabelTable table, ReadLabelTable(labels, root, /*with_paths=*/true));
  Files files;
  for (const LabelRow& row : table.rows) {
    std::string path = JoinPath(root, row.path);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) {
      return InvalidInput(table.path + ":" + std::to_string(row.line) + ": there is no image " +
                          path);
    }
    files.paths.push_back(std::move(path));
    files.labels.push_back(row.label);
  }
  return files;
}

// One sub-folder per class, numbered by the order of their names.
Result<Files> FromFolders(const std::string& root) {
  ADZE_ASSIGN(const std::vector<std::string> classes, List(root, /*folders=*/true));
  Files files;
  for (size_t c = 0; c < classes.size(); ++c) {
    const std::string folder = JoinPath(root, classes[c]);
    ADZE_ASSIGN(const std::vector<std::string> names, List(folder, /*folders=*/false));
    for (const std::string& name : names) {
      files.paths.push_back(JoinPath(folder, name));
      files.labels.push_back(static_cast<int64_t>(c));
    }
  }
  return files;
}

// Label 1 where `folder` has a file of the image's name with another extension, else 0.
Result<Files> FromPresence(YamlMap& labels, const std::string& root) {
  ADZE_ASSIGN(const std::string folder_name, labels.String("folder"));
  ADZE_ASSIGN(const std::string extension, labels.String("extension", ".txt"));
  const std::string folder = JoinPath(root, folder_name);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return labels.ErrorAt("folder", folder + " is not a folder");
  }
  ADZE_ASSIGN(const std::vector<std::string> names, List(root, /*folders=*/false));
  Files files;
  for (const std::string& name : names) {
    files.paths.push_back(JoinPath(root, name));
    const std::string other = JoinPath(folder, fs::path(name).stem().string() + extension);
    files.labels.push_back(fs::is_regular_file(other, ignored) ? 1 : 0);
  }
  return files;
}

Result<Files> FromListing(const std::string& root) {
  ADZE_ASSIGN(const std::vector<std::string> names, List(root, /*folders=*/false));
  Files files;
  for (const std::string& name : names) files.paths.push_back(JoinPath(root, name));
  return files;
}

Result<Files> ListFiles(const std::string& root, YamlMap* labels) {
  if (labels == nullptr) return FromListing(root);
  ADZE_ASSIGN(const int from, labels->Choice("from", {"table", "folders", "presence"}));
  if (from == 0) return FromTable(*labels, root);
  return from == 1 ? FromFolders(root) : FromPresence(*labels, root);
}

Result<OpenedSource> Open(YamlMap& input, const std::string& root, YamlMap* labels) {
  ADZE_ASSIGN(std::optional<YamlMap> preprocess, input.Map("preprocess"));
  ADZE_ASSIGN(ImageSpec spec, ParseImageSpec(preprocess ? &*preprocess : nullptr));
  ADZE_ASSIGN(Files files, ListFiles(root, labels));
  if (files.paths.empty()) {
    return input.Error("no images (.jpg, .jpeg, .png) in " + root);
  }
  OpenedSource opened;
  opened.source = std::make_unique<ImageSource>(std::move(files.paths), std::move(spec));
  opened.labels = std::move(files.labels);
  return opened;
}

}  // namespace

extern const SourceKind kImagesKind;
const SourceKind kImagesKind = {"images", "JPEG and PNG files of a folder", Open};

}  // namespace adze
