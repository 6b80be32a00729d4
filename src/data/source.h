// Where one network input comes from. A kind of data is one file that defines a SourceKind, and one
// row in kind_list.inc.
#ifndef ADZE_DATA_SOURCE_H_
#define ADZE_DATA_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "ops/tensor.h"

namespace adze {

class YamlMap;

// Samples of one input, preprocessed. Immutable; Read is thread-safe.
class InputSource {
 public:
  virtual ~InputSource() = default;
  virtual int64_t size() const = 0;
  virtual std::string id(int64_t index) const { return "#" + std::to_string(index); }
  virtual Result<Tensor> Read(int64_t index) const = 0;
};

struct OpenedSource {
  std::unique_ptr<InputSource> source;
  std::vector<int64_t> labels;  // where the data itself carries them: one per sample; else empty
};

struct SourceKind {
  const char* name;
  const char* doc;
  // Takes this kind's own keys from `input` (files, preprocess …); `root` is the folder that its
  // paths start from and `labels` the mapping of that name if the description has one (kind images
  // lists its files from it). The caller checks afterwards that no key was left over.
  Result<OpenedSource> (*open)(YamlMap& input, const std::string& root, YamlMap* labels);
};

// All kinds, in the order of kind_list.inc.
std::span<const SourceKind* const> AllSourceKinds();

}  // namespace adze

#endif  // ADZE_DATA_SOURCE_H_
