#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <numeric>
#include <system_error>

#include "data/labels.h"
#include "data/random.h"
#include "data/yaml_map.h"

namespace adze {

#define ADZE_DATA_KIND(symbol) extern const SourceKind symbol;
#include "data/kind_list.inc"
#undef ADZE_DATA_KIND

std::span<const SourceKind* const> AllSourceKinds() {
  static constexpr const SourceKind* kKinds[] = {
#define ADZE_DATA_KIND(symbol) &symbol,
#include "data/kind_list.inc"
#undef ADZE_DATA_KIND
  };
  return kKinds;
}

namespace {

constexpr const char* kAllSplit = "all";

// Fisher-Yates with RandomBits; the bias of the modulus is below 2^-31 for the sizes that occur.
void Shuffle(uint64_t seed, std::vector<int64_t>* indices) {
  for (size_t i = indices->size(); i > 1; --i) {
    std::swap((*indices)[i - 1], (*indices)[RandomBits(seed, i) % i]);
  }
}

// Shuffle, then range, then every/offset, then limit.
Result<std::vector<int64_t>> ParseSplit(const std::string& name, YamlMap split,
                                        std::vector<int64_t> all) {
  const int64_t n = static_cast<int64_t>(all.size());
  if (split.Has("shuffle")) {
    ADZE_ASSIGN(const int64_t seed, split.Int("shuffle", 0, INT64_MAX));
    Shuffle(static_cast<uint64_t>(seed), &all);
  }
  int64_t begin = 0;
  int64_t end = n;
  if (split.Has("range")) {
    ADZE_ASSIGN(const std::vector<int64_t> range, split.Ints("range", 2, 0, INT64_MAX));
    begin = range[0];
    end = range[1];
    if (begin >= end || end > n) {
      return split.ErrorAt("range", "range [" + std::to_string(begin) + ", " + std::to_string(end) +
                                        ") of split '" + name + "' does not fit " +
                                        std::to_string(n) + " samples");
    }
  }
  ADZE_ASSIGN(const int64_t every, split.Int("every", 1, INT64_MAX, 1));
  ADZE_ASSIGN(const int64_t offset, split.Int("offset", 0, every - 1, 0));
  ADZE_ASSIGN(const int64_t limit, split.Int("limit", 1, INT64_MAX, n));
  ADZE_TRY(split.RefuseUnknownKeys());
  std::vector<int64_t> chosen;
  for (int64_t i = begin; i < end; ++i) {
    if ((i - begin) % every != offset) continue;
    if (static_cast<int64_t>(chosen.size()) == limit) break;
    chosen.push_back(all[static_cast<size_t>(i)]);
  }
  if (chosen.empty()) return split.Error("split '" + name + "' selects no sample");
  return chosen;
}

Result<EvaluateSpec> ParseEvaluate(YamlMap& map) {
  EvaluateSpec spec;
  ADZE_ASSIGN(spec.metric, map.String("metric", ""));
  ADZE_ASSIGN(spec.output_name, map.String("output", ""));
  if (map.Has("output_index")) {
    if (!spec.output_name.empty()) {
      return map.ErrorAt("output_index", "'output' and 'output_index' exclude each other");
    }
    ADZE_ASSIGN(const int64_t index, map.Int("output_index", 0, 1000));
    spec.output_index = static_cast<int>(index);
  }
  spec.output_given = map.Has("output") || map.Has("output_index");
  ADZE_ASSIGN(spec.drop_first_class, map.Bool("drop_first_class", false));
  ADZE_TRY(map.RefuseUnknownKeys());
  return spec;
}

}  // namespace

// Fills a Dataset from its description.
class DatasetParser {
 public:
  static Result<std::unique_ptr<Dataset>> Parse(const std::string& yaml_path) {
    ADZE_ASSIGN(YamlMap root_map, ReadYaml(yaml_path));
    DatasetParser parser(yaml_path);
    ADZE_TRY(parser.ParseAll(root_map));
    return std::move(parser.data_);
  }

 private:
  explicit DatasetParser(const std::string& yaml_path) : data_(new Dataset) {
    data_->path_ = yaml_path;
  }

  // The order matters: unknown keys are refused only after everybody has asked for theirs, but
  // before anything that depends on the data (splits, label counts) could hide a misspelt key
  // behind another message.
  Status ParseAll(YamlMap& top) {
    ADZE_ASSIGN(const std::string root, ParseRoot(top));
    ADZE_ASSIGN(std::optional<YamlMap> labels, top.Map("labels"));
    ADZE_ASSIGN(data_->batched_, top.Bool("batched", true));
    ADZE_ASSIGN(std::optional<YamlMap> evaluate, top.Map("evaluate"));
    if (evaluate) {
      ADZE_ASSIGN(data_->evaluate_, ParseEvaluate(*evaluate));
    }
    ADZE_ASSIGN(std::optional<YamlMap> splits, top.Map("splits"));
    ADZE_ASSIGN(std::vector<YamlMap> inputs, top.Maps("inputs"));
    YamlMap* const labels_or_null = labels ? &*labels : nullptr;
    if (inputs.empty()) {
      ADZE_TRY(ParseInput(top, root, labels_or_null));
      ADZE_TRY(top.RefuseUnknownKeys());
    } else {
      ADZE_TRY(top.RefuseUnknownKeys());
      for (YamlMap& input : inputs) {
        ADZE_TRY(ParseInput(input, root, labels_or_null));
        ADZE_TRY(input.RefuseUnknownKeys());
      }
    }
    if (labels) ADZE_TRY(ParseLabels(*labels, root));
    if (!labels) data_->labels_ = std::move(source_labels_);
    if (splits) ADZE_TRY(ParseSplits(*splits));
    data_->splits_[kAllSplit] = AllIndices();
    return OkStatus();
  }

  Result<std::string> ParseRoot(YamlMap& top) {
    ADZE_ASSIGN(const std::string text, top.String("root", "."));
    const std::string root =
        JoinPath(std::filesystem::path(data_->path_).parent_path().string(), text);
    std::error_code ignored;
    if (!std::filesystem::is_directory(root.empty() ? "." : root, ignored)) {
      return top.ErrorAt("root", "root " + root + " is not a folder");
    }
    return root.empty() ? std::string(".") : root;
  }

  Status ParseInput(YamlMap& input, const std::string& root, YamlMap* labels) {
    ADZE_ASSIGN(const std::string kind_name, input.String("kind"));
    ADZE_ASSIGN(std::string name, input.String("name", ""));
    const SourceKind* kind = nullptr;
    std::string known;
    for (const SourceKind* k : AllSourceKinds()) {
      if (kind_name == k->name) kind = k;
      known += (known.empty() ? "" : ", ") + std::string(k->name);
    }
    if (kind == nullptr) {
      return input.ErrorAt("kind", "unknown kind '" + kind_name + "', known: " + known);
    }
    ADZE_ASSIGN(OpenedSource opened, kind->open(input, root, labels));
    if (!data_->inputs_.empty() && opened.source->size() != data_->inputs_[0]->size()) {
      return input.Error("this input has " + std::to_string(opened.source->size()) +
                         " samples, the first has " + std::to_string(data_->inputs_[0]->size()));
    }
    if (source_labels_.empty()) source_labels_ = std::move(opened.labels);
    data_->inputs_.push_back(std::move(opened.source));
    data_->input_names_.push_back(std::move(name));
    return OkStatus();
  }

  Status ParseLabels(YamlMap& labels, const std::string& root) {
    std::vector<int64_t> values = std::move(source_labels_);
    if (values.empty()) {
      ADZE_ASSIGN(values, ReadArrayLabels(labels, root));
    }
    ADZE_ASSIGN(const int64_t offset, labels.Int("offset", -1000000, 1000000, 0));
    ADZE_TRY(labels.RefuseUnknownKeys());
    const int64_t samples = data_->inputs_[0]->size();
    if (static_cast<int64_t>(values.size()) != samples) {
      return labels.Error("there are " + std::to_string(values.size()) + " labels for " +
                          std::to_string(samples) + " samples");
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (__builtin_add_overflow(values[i], offset, &values[i]) || values[i] < 0) {
        return labels.Error("sample " + data_->inputs_[0]->id(static_cast<int64_t>(i)) +
                            " has a negative label");
      }
    }
    data_->labels_ = std::move(values);
    return OkStatus();
  }

  Status ParseSplits(YamlMap& splits) {
    for (const std::string& name : splits.Keys()) {
      if (name == kAllSplit) {
        return splits.ErrorAt(name, "split 'all' always means all samples");
      }
      ADZE_ASSIGN(std::optional<YamlMap> split, splits.Map(name));
      ADZE_ASSIGN(data_->splits_[name], ParseSplit(name, *split, AllIndices()));
    }
    return OkStatus();
  }

  std::vector<int64_t> AllIndices() const {
    std::vector<int64_t> all(static_cast<size_t>(data_->inputs_[0]->size()));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  std::unique_ptr<Dataset> data_;
  std::vector<int64_t> source_labels_;
};

std::vector<std::string> Dataset::split_names() const {
  std::vector<std::string> names;
  for (const auto& [name, indices] : splits_) names.push_back(name);
  return names;
}

Result<const std::vector<int64_t>*> Dataset::FindSplit(const std::string& split) const {
  const auto it = splits_.find(split);
  if (it != splits_.end()) return &it->second;
  std::string known;
  for (const auto& [name, indices] : splits_) known += (known.empty() ? "" : ", ") + name;
  return UsageError(path_ + ": no split '" + split + "', it has: " + known);
}

Result<int64_t> Dataset::NumSamples(const std::string& split) const {
  ADZE_ASSIGN(const std::vector<int64_t>* const indices, FindSplit(split));
  return static_cast<int64_t>(indices->size());
}

Status Dataset::Read(const std::string& split, int64_t index, Sample* sample) const {
  ADZE_ASSIGN(const std::vector<int64_t>* const indices, FindSplit(split));
  if (index < 0 || index >= static_cast<int64_t>(indices->size())) {
    return UsageError(path_ + ": split '" + split + "' has no sample " + std::to_string(index));
  }
  const int64_t at = (*indices)[static_cast<size_t>(index)];
  *sample = Sample();
  sample->id = inputs_[0]->id(at);
  if (!labels_.empty()) sample->label = labels_[static_cast<size_t>(at)];
  for (const std::unique_ptr<InputSource>& input : inputs_) {
    try {
      ADZE_ASSIGN(Tensor tensor, input->Read(at));
      sample->inputs.push_back(std::move(tensor));
    } catch (const std::bad_alloc&) {
      return InvalidInput(sample->id + ": out of memory");
    }
  }
  return OkStatus();
}

Result<std::unique_ptr<Dataset>> OpenDataset(const std::string& yaml_path) {
  try {
    return DatasetParser::Parse(yaml_path);
  } catch (const YAML::Exception& e) {
    return InvalidInput(yaml_path + ": " + e.what());
  } catch (const std::bad_alloc&) {
    return InvalidInput(yaml_path + ": out of memory");
  }
}

}  // namespace adze
