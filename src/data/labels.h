// The right answers: where they are read from (`labels:` in the YAML).
#ifndef ADZE_DATA_LABELS_H_
#define ADZE_DATA_LABELS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/yaml_map.h"

namespace adze {

// `path` made absolute against `root` unless it is already.
std::string JoinPath(const std::string& root, const std::string& path);

struct LabelRow {
  std::string path;  // empty without a path column
  int64_t label = 0;
  int64_t line = 0;  // 1-based
};

struct LabelTable {
  std::string path;  // of the table
  std::vector<LabelRow> rows;
};

// A text table, one sample a line (keys file, separator, label_column, and path_column if
// `with_paths`). Blank lines and lines that begin with '#' are skipped. Refuses, with file and
// line: a missing column, a label that is no integer, a path twice, a table without rows.
Result<LabelTable> ReadLabelTable(YamlMap& labels, const std::string& root, bool with_paths);

// Labels of sample 0, 1, … from a table, or from npy, npz, idx or raw arrays (keys from, file(s),
// …).
Result<std::vector<int64_t>> ReadArrayLabels(YamlMap& labels, const std::string& root);

}  // namespace adze

#endif  // ADZE_DATA_LABELS_H_
