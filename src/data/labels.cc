#include "data/labels.h"

#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/file.h"
#include "data/arrays.h"

namespace adze {
namespace {

constexpr int64_t kMaxColumns = 1000;

// The columns of a line. Separator ' ' takes runs of blanks as one.
std::vector<std::string_view> Split(std::string_view line, char separator) {
  std::vector<std::string_view> columns;
  size_t start = 0;
  while (start <= line.size()) {
    size_t end = line.find(separator, start);
    if (end == std::string_view::npos) end = line.size();
    if (separator != ' ' || end > start) columns.push_back(line.substr(start, end - start));
    start = end + 1;
  }
  return columns;
}

std::string_view Trim(std::string_view s) {
  const size_t first = s.find_first_not_of(" \r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \r") - first + 1);
}

Result<SampleArrays> ReadLabelArrays(YamlMap& labels, const std::string& root, int from) {
  switch (from) {
    case 1:
      return ReadNpyArrays(labels, root);
    case 2:
      return ReadIdxArrays(labels, root);
    default:
      return ReadRawArrays(labels, root);
  }
}

}  // namespace

std::string JoinPath(const std::string& root, const std::string& path) {
  return (std::filesystem::path(root) / path).lexically_normal().string();
}

Result<LabelTable> ReadLabelTable(YamlMap& labels, const std::string& root, bool with_paths) {
  LabelTable table;
  ADZE_ASSIGN(const std::string file_name, labels.String("file"));
  table.path = JoinPath(root, file_name);
  ADZE_ASSIGN(const int separator_choice, labels.Choice("separator", {"tab", "space", "comma"}));
  const char separator = "\t ,"[separator_choice];
  int64_t path_column = 0;
  if (with_paths) {
    ADZE_ASSIGN(path_column, labels.Int("path_column", 0, kMaxColumns, 0));
  }
  ADZE_ASSIGN(const int64_t label_column,
              labels.Int("label_column", 0, kMaxColumns, with_paths ? 1 : 0));
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(table.path));
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()),
                              file->bytes().size());
  std::set<std::string, std::less<>> seen;
  int64_t line_number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = Trim(text.substr(start, end - start));
    start = end + 1;
    ++line_number;
    if (line.empty() || line[0] == '#') continue;
    const std::string at = table.path + ":" + std::to_string(line_number) + ": ";
    const std::vector<std::string_view> columns = Split(line, separator);
    const int64_t last = std::max(with_paths ? path_column : 0, label_column);
    if (static_cast<int64_t>(columns.size()) <= last) {
      return InvalidInput(at + "column " + std::to_string(last) + " is missing (the line has " +
                          std::to_string(columns.size()) + ", counted from 0)");
    }
    LabelRow row;
    row.line = line_number;
    const std::string_view label = Trim(columns[static_cast<size_t>(label_column)]);
    const auto [stop, error] =
        std::from_chars(label.data(), label.data() + label.size(), row.label);
    if (error != std::errc() || stop != label.data() + label.size()) {
      return InvalidInput(at + "label '" + std::string(label) + "' is not an integer");
    }
    if (with_paths) {
      row.path = Trim(columns[static_cast<size_t>(path_column)]);
      if (!seen.insert(row.path).second) {
        return InvalidInput(at + "'" + row.path + "' occurs twice");
      }
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) return InvalidInput(table.path + ": holds no labels");
  return table;
}

Result<std::vector<int64_t>> ReadArrayLabels(YamlMap& labels, const std::string& root) {
  ADZE_ASSIGN(const int from, labels.Choice("from", {"table", "npy", "idx", "raw"}));
  std::vector<int64_t> values;
  if (from == 0) {
    ADZE_ASSIGN(const LabelTable table, ReadLabelTable(labels, root, /*with_paths=*/false));
    for (const LabelRow& row : table.rows) values.push_back(row.label);
    return values;
  }
  ADZE_ASSIGN(const SampleArrays arrays, ReadLabelArrays(labels, root, from));
  if (!IsInteger(arrays.dtype) || NumElements(arrays.sample_dims) != 1) {
    return labels.Error("the labels must be one integer per sample");
  }
  for (int64_t i = 0; i < arrays.size; ++i) {
    values.push_back(IntegerAt(arrays.At(i).view(), 0));
  }
  return values;
}

}  // namespace adze
