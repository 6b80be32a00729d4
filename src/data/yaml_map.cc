#include "data/yaml_map.h"

#include <yaml-cpp/eventhandler.h>

#include <charconv>
#include <cmath>
#include <sstream>

#include "base/file.h"

namespace adze {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxNodes = 100000;
constexpr int kMaxDepth = 32;

std::string At(const std::string& path, const YAML::Mark& mark) {
  return mark.is_null() ? path : path + ":" + std::to_string(mark.line + 1);
}

// Thrown through the parser to stop it at the first thing we refuse; caught in Scan.
struct Refused {
  YAML::Mark mark;
  const char* why;
};

// Walks the events of a document before any node is built.
class Limiter : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { Count(mark, 0); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Count(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Count(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    Count(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Count(mark, anchor);
    Enter(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Count(mark, anchor);
    Enter(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void Count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{mark, "anchors and aliases are not supported"};
    if (++nodes_ > kMaxNodes) throw Refused{mark, "the file has too many entries"};
  }
  void Enter(const YAML::Mark& mark) {
    if (++depth_ > kMaxDepth) throw Refused{mark, "nesting is too deep"};
  }
  int nodes_ = 0;
  int depth_ = 0;
};

// A mapping with a key twice, anywhere below `node`: yaml-cpp would keep one of them silently.
Status RefuseDuplicates(const std::string& path, const YAML::Node& node) {
  if (node.IsSequence()) {
    for (const YAML::Node& child : node) ADZE_TRY(RefuseDuplicates(path, child));
  }
  if (!node.IsMap()) return OkStatus();
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    if (!key.IsScalar()) return InvalidInput(At(path, key.Mark()) + ": a key must be a name");
    if (!seen.insert(key.Scalar()).second) {
      return InvalidInput(At(path, key.Mark()) + ": '" + key.Scalar() + "' occurs twice");
    }
    ADZE_TRY(RefuseDuplicates(path, entry.second));
  }
  return OkStatus();
}

template <typename T>
bool ParseNumber(const std::string& text, T* out) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc() && stop == end && !text.empty();
}

bool ParseDouble(const std::string& text, double* out) {
  return ParseNumber(text, out) && std::isfinite(*out);
}

std::string Range(int64_t min, int64_t max) {
  if (min == INT64_MIN && max == INT64_MAX) return "an integer";
  return "an integer" + (min == INT64_MIN ? "" : " >= " + std::to_string(min)) +
         (max == INT64_MAX ? "" : (min == INT64_MIN ? " <= " : " and <= ") + std::to_string(max));
}

}  // namespace

Result<YamlMap> ReadYaml(const std::string& path) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  if (file->bytes().size() > kMaxBytes) return InvalidInput(path + ": larger than 1 MiB");
  const std::string text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Limiter limiter;
    if (!parser.HandleNextDocument(limiter)) return InvalidInput(path + ": the file is empty");
    if (parser.HandleNextDocument(limiter)) {
      return InvalidInput(path + ": more than one YAML document");
    }
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) return InvalidInput(path + ": not a list of 'key: value' lines");
    ADZE_TRY(RefuseDuplicates(path, root));
    return YamlMap(path, root);
  } catch (const Refused& refused) {
    return InvalidInput(At(path, refused.mark) + ": " + refused.why);
  } catch (const YAML::Exception& e) {
    return InvalidInput(At(path, e.mark) + ": not valid YAML: " + e.msg);
  }
}

Status YamlMap::Error(const std::string& message) const {
  return InvalidInput(At(path_, node_.Mark()) + ": " + message);
}

Status YamlMap::ErrorAt(const std::string& key, const std::string& message) const {
  for (const auto& entry : node_) {
    if (entry.first.Scalar() == key) {
      return InvalidInput(At(path_, entry.first.Mark()) + ": " + message);
    }
  }
  return Error(message);
}

YAML::Node YamlMap::Find(const std::string& key) {
  asked_.insert(key);
  for (const auto& entry : node_) {
    if (entry.first.Scalar() == key) return entry.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

bool YamlMap::Has(const std::string& key) { return Find(key).IsDefined(); }

Result<std::string> YamlMap::Scalar(const std::string& key) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return Error("'" + key + "' is missing");
  if (!node.IsScalar()) return ErrorAt(key, "'" + key + "' must be one value");
  return node.Scalar();
}

Result<std::string> YamlMap::String(const std::string& key) { return Scalar(key); }

Result<std::string> YamlMap::String(const std::string& key, const std::string& fallback) {
  return Has(key) ? Scalar(key) : Result<std::string>(fallback);
}

Result<int> YamlMap::Choice(const std::string& key, const std::vector<std::string>& choices) {
  ADZE_ASSIGN(const std::string value, String(key, choices[0]));
  std::string list;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == value) return static_cast<int>(i);
    list += (i == 0 ? "" : ", ") + choices[i];
  }
  return ErrorAt(key, "'" + key + "' is '" + value + "', must be one of: " + list);
}

Result<int64_t> YamlMap::Int(const std::string& key, int64_t min, int64_t max) {
  ADZE_ASSIGN(const std::string text, Scalar(key));
  int64_t value = 0;
  if (!ParseNumber(text, &value) || value < min || value > max) {
    return ErrorAt(key, "'" + key + "' is '" + text + "', must be " + Range(min, max));
  }
  return value;
}

Result<int64_t> YamlMap::Int(const std::string& key, int64_t min, int64_t max, int64_t fallback) {
  return Has(key) ? Int(key, min, max) : Result<int64_t>(fallback);
}

Result<double> YamlMap::Double(const std::string& key, double fallback) {
  if (!Has(key)) return fallback;
  ADZE_ASSIGN(const std::string text, Scalar(key));
  double value = 0;
  if (!ParseDouble(text, &value)) {
    return ErrorAt(key, "'" + key + "' is '" + text + "', must be a number");
  }
  return value;
}

Result<bool> YamlMap::Bool(const std::string& key, bool fallback) {
  if (!Has(key)) return fallback;
  ADZE_ASSIGN(const std::string text, Scalar(key));
  if (text != "true" && text != "false") {
    return ErrorAt(key, "'" + key + "' is '" + text + "', must be true or false");
  }
  return text == "true";
}

Result<std::vector<int64_t>> YamlMap::Ints(const std::string& key, size_t size, int64_t min,
                                           int64_t max) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return Error("'" + key + "' is missing");
  std::vector<int64_t> values;
  bool good = node.IsSequence() && (size == 0 || node.size() == size);
  if (good) {
    for (const YAML::Node& item : node) {
      int64_t value = 0;
      good = good && item.IsScalar() && ParseNumber(item.Scalar(), &value) && value >= min &&
             value <= max;
      values.push_back(value);
    }
  }
  if (!good) {
    return ErrorAt(key, "'" + key + "' must be a list of " +
                            (size == 0 ? std::string() : std::to_string(size) + " values, each ") +
                            Range(min, max));
  }
  return values;
}

Result<std::vector<double>> YamlMap::Doubles(const std::string& key) {
  const YAML::Node node = Find(key);
  std::vector<double> values;
  if (!node.IsDefined()) return values;
  double value = 0;
  if (node.IsScalar() && ParseDouble(node.Scalar(), &value)) return std::vector<double>{value};
  bool good = node.IsSequence() && node.size() > 0;
  if (good) {
    for (const YAML::Node& item : node) {
      good = good && item.IsScalar() && ParseDouble(item.Scalar(), &value);
      values.push_back(value);
    }
  }
  if (!good) return ErrorAt(key, "'" + key + "' must be a number or a list of numbers");
  return values;
}

Result<std::vector<std::string>> YamlMap::Strings(const std::string& key) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return Error("'" + key + "' is missing");
  if (node.IsScalar()) return std::vector<std::string>{node.Scalar()};
  std::vector<std::string> values;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (item.IsScalar()) values.push_back(item.Scalar());
    }
  }
  if (values.empty() || values.size() != node.size()) {
    return ErrorAt(key, "'" + key + "' must be a name or a list of names");
  }
  return values;
}

Result<std::optional<YamlMap>> YamlMap::Map(const std::string& key) {
  const YAML::Node node = Find(key);
  if (!node.IsDefined()) return std::optional<YamlMap>();
  if (!node.IsMap()) return ErrorAt(key, "'" + key + "' must be a mapping");
  return std::optional<YamlMap>(YamlMap(path_, node));
}

Result<std::vector<YamlMap>> YamlMap::Maps(const std::string& key) {
  const YAML::Node node = Find(key);
  std::vector<YamlMap> maps;
  if (!node.IsDefined()) return maps;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (item.IsMap()) maps.emplace_back(path_, item);
    }
  }
  if (maps.empty() || maps.size() != node.size()) {
    return ErrorAt(key, "'" + key + "' must be a list of mappings");
  }
  return maps;
}

std::vector<std::string> YamlMap::Keys() {
  std::vector<std::string> keys;
  for (const auto& entry : node_) {
    keys.push_back(entry.first.Scalar());
    asked_.insert(entry.first.Scalar());
  }
  return keys;
}

Status YamlMap::RefuseUnknownKeys() const {
  for (const auto& entry : node_) {
    if (asked_.contains(entry.first.Scalar())) continue;
    std::string known;
    for (const std::string& key : asked_) known += (known.empty() ? "" : ", ") + key;
    return InvalidInput(At(path_, entry.first.Mark()) + ": unknown key '" + entry.first.Scalar() +
                        "', known here: " + known);
  }
  return OkStatus();
}

}  // namespace adze
