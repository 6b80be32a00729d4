// Reading one YAML description strictly: every key is taken by somebody or refused, every refusal
// names file and line.
#ifndef ADZE_DATA_YAML_MAP_H_
#define ADZE_DATA_YAML_MAP_H_

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace adze {

// Parses a file whose root is a mapping. Bounded: 1 MiB, 100,000 nodes, nesting of 32; anchors and
// aliases are refused, so a small file cannot stand for a large one. A key that occurs twice is
// refused. yaml-cpp throws only std::bad_alloc after that.
Result<class YamlMap> ReadYaml(const std::string& path);

// A mapping that remembers which keys were asked for. The typed getters refuse a value of another
// type or out of range; the ones with a fallback return it when the key is absent.
class YamlMap {
 public:
  YamlMap(std::string path, YAML::Node node) : path_(std::move(path)), node_(std::move(node)) {}

  // InvalidInput "path:line: message" at this mapping, or at the value of `key`.
  Status Error(const std::string& message) const;
  Status ErrorAt(const std::string& key, const std::string& message) const;

  bool Has(const std::string& key);
  Result<std::string> String(const std::string& key);
  Result<std::string> String(const std::string& key, const std::string& fallback);
  // The index of the value in `choices`; 0 if the key is absent.
  Result<int> Choice(const std::string& key, const std::vector<std::string>& choices);
  Result<int64_t> Int(const std::string& key, int64_t min, int64_t max);
  Result<int64_t> Int(const std::string& key, int64_t min, int64_t max, int64_t fallback);
  Result<double> Double(const std::string& key, double fallback);
  Result<bool> Bool(const std::string& key, bool fallback);
  // A list of `size` integers (any number if 0).
  Result<std::vector<int64_t>> Ints(const std::string& key, size_t size, int64_t min, int64_t max);
  // One number or a list of them; empty if absent.
  Result<std::vector<double>> Doubles(const std::string& key);
  // One string or a list of them, at least one.
  Result<std::vector<std::string>> Strings(const std::string& key);
  // A nested mapping; null if absent. The parent must outlive nothing: nodes are shared.
  Result<std::optional<YamlMap>> Map(const std::string& key);
  // A list of mappings; empty if absent.
  Result<std::vector<YamlMap>> Maps(const std::string& key);
  // All keys in the order of the file, marked as taken: for mappings whose keys are names the user
  // chose.
  std::vector<std::string> Keys();

  // Refuses the first key that nobody asked for, listing those that somebody did.
  Status RefuseUnknownKeys() const;

 private:
  YAML::Node Find(const std::string& key);
  Result<std::string> Scalar(const std::string& key);
  std::string path_;
  YAML::Node node_;
  std::set<std::string> asked_;
};

}  // namespace adze

#endif  // ADZE_DATA_YAML_MAP_H_
